"""What is shown is checked, or it is the sender's own words."""

from __future__ import annotations

import datetime as dt
import io
import json
from dataclasses import replace

import pytest
from rich.console import Console

from device.assistant import card_json
from device.displays.terminal import QUOTE_MARK, show_card
from device.language.claims import features
from device.language.grounding import check
from device.language.judge import probability
from device.language.plain_replies import HINDI, PLAIN
from device.language.prompt import ThreadPrompt
from device.language.showing import LINES, draft_passes
from device.language.work import DRAFTS
from device.language.writer import Writer
from device.messages import INTENTS, Card, Draft, Line, Message, Thread
from tests.fakes import GOOD, Answer, ByteTokenizer, ScriptedEngine, script

TOKENIZER = ByteTokenizer()
ASKED = "can you bring 3 chairs to Oakfield at 7:30?"
WHY = "the hall has none, " + "and the choir would rather not stand all evening long, " * 3
CHAT = Thread(
    "t",
    "Anna",
    (Message("Ben", f"{ASKED} {WHY}", dt.time(18, 2)),),
    "Ben",
)
"""Too long to stand on a card as it is."""
MOVED = [
    ("Ben", "dinner at Oakfield on Friday?"),
    ("Anna", "fine"),
    ("Ben", "not Oakfield, it's closed. the Crown instead, Saturday not Friday"),
]


def card(answer: Answer, thread: Thread = CHAT) -> Card:
    engine = ScriptedEngine(answer)
    result = Writer(engine, ThreadPrompt(TOKENIZER), TOKENIZER, "scripted").card(thread)
    assert engine.open_sequences == 1, "every fork is closed again"
    return result


def test_a_card() -> None:
    result = card(script())
    assert (result.glance.text, result.glance.source) == (GOOD["glance"], "model")
    assert (result.summary.text, result.summary.source) == (GOOD["summary"], "model")
    assert result.asks == Line(f'Ben: "{ASKED}"', "quote")
    assert (result.triage.needs_reply, result.triage.urgency) == (True, "high")
    assert len(result.drafts) == 3
    assert len({d.intent for d in result.drafts}) == 3
    assert result.drafts[0].intent == "ask", "the likeliest intent comes first"
    assert set(result.timings_ms) == {"prepare", "glance", "summary", "asks", "triage", "replies"}


def test_side_by_side_as_one_by_one() -> None:
    threads = [
        Thread(f"t{i}", "Anna", (Message("Ben", f"bring {i} chairs?" + " please" * i),), "Ben")
        for i in range(40)
    ]

    def answer(prompt: str, times: int) -> str:
        number = prompt.partition("bring ")[2].split()[0]
        said = {"glance": f"Ben: {number} chairs?", "summary": f"Ben asks for {number} chairs."}
        false = {"glance": "Ben: 77 chairs?"} if int(number) % 3 == 0 else {}
        return script(**(said | false), asks="-", triage="none low")(prompt, times)

    engine = ScriptedEngine(answer, n_ctx=800)
    writer = Writer(engine, ThreadPrompt(TOKENIZER), TOKENIZER, "scripted", together=4)
    cards = list(writer.cards(threads))
    assert [c.thread_id for c in cards] == [t.id for t in threads]
    for thread, found in zip(threads, cards, strict=True):
        alone = card(answer, thread)
        assert replace(found, timings_ms={}) == replace(alone, timings_ms={})
    assert {c.glance.source for c in cards} == {"model", "quote"}
    assert engine.open_sequences <= 4


@pytest.mark.parametrize(
    "bad",
    [
        "Ben: bring 4 chairs",
        "Zoe wants 3 chairs",
        "",
        "x" * 61,
        "Ben\nthread",
        "Ben: 3 chairs at 7:30 or at 7:30?",
        "Ben: bring 3 chairs; bring 3 chairs",
    ],
)
def test_what_fails_each_time_becomes_the_senders_own_words(bad: str) -> None:
    result = card(script(glance=bad))
    assert result.glance.source == "quote"
    assert result.glance.text == f'Ben: "{ASKED}"'


