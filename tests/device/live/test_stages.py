"""A glance stands before its card is whole; who comes first, and what the model forgets."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from device.connectors.connector import Arrival
from device.consent import SAY
from device.figures import Figures
from device.messages import Card, Message, Thread
from device.scenes import MOMENT, NO_DRAFT
from tests.lives import Glass, Peer, Quick, card, living


class Slow(Quick):
    """Writes no rest before it may."""

    def __init__(self, go_on: threading.Event):
        super().__init__(card)
        self._go_on = go_on

    def stages(self, thread: Thread) -> Iterator[Card]:
        glance, whole = super().stages(thread)
        yield glance
        self._go_on.wait(30)
        yield whole


async def test_the_glance_stands_while_the_rest_is_written(
    path: Path, glass: Glass, peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on = threading.Event()
    monkeypatch.setattr("device.desk.NOTE", 0.05)
    monkeypatch.setattr("device.desk.GLANCE_MOST", 0.1)
    monkeypatch.setattr("device.desk.GLANCE_LEAST", 0.05)
    figures = Figures()
    async with living(path, glass, peer, Slow(go_on), figures=figures):
        peer.writes("coming tonight?", "m0")
        await glass.until("1 new: coming tonight?\n[read, later]")
        assert len(figures.glance_ms) == 1
        glass.say("summary")
        await glass.until("The rest is being written")
        assert 'summary Ben: "coming tonight?"' in glass.text
        glass.say("reply")
        await glass.until(MOMENT)
        peer.writes("lunch?", "a0", "anna", "Anna")
        await asyncio.sleep(0.2)
        assert MOMENT in glass.text, "it stands as long as the wearer waits"
        assert glass.scenes[-1].title == "Ben", "and nothing takes the glass meanwhile"
        assert peer.sent == []
        go_on.set()
        await glass.until("Reply to Ben")
        assert MOMENT not in glass.text
        glass.say("1")
        await glass.until("To Ben?")
    assert len(figures.glance_ms) == 1


async def test_what_is_asked_for_before_its_glance_is_there(
    path: Path, glass: Glass, peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("device.desk.NOTE", 0.05)
    go_on = threading.Event()

    def slow(thread: Thread) -> Card:
        go_on.wait(30)
        return card(thread)

    async with living(path, glass, peer, slow):
        peer.writes("coming tonight?", "m0")
        while not peer.done:
            await asyncio.sleep(0.01)
        assert not any(scene.rows for scene in glass.scenes), "nobody knows yet if it may show"
        for words in ("read", "summary", "reply"):
            glass.say(words)
            await glass.until('A message waits; say "next".')
            await glass.until("\n[]")
        glass.say("next")
        await glass.until(MOMENT)
        await asyncio.sleep(0.1)
        assert MOMENT in glass.text
        peer.brings(Arrival("ben", Message("Ben", "", id="r"), redacts="m0"))
        while len(peer.done) < 2:
            await asyncio.sleep(0.01)
        go_on.set()
        await glass.until("Nothing is new there any more.")
        assert MOMENT not in glass.text


async def test_a_message_that_gets_no_drafts_says_so_and_nothing_else(
    path: Path, glass: Glass, peer: Peer
) -> None:
    """A fraud, say: what it asks for is no business of ours."""
    go_on = threading.Event()

    class Wary(Slow):
        def stages(self, thread: Thread) -> Iterator[Card]:
            return (replace(stage, drafts=()) for stage in super().stages(thread))

    async with living(path, glass, peer, Wary(go_on)):
        peer.writes("pay the fee", "m0")
        await glass.until("1 new")
        glass.say("reply")
        await glass.until(MOMENT)
        go_on.set()
        await glass.until("Reply to Ben")
        assert [row.text for row in glass.scenes[-1].rows] == [NO_DRAFT]
        glass.say("send")
        await glass.until(SAY)


class Watched(Quick):
    """Knows from which threads it was called: an engine is for one."""

    def __init__(self) -> None:
        super().__init__(card)
        self.callers: set[int] = set()

    def stages(self, thread: Thread) -> Iterator[Card]:
        for stage in super().stages(thread):
            self.callers.add(threading.get_ident())
            yield stage
            self.callers.add(threading.get_ident())

    def forget(self, thread_id: str) -> None:
        self.callers.add(threading.get_ident())
        super().forget(thread_id)


async def test_the_model_is_called_from_one_thread_alone(
    path: Path, glass: Glass, peer: Peer
) -> None:
    model = Watched()
    async with living(path, glass, peer, model) as live:
        for i in range(20):
            peer.writes(f"text {i}", f"m{i}", f"c{i % 3}", "Ben")
        await glass.until("text 19")
        peer.brings(Arrival("c1", Message("Ben", ""), redacts="m19"))
        peer.writes("the last", "m20", "c1", "Ben")
        live.forget("c2")
        glass.say("next", "next")
        await glass.until("the last")
        while not model.forgotten:
            await asyncio.sleep(0.01)
    assert len(model.callers) == 1
    assert threading.get_ident() not in model.callers


async def test_own_words_need_no_drafts(path: Path, glass: Glass, peer: Peer) -> None:
    go_on = threading.Event()
    async with living(path, glass, peer, Slow(go_on)):
        peer.writes("coming tonight?", "m0")
        await glass.until("1 new")
        glass.say("type at eight")
        await glass.until("To Ben?")
        go_on.set()
        glass.say("send")
        await glass.until("Sent to Ben.")
    assert peer.sent == [("ben", "at eight")]


async def test_glances_come_first_and_the_newest_before_older_ones(
    path: Path, glass: Glass, peer: Peer
) -> None:
    told: list[str] = []
    begun, go_on = threading.Event(), threading.Event()

    class Watched(Quick):
        def stages(self, thread: Thread) -> Iterator[Card]:
            for part, one in zip(("glance", "rest"), super().stages(thread), strict=True):
                begun.set()
                go_on.wait(30)
                told.append(f"{part} {thread.id}")
                yield one

    figures = Figures()
    async with living(path, glass, peer, Watched(card), figures=figures):
        peer.writes("first", "m0", conversation="a")
        await asyncio.to_thread(begun.wait, 30)
        for conversation in "bcd":
            peer.writes("next", "m0", conversation=conversation)
        while len(peer.done) < 4:
            await asyncio.sleep(0.01)
        go_on.set()
        while figures.cards < 4:
            await asyncio.sleep(0.01)
    # The fourth turn is that of the one that has waited longest: a's rest.
    assert told[:5] == ["glance a", "glance d", "glance c", "rest a", "glance b"]
    assert sorted(told[5:]) == ["rest b", "rest c", "rest d"]


async def test_none_waits_for_ever_behind_a_chat_that_never_rests(
    path: Path, glass: Glass, peer: Peer
) -> None:
    class Chatty(Quick):
        """While anything is written, the loud chat goes on."""

        def __init__(self, peer: Peer):
            super().__init__(card)
            self._peer, self._loop, self._count = peer, asyncio.get_running_loop(), 0

        def stages(self, thread: Thread) -> Iterator[Card]:
            self._count += 1
            loud = f"loud {self._count}"
            self._loop.call_soon_threadsafe(self._peer.writes, loud, loud, "loud")
            time.sleep(0.01)
            return super().stages(thread)

    async with living(path, glass, peer, Chatty(peer)):
        peer.writes("quiet", "m0", conversation="quiet")
        peer.writes("loud 0", "loud 0", conversation="loud")
        glass.say("next")
        await glass.until("quiet")


async def test_what_was_taken_back_is_forgotten_by_the_model(
    path: Path, glass: Glass, peer: Peer
) -> None:
    model = Quick(card)
    async with living(path, glass, peer, model):
        peer.writes("coming tonight?", "m0")
        await glass.until("1 new")
        peer.brings(Arrival("ben", Message("Ben", "", id="r"), redacts="m0"))
        while not model.forgotten:
            await asyncio.sleep(0.01)
    assert model.forgotten == ["ben"]


async def test_the_model_takes_note_of_what_was_read_when_there_is_nothing_to_write(
    path: Path, glass: Glass, peer: Peer
) -> None:
    """So that the next message is all that it has to read: after a look at the chat, after an
    answer from here, and after one from another device."""
    model = Quick(card)

    async def kept_up(times: int) -> Thread:
        async with asyncio.timeout(30):
            while len(model.kept_up) < times:
                await asyncio.sleep(0.01)
        return model.kept_up[-1]

    async with living(path, glass, peer, model):
        peer.writes("coming tonight?", "m0")
        await glass.until("1 new: coming tonight?")
        assert model.kept_up == [], "a glance is not the whole message"
        glass.say("read")
        assert (await kept_up(1)).unread == ()
        glass.say("back", "type at eight")
        await glass.until("To Ben?")
        glass.say("send")
        await glass.until("Sent to Ben.")
        answered = await kept_up(2)
        assert answered.is_answered
        assert answered.unread == ()
        peer.writes("from?", "m1")
        await glass.until("1 new: from?")
        peer.writes("the office", "o1", sender=peer.me)
        assert [m.text for m in (await kept_up(3)).messages[-2:]] == ["from?", "the office"]
        assert model.kept_up[-1].unread == ()
        peer.writes("ah", "m2")
        await glass.until("1 new: ah")


async def test_what_was_answered_elsewhere_before_it_was_seen_is_no_news(
    path: Path, glass: Glass, peer: Peer
) -> None:
    """Both come together, as after an absence."""
    model = Quick(card)
    async with living(path, glass, peer, model):
        peer.writes("coming tonight?", "m0")
        peer.writes("yes, at eight", "o1", sender=peer.me)
        async with asyncio.timeout(30):
            while not model.kept_up:
                await asyncio.sleep(0.01)
        assert not any(scene.rows for scene in glass.scenes)
        assert model.forgotten == [], "it stays read"
        peer.writes("great", "m1")
        await glass.until("1 new: great")
