"""Commands with names and values, typed: the same way as when they are spoken."""

from __future__ import annotations

from pathlib import Path

import pytest

from device.connectors.connector import Arrival
from device.messages import Message
from tests.lives import QUICK, WHOLE, Glass, Peer, flow, living, read_back


async def two_chats(glass: Glass, peer: Peer) -> None:
    """Ben's glance stands there; Sarah has written too."""
    peer.writes("lunch?", "s0", conversation="sarah", sender="Sarah")
    await glass.until("1 new: lunch?")
    await glass.until(WHOLE)
    peer.writes("coming tonight?", "m0")
    await glass.until("1 new: coming tonight?")
    await glass.until(WHOLE)


def test_a_reply_goes_to_whom_it_was_said(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("device.desk.GLANCE_LEAST", 0.05)

    async def test(path: Path, glass: Glass, peer: Peer) -> None:
        async with living(path, glass, peer):
            await two_chats(glass, peer)
            glass.say("reply to sarah that I'm on my way")
            await glass.until("To Sarah?")
            assert "I'm on my way" in glass.text
            assert peer.sent == []
            glass.say("send")
            await glass.until("Sent to Sarah.")
        assert peer.sent == [("sarah", "I'm on my way")]

    flow(test, path)


def test_drafts_for_whom_was_named_and_a_question_where_nobody_was(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("device.desk.GLANCE_LEAST", 0.05)

    async def test(path: Path, glass: Glass, peer: Peer) -> None:
        async with living(path, glass, peer):
            await two_chats(glass, peer)
            glass.say("reply to")
            await glass.until("Ben or Sarah?")
            glass.say("send")
            await glass.until("nothing to send")
            glass.say("reply to")
            await glass.until("Ben or Sarah?")
            glass.say("sarah")
            await glass.until("Reply to Sarah")
            glass.say("reply to nobody")
            await glass.until("Nobody is called nobody here.")
        assert peer.sent == []

    flow(test, path)


def test_a_text_is_changed_and_read_back_again(path: Path) -> None:
    async def test(path: Path, glass: Glass, peer: Peer) -> None:
        async with living(path, glass, peer):
            await read_back(glass, peer)
            glass.say("say See you at 7 on Friday, I think.")
            await glass.until("See you at 7 on Friday")
            glass.say("change Friday to Saturday")
            await glass.until("See you at 7 on Saturday")
            glass.say("change seven to half past seven")
            await glass.until("See you at 7:30 on Saturday")
            glass.say("change Monday to Sunday")
            await glass.until("can't be changed so")
            glass.say("change Saturday")
            await glass.until("To what?")
            glass.say("Sunday")
            await glass.until("at 7:30 on Sunday")
            glass.say("make it shorter")
            await glass.until("See you at 7:30 on Sunday")
            glass.say("make it friendlier")
            await glass.until("Hi Ben, see you at 7:30 on Sunday")
            assert peer.sent == []
            glass.say("send")
            await glass.until("Sent to Ben.")
        ((_, text),) = peer.sent
        assert text.startswith("Hi Ben, see you at 7:30 on Sunday")

    flow(test, path)


def test_a_question_in_the_countdown_stops_it(path: Path) -> None:
    async def test(path: Path, glass: Glass, peer: Peer) -> None:
        async with living(path, glass, peer, patience=type(QUICK)(countdown=20)):
            await read_back(glass, peer)
            glass.say("send")
            await glass.until("To Ben in 20 …")
            glass.say("mute")
            await glass.until("Stopped. Nothing was sent.")
            assert "To Ben?" in glass.text
        assert peer.sent == []

    flow(test, path)


def test_who_what_and_nothing_to_change(path: Path) -> None:
    async def test(path: Path, glass: Glass, peer: Peer) -> None:
        async with living(path, glass, peer):
            group = Message("Tom", "dinner is at half past seven", id="g0")
            peer.brings(Arrival("club", group, "Climbing group", True))
            await glass.until("dinner is at half past seven")
            await glass.until(WHOLE)
            glass.say("who")
            await glass.until("Tom, in Climbing group.")
            glass.say("what did Tom say about dinner?")
            await glass.until("in Climbing group: dinner is at half past seven")
            glass.say("make it shorter")
            await glass.until("There is no text to change.")
            glass.say("mute climbing until six")
            await glass.until("can be muted here.")

    flow(test, path)
