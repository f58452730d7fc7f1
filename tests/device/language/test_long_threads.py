"""A thread longer than the context: nothing that is dropped goes unread, nothing is read twice."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import replace

from device.language.prompt import ThreadPrompt, message_line
from device.language.writer import ROOM, Writer
from device.messages import Message, Thread
from tests.fakes import ByteTokenizer, ScriptedEngine

TOKENIZER = ByteTokenizer()
LIMIT = 1000
MESSAGES = tuple(
    Message("Ben", f"chair {i} is at {i % 12 + 1}:30", dt.time(9, 0)) for i in range(90)
)


def chat(n: int, first: int = 0) -> Thread:
    return Thread("t", "Anna", MESSAGES[first:n], "Ben")


class Desk:
    """A writer on an engine that sums up by naming the newest chair, and what it was asked."""

    def __init__(self, summary: str | None = None) -> None:
        self.summaries: list[str] = []
        self._summary = summary
        self.engine = ScriptedEngine(self._answer, n_ctx=LIMIT + ROOM)
        self.writer = Writer(self.engine, ThreadPrompt(TOKENIZER), TOKENIZER, "scripted")

    def _answer(self, prompt: str, times: int) -> str:
        thread, _, task = prompt.rpartition("<|im_start|>")
        if task != "summary\n":
            return "-"
        if times == 0:
            self.summaries.append(thread)
        return self._summary or f"Ben talks about {chairs(thread)[-1]}."

    def held(self, thread: Thread) -> str:
        cached = self.writer.prefill(thread)
        text = TOKENIZER.text(self.engine.tokens(cached.seq))
        assert cached.tokens == len(self.engine.tokens(cached.seq)) <= LIMIT
        assert self.engine.open_sequences == 1
        return text


def chairs(text: str) -> list[str]:
    """The chairs of the messages, without those of the line that stands for others."""
    return re.findall(r"chair \d+", re.sub(r"--- earlier.*", "", text))


def test_every_dropped_message_is_folded_in_once_behind_the_line_for_those_before() -> None:
    desk = Desk()
    held = desk.held(chat(90))
    assert len(desk.summaries) > 4
    read = [chair for window in desk.summaries for chair in chairs(window)] + chairs(held)
    assert read == [f"chair {i}" for i in range(90)]
    for before, after in zip(desk.summaries, [*desk.summaries[1:], held], strict=True):
        assert f"--- earlier: Ben talks about {chairs(before)[-1]}. ---\n" in after


def test_a_new_message_costs_its_own_tokens_and_folds_in_only_what_it_pushes_out() -> None:
    desk = Desk()
    desk.held(chat(40))
    more = 0
    for n in range(41, 91):
        before, asked = desk.engine.prefilled, len(desk.summaries)
        desk.held(chat(n))
        cost = desk.engine.prefilled - before
        own = len(message_line(MESSAGES[n - 1], "Anna")) + 1
        if len(desk.summaries) == asked:
            assert cost == own
        else:
            more += 1
            assert len(desk.summaries) == asked + 1
            assert cost < LIMIT, "the window is cached: what stays is prefilled, once"
    assert 2 < more <= 50 * 40 / (LIMIT / 4) + 1, "a quarter of the context at a time"


def test_grown_as_read_anew() -> None:
    grown = Desk()
    for n in range(1, 70):
        held = grown.held(chat(n))
    assert held == Desk().held(chat(69))


def test_the_line_outlives_its_sequence_and_a_view_that_slides() -> None:
    desk = Desk()
    held = desk.held(chat(80))
    asked = len(desk.summaries)
    desk.writer.clear()
    assert desk.engine.open_sequences == 0
    assert desk.held(chat(80)) == held
    before = desk.engine.prefilled
    for first in range(1, 5):  # the newest 76 messages of a thread in the inbox
        assert desk.held(chat(80, first)) == held
    assert (len(desk.summaries), desk.engine.prefilled) == (asked, before)


def test_another_thread_of_the_same_id_has_nothing_of_the_first() -> None:
    desk = Desk()
    desk.held(chat(80))
    other = replace(chat(0), messages=(Message("Cleo", "hello"), Message("Cleo", "there")))
    assert "earlier" not in desk.held(other)


def test_one_equal_message_is_not_the_same_thread() -> None:
    desk = Desk()
    desk.held(chat(80))
    last = len(desk.summaries[-1])
    assert last
    folded = chairs(desk.summaries[-1])[-1]
    shared = next(m for m in MESSAGES if m.text.startswith(f"{folded} "))
    other = replace(chat(0), messages=(shared, Message("Cleo", "hello")))
    assert "earlier" not in desk.held(other)


def test_a_line_that_its_messages_do_not_bear_out_becomes_a_quote() -> None:
    held = Desk("Zoe talks about 500 sofas.").held(chat(60))
    assert "Zoe" not in held
    assert '--- earlier: Ben: "chair' in held


def test_of_an_export_of_years_only_the_newest_windows_are_read() -> None:
    desk = Desk()
    years = replace(chat(0), messages=MESSAGES * 50)
    held = desk.held(years)
    assert "chair 89 " in held
    assert len(desk.summaries) <= 9


def test_a_message_longer_than_the_context_among_others() -> None:
    giant = Message("Ben", "chair 500 " + "is here and " * 150, dt.time(9, 0))
    desk = Desk()
    messages = (*MESSAGES[:3], giant, *MESSAGES[3:6])
    held = desk.held(replace(chat(0), messages=messages))
    read = [chair for window in desk.summaries for chair in chairs(window)] + chairs(held)
    assert read == [f"chair {i}" for i in (0, 1, 2, 500, 3, 4, 5)]
    assert all(len(window) < LIMIT + 50 for window in desk.summaries)


def test_a_line_of_many_tokens_leaves_room_in_a_small_context() -> None:
    emoji = tuple(Message("🦀" * 12, "🦑" * 150, dt.time(9, i)) for i in range(8))
    desk = Desk("Zoe")
    assert "--- earlier: 🦀" in desk.held(replace(chat(0), messages=emoji, title="🐙" * 40))


def test_what_is_new_is_still_divided_from_what_was_read() -> None:
    held = Desk().held(replace(chat(80), unread_from=78))
    assert held.endswith(
        "--- new ---\n" + "".join(message_line(m, "Anna") + "\n" for m in MESSAGES[78:80])
    )


def test_of_what_the_wearer_has_read_only_what_fits_is_read_again_and_little_before_it() -> None:
    desk = Desk()
    held = desk.held(replace(chat(90), unread_from=89))
    assert len(desk.summaries) <= 2
    assert chairs(held)[-1] == "chair 89"
    assert desk.engine.prefilled <= 2 * LIMIT


def test_what_was_never_read_bears_out_no_line() -> None:
    said = "Zoe wants 500 sofas."
    zoe = Message("Zoe", "I want 500 sofas", dt.time(8, 0))
    old = replace(chat(0), messages=(zoe, *MESSAGES * 50), unread_from=4490)
    assert Desk(said).writer.card(old).summary.source == "quote"
    fresh = replace(chat(0), messages=(zoe, *MESSAGES))
    assert Desk(said).writer.card(fresh).summary.text == said


def test_what_was_never_read_is_not_quoted() -> None:
    zoe = Message("Zoe", "Can you bring 500 sofas, please?", dt.time(8, 0))
    old = Desk().writer.card(replace(chat(0), messages=(zoe, *MESSAGES * 50)))
    assert (old.glance.text[:11], "sofas" in old.summary.text) == ('Ben: "chair', False)
    fresh = Desk().writer.card(replace(chat(0), messages=(zoe, *MESSAGES[:60])))
    assert fresh.glance.text == 'Zoe: "Can you bring 500 sofas, please?"'
