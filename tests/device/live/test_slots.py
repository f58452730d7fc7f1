"""Commands with names and values, typed: the same way as when they are spoken."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from pathlib import Path

import pytest

from device.connectors.connector import Arrival
from device.consent import Patience
from device.messages import Message
from tests.lives import WHOLE, Glass, Peer, living, read_back

Steps = list[tuple[str, str]]
"""What the wearer says, and what is to be read then."""
Begin = Callable[[Glass, Peer], Coroutine[None, None, None]]
"""How it comes to that."""


async def two_chats(glass: Glass, peer: Peer) -> None:
    """Ben's glance stands there; Sarah has written too."""
    peer.writes("lunch?", "s0", conversation="sarah", sender="Sarah")
    await glass.until("1 new: lunch?")
    await glass.until(WHOLE)
    peer.writes("coming tonight?", "m0")
    await glass.until("1 new: coming tonight?")
    await glass.until(WHOLE)


async def a_group(glass: Glass, peer: Peer) -> None:
    """The climbing group's glance stands there."""
    said = Message("Tom", "dinner is at half past seven", id="g0")
    peer.brings(Arrival("club", said, "Climbing group", True))
    await glass.until("dinner is at half past seven")
    await glass.until(WHOLE)


WHOM: Steps = [
    ("reply to sarah that I'm on my way", "To Sarah?"),
    ("send", "Sent to Sarah."),
]
WHO_IS_ASKED: Steps = [
    ("reply to", "Ben or Sarah?"),
    ("send", "nothing to send"),
    ("reply to", "Ben or Sarah?"),
    ("sarah", "Reply to Sarah"),
    ("reply to nobody", "Nobody is called nobody here."),
]
CHANGED: Steps = [
    ("say See you at 7 on Friday, really.", "See you at 7 on Friday"),
    ("change Friday to Saturday", "See you at 7 on Saturday"),
    ("change seven to half past seven", "See you at 7:30 on Saturday"),
    ("change Monday to Sunday", "can't be changed so"),
    ("make it Spanish", "can't be changed so"),
    ("change Saturday", "To what?"),
    ("Sunday", "at 7:30 on Sunday"),
    ("make it shorter", "See you at 7:30 on Sunday"),
    ("make it friendlier", "Hi Ben, see you at 7:30 on Sunday"),
    ("send", "Sent to Ben."),
]
ASIDE: Steps = [
    ("who", "Tom, in Climbing group."),
    ("what did Tom say about dinner?", "in Climbing group: dinner is at half past seven"),
    ("make it shorter", "There is no text to change."),
    ("mute climbing until six", "can be muted here."),
]
STOPPED: Steps = [("send", "To Ben in 20 …"), ("mute", "Stopped. Nothing was sent.")]


@pytest.mark.parametrize(
    ("begin", "steps", "sent"),
    [
        (two_chats, WHOM, [("sarah", "I'm on my way")]),
        (two_chats, WHO_IS_ASKED, []),
        (read_back, CHANGED, [("ben", "Hi Ben, see you at 7:30 on Sunday.")]),
        (a_group, ASIDE, []),
    ],
)
async def test_what_is_said_is_done_or_asked(
    path: Path,
    glass: Glass,
    peer: Peer,
    monkeypatch: pytest.MonkeyPatch,
    begin: Begin,
    steps: Steps,
    sent: list[tuple[str, str]],
) -> None:
    monkeypatch.setattr("device.desk.GLANCE_LEAST", 0.05)
    async with living(path, glass, peer):
        await begin(glass, peer)
        await talk(glass, peer, steps)
    assert peer.sent == sent


async def test_what_changed_an_answer_later_is_said_with_it(
    path: Path, glass: Glass, peer: Peer
) -> None:
    async with living(path, glass, peer):
        await a_group(glass, peer)
        later = Message("Ida", "let's make it 8", id="g1")
        peer.brings(Arrival("club", later, "Climbing group", True))
        await glass.until("let's make it 8")
        await glass.until(WHOLE)
        glass.say("what did Tom say about dinner?")
        said = await glass.until("dinner is at half past seven. Later, Ida")
        assert "in Climbing group: let's make it 8" in said


async def test_a_question_in_the_countdown_stops_it(path: Path, glass: Glass, peer: Peer) -> None:
    async with living(path, glass, peer, patience=Patience(countdown=20)):
        await read_back(glass, peer)
        await talk(glass, peer, STOPPED)
    assert peer.sent == []


async def talk(glass: Glass, peer: Peer, steps: Steps) -> None:
    """Nothing is sent before the last of it."""
    for words, read in steps:
        assert peer.sent == []
        glass.say(words)
        await glass.until(read)