@pytest.mark.parametrize("task", ["glance", "summary"])
def test_a_line_that_the_model_is_not_sure_of_is_a_quote(task: str) -> None:
    """What it decodes first is, of what is weighed after, not the likeliest."""
    line = GOOD[task]
    assert getattr(card(script(**{task: line})), task) == Line(line, "model")
    unsure = card(script(**{task: [line, "another one"]}))
    assert getattr(unsure, task).source == "quote"


@pytest.mark.parametrize(
    ("line", "source"),
    [
        ("Ben passed the exam failed in May", "model"),
        ("Ben passed the exam that he failed in May", "quote"),
    ],
)
def test_a_line_guesses_nobodys_sex(line: str, source: str) -> None:
    said = "I passed the exam! The one I failed in May, so all that work was worth it"
    chat = Thread("t", "Anna", (Message("Ben", said),), "Ben")
    assert card(script(glance=line), chat).glance.source == source


def test_the_wearer_is_not_told_that_they_said_it_themselves() -> None:
    line = "Anna: 3 chairs to Oakfield at 7:30?"
    assert LINES["glance"].judge(line, CHAT).passes
    assert card(script(glance=line)).glance.source == "quote"


def test_what_passes_the_rules_and_is_unlikely_is_a_quote() -> None:
    chat = Thread("t", "Anna", tuple(Message(who, text) for who, text in MOVED), "Ben")
    stale = "Dinner is at Oakfield on Friday."
    assert check(stale, chat).passes
    assert probability(features(stale, chat)) < LINES["summary"].threshold
    assert card(script(summary=stale), chat).summary.source == "quote"


def test_a_false_summary_becomes_a_quote() -> None:
    result = card(script(summary="Ben asks you to bring 9 chairs to Oakfield."))
    assert result.summary.source == "quote"
    assert "bring 3 chairs" in result.summary.text


def test_a_line_that_never_ends_is_not_shown() -> None:
    result = card(script(summary="bring 3 chairs " * 50))
    assert result.summary.source == "quote"


def test_nothing_asked_and_no_reply_needed() -> None:
    told = Thread("t", "Anna", (Message("Ben", f"The chairs are here. {WHY}"),), "Ben")
    result = card(script(asks="-", triage="none low"), told)
    assert result.asks is None
    assert result.drafts == ()
    assert not result.triage.needs_reply


def test_a_plain_question_wants_a_reply_whatever_the_model_says() -> None:
    result = card(script(asks="-", triage="none low"))
    assert result.asks == Line(f'Ben: "{ASKED}"', "quote")
    assert result.triage.needs_reply
    assert len(result.drafts) == 3


def test_who_says_what_another_one_said_of_themselves_is_not_drafted() -> None:
    told = Message("Ben", f"I'll bring the stove and two sleeping bags. Coming? {WHY}")
    thread = Thread("t", "Anna", (told,), "Ben")
    result = card(script(reply_accept="ok, i'll bring the stove and sleeping bags"), thread)
    assert "stove" not in " ".join(draft.text for draft in result.drafts)


FIRST = "the case is green with a duck, the name is Ben"


@pytest.mark.parametrize(
    ("intent", "text", "passes"),
    [
        ("accept", "the case is green with a duck, the name is not known", False),
        ("ack", "green case with a duck, name Ben, ok", False),
        ("accept", "ok, I'll look for a green case", True),
        ("decline", "Sorry, I can't look for a green case with a duck and a name", True),
        ("ask", "whose green case was found in row 9?", False),  # that is what was asked
        ("ask", "whose duck is it?", True),
    ],
)
def test_a_draft_says_neither_what_another_one_does_nor_what_was_asked(
    intent: str, text: str, passes: bool
) -> None:
    asked = Message("Ben", "hi! Whose is the green case from row 9? A duck and a name are on it")
    thread = Thread("t", "Anna", (asked,), "Ben")
    assert draft_passes(intent, text, thread, [FIRST, ""]) is passes


