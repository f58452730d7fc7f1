"""From messages to cards: on disk first, a card a burst, nothing shown twice or in the way."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest

from device.connectors.connector import Able
from device.errors import ConnectorError
from device.figures import Figures
from device.inbox import Inbox
from device.live import Live
from device.messages import Card, Thread
from device.outbox import Outbox
from tests.inboxes import said
from tests.lives import WHOLE, Glass, Peer, Quick, card, living, read_back


async def test_a_burst_is_one_card(path: Path, glass: Glass, peer: Peer) -> None:
    writing, go_on = threading.Event(), threading.Event()
    written: list[int] = []

    def slow(thread: Thread) -> Card:
        written.append(len(thread.news))
        writing.set()
        go_on.wait(30)
        return card(thread)

    figures = Figures()
    async with living(path, glass, peer, slow, figures=figures):
        peer.writes("number 0", "m0")
        await asyncio.to_thread(writing.wait, 30)
        for i in range(1, 50):
            peer.writes(f"number {i}", f"m{i}")
        while len(peer.done) < 50:
            await asyncio.sleep(0.01)
        go_on.set()
        await glass.until("50 new: number 49")
        await glass.until(WHOLE)
    assert written == [1, 50]
    assert (figures.messages, figures.cards, figures.written_anew) == (50, 1, 1)
    glances = [s.hint for s in glass.scenes if s.tier == "glance" and s.rows]
    assert glances == ["read, later", "summary, read, reply, later"]


async def test_a_card_waits_until_the_wearer_is_free(
    path: Path, glass: Glass, peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("device.desk.GLANCE_LEAST", 0.05)
    async with living(path, glass, peer):
        peer.writes("coming tonight?", "m0")
        await glass.until("1 new: coming")
        glass.say("summary")
        await glass.until("summary about coming")
        peer.writes("hi", "x", conversation="anna", sender="Anna")
        await asyncio.sleep(0.2)
        assert "about coming" in glass.text
        glass.say("next")
        await glass.until("1 new: hi")
        peer.writes("me too", "y", conversation="cem", sender="Cem")
        await glass.until("1 new: me too")  # an unanswered glance makes room by itself


async def test_reading_and_going_through_what_is_unread(
    path: Path, glass: Glass, peer: Peer
) -> None:
    async with living(path, glass, peer):
        glass.say("read")
        await glass.until("nothing to read")
        peer.writes("coming\n\x1b[31mtonight?", "m0")
        await glass.until("1 new")
        glass.say("read it")
        await glass.until("Ben coming / tonight?")
        glass.say("later")
        await glass.until("[]")
        glass.say("next")
        await glass.until("Nothing else is waiting.")
        glass.say("gibberish")
        await glass.until("Not understood")
        glass.say("help")
        await glass.until("What you can say")
        glass.say("quit")
    with Inbox(path) as inbox:
        assert inbox.threads()[0].unread == 0
    assert peer.done == [("acknowledged", "m0")], "others know nothing of what was read"


async def test_nothing_is_shown_twice_after_a_restart_and_next_still_finds_it(
    path: Path, glass: Glass, peer: Peer
) -> None:
    async with living(path, glass, peer):
        peer.writes("coming tonight?", "m0")
        await glass.until("1 new")
    later, again = Glass(), Peer()
    async with living(path, later, again):
        again.writes("coming tonight?", "m0")  # as a source that heard no answer would
        while not again.done:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.1)
        assert not any(scene.rows for scene in later.scenes)
        later.say("next")
        await later.until("1 new: coming tonight?")


async def test_a_card_that_was_never_written_is_written_after_a_restart(
    path: Path, glass: Glass, peer: Peer
) -> None:
    with Inbox(path) as inbox:
        inbox.ingest("c", Thread("ben", "Me", said("coming tonight?", sender="Ben")))
    async with living(path, glass, peer):
        await glass.until("1 new: coming tonight?")


async def test_a_model_that_fails_leaves_the_senders_own_words(
    path: Path, glass: Glass, peer: Peer
) -> None:
    def broken(thread: Thread) -> Card:
        raise RuntimeError("llama_decode returned -3")

    figures = Figures()
    async with living(path, glass, peer, broken, figures=figures):
        peer.writes("coming tonight?", "m0")
        await glass.until('Ben: "coming tonight?"')
        glass.say("reply")
        await glass.until("No draft")
        glass.say("type yes")
        await glass.until("To Ben?")
    assert (figures.errors, figures.quotes) == (1, 1)


async def test_what_a_connector_can_not_do_is_said(path: Path, glass: Glass, peer: Peer) -> None:
    why = {"send": "the phone took the notification away", "redact": "the phone keeps it"}
    peer.able = Able(frozenset(), why | {"history": "the phone knows none"})
    async with living(path, glass, peer):
        await glass.until("Nothing from before: the phone knows none.")
        await read_back(glass, peer)
        assert "took the notification away" in glass.text
        glass.say("send")
        await glass.until("Sent to Ben.")
        assert "undo" not in glass.text
        glass.say("undo")
        await glass.until("It stays sent: the phone keeps it.")
    assert [what[0] for what in peer.done] == ["acknowledged", "send"]


async def test_a_connector_that_ends_in_an_error_ends_the_flow(path: Path) -> None:
    class Broken(Peer):
        async def arrivals(self):  # type: ignore[no-untyped-def]
            raise ConnectorError("the server has ended the login; log in again")
            yield

    with Inbox(path) as inbox, Outbox(path) as outbox:
        live = Live("c", Broken(), inbox, outbox, Glass(), Quick(card))
        with pytest.raises(ConnectorError, match="log in again"):
            await live.run()


async def test_the_wearers_own_word_from_elsewhere_clears_the_card(
    path: Path, glass: Glass, peer: Peer
) -> None:
    async with living(path, glass, peer):
        peer.writes("coming tonight?", "m0")
        await glass.until("1 new")
        peer.writes("yes!", "m1", sender="Me")
        await glass.until("[]")
        assert not glass.scenes[-1].rows