def test_what_is_asked_is_the_askers_own_words_however_the_model_puts_it() -> None:
    for said in ("to bring 3 chairs", "to bring 9 chairs"):
        result = card(script(asks=said))
        assert result.asks == Line(f'Ben: "{ASKED}"', "quote")
        assert json.loads(card_json(result))["asks_source"] == "quote"
        assert f"asks you  {QUOTE_MARK} Ben: " in printed(result)
    told = Thread("t", "Anna", (Message("Ben", f"The chairs are here. {WHY}"),), "Ben")
    record = json.loads(card_json(card(script(asks="-"), told)))
    assert (record["asks"], record["asks_source"]) == (None, None)


def test_who_is_surely_asked_is_to_answer_and_nobody_else() -> None:
    def to(name: str) -> Thread:
        said = Message("Ben", f"{name}, can you bring 3 chairs to Oakfield at 7:30? {WHY}")
        return Thread("t", "Anna", (Message("Cleo", "hi all"), said), "Ben", is_group=True)

    assert card(script(triage="none low"), to("Anna")).triage.needs_reply
    asked_of_cleo = card(script(), to("Cleo"))
    assert (asked_of_cleo.asks, asked_of_cleo.drafts) == (None, ())
    assert not asked_of_cleo.triage.needs_reply


def printed(result: Card) -> str:
    console = Console(file=io.StringIO(), width=120)
    show_card(result, console)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@pytest.mark.parametrize("end", ["\x1b[31m", "\x1b]0;x\x07", "\u202e", "\u200b", "\x07", "  3"])
def test_what_a_terminal_would_obey_is_never_the_models_line(end: str) -> None:
    said = {"glance": f"bring{end} 3 chairs", "summary": f"Ben asks you{end} to bring 3 chairs."}
    drafts = {f"reply_{intent}": f"sure{end} thing" for intent in INTENTS}
    result = card(script(**said, asks=f"to bring{end} 3 chairs", **drafts))
    assert result.asks is not None
    assert {result.glance.source, result.summary.source, result.asks.source} == {"quote"}
    assert all(draft.text in PLAIN[draft.intent] for draft in result.drafts)


@pytest.mark.parametrize("wrong", ["is it at 9:45?", "no puedo, no puedo, no puedo"])
def test_a_draft_that_fails_its_check_is_replaced_by_the_likeliest_plain_reply(wrong: str) -> None:
    result = card(script(reply_ask=[wrong, "Can I call you?"]))
    assert Draft("ask", "Can I call you?", "plain") in result.drafts


def test_a_draft_that_the_model_is_not_sure_of_is_replaced() -> None:
    """What it decodes first is, of all that is weighed after, not the likeliest."""
    result = card(script(reply_ask=["which chairs, and whose?", "Can I call you?"]))
    assert Draft("ask", "Can I call you?", "plain") in result.drafts
    assert Draft("ack", "ok then") in result.drafts


def test_for_who_mixes_languages_no_words_of_the_models_own_are_drafted() -> None:
    mixed = replace(CHAT, messages=(Message("Anna", "haan aa rahi hoon"), *CHAT.messages))
    drafts = card(script(), mixed).drafts
    assert len(drafts) == DRAFTS
    assert all(
        d.text.capitalize() in {t.removesuffix(".") for t in HINDI[d.intent]} for d in drafts
    )


def test_another_intent_takes_the_place_of_one_without_plain_replies() -> None:
    result = card(script(reply=" inform", reply_inform="the hall has 9 chairs"))
    assert "inform" not in {draft.intent for draft in result.drafts}
    assert len(result.drafts) == DRAFTS


def test_a_message_is_prefilled_once() -> None:
    engine = ScriptedEngine(script())
    writer = Writer(engine, ThreadPrompt(TOKENIZER), TOKENIZER, "scripted")
    writer.prefill(CHAT)
    before = engine.prefilled
    more = Message("Ben", "and 2 tables", dt.time(18, 3))
    grown = Thread("t", "Anna", (*CHAT.messages, more), "Ben")
    writer.prefill(grown)
    assert engine.prefilled - before == len("Ben 18:03: and 2 tables\n")
    writer.prefill(grown)
    assert engine.prefilled - before == len("Ben 18:03: and 2 tables\n")


def test_an_empty_thread_is_refused() -> None:
    with pytest.raises(ValueError, match="no messages"):
        card(script(), Thread("t", "Anna", ()))
