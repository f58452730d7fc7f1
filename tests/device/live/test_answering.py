"""From a reply to what is sent: only by the wearer, and never twice."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from device.connectors.connector import Able, Arrival
from device.consent import NEWER, STOPPED, UNCLEAR, Patience
from device.inbox import Inbox
from device.messages import Message, Thread
from device.outbox import Outbox
from tests.inboxes import said
from tests.lives import QUICK, WHOLE, Glass, Peer, living, read_back


async def test_a_reply_from_glance_to_undo(path: Path, glass: Glass, peer: Peer) -> None:
    async with living(path, glass, peer):
        await read_back(glass, peer, "2", "no")
        assert peer.done == [("acknowledged", "m0")]
        glass.say("send")
        await glass.until("Sent to Ben.")
        assert "undo" in glass.text
        glass.say("undo")
        await glass.until("Taken back.")
    (_, (_, conversation, text), redact) = peer.done
    assert (conversation, text) == ("ben", "no")
    with Inbox(path) as inbox, Outbox(path) as outbox:
        (entry,) = outbox.entries("sent")
        assert redact == ("redact", "ben", entry.message_id)
        assert [m.text for m in inbox.thread("c", "ben").messages] == ["coming tonight?"]


async def test_what_is_sent_is_kept_as_the_wearers_own_message(
    path: Path, glass: Glass, peer: Peer
) -> None:
    async with living(path, glass, peer):
        await read_back(glass, peer)
        glass.say("yes")
        await glass.until("Sent to Ben.")
        thread = glass.scenes[-1].thread
        assert thread is not None
        assert [(m.sender, m.text) for m in thread.messages][-1] == ("Me", "yes")
        glass.say("reply")
        await glass.until("nothing to answer")
    with Inbox(path) as inbox:
        assert inbox.thread("c", "ben").is_answered
        assert inbox.threads()[0].unread == 0


@pytest.mark.parametrize("words", ["reply", "reply to Ben"])
async def test_after_an_undo_the_same_drafts_are_offered(
    path: Path, glass: Glass, peer: Peer, words: str
) -> None:
    async with living(path, glass, peer):
        await read_back(glass, peer, "2", "no")
        glass.say("send")
        await glass.until("Sent to Ben.")
        glass.say("undo")
        await glass.until("Taken back.")
        glass.say(words)
        await glass.until("Reply to Ben")
        glass.say("1")
        await glass.until("To Ben?")
        glass.say("send")
        await glass.until("Sent to Ben.")
    assert [text for _, text in peer.sent] == ["no", "yes"]


async def test_nothing_is_offered_to_what_the_store_has_lost(
    path: Path, glass: Glass, peer: Peer
) -> None:
    async with living(path, glass, peer) as live:
        await read_back(glass, peer, "2", "no")
        glass.say("send")
        await glass.until("Sent to Ben.")
        glass.say("undo")
        await glass.until("Taken back.")
        while live._queue.has("ben"):
            await asyncio.sleep(0.01)
        with Inbox(path) as inbox:
            inbox.wipe("c", "ben")
        live.forget("ben")
        glass.say("reply")
        await glass.until("There is nothing to answer.")


@pytest.mark.parametrize("own", ["type Gern, um 8!", "say Gern, um 8!"])
async def test_an_own_reply_is_read_back_and_confirmed_too(
    path: Path, glass: Glass, peer: Peer, own: str
) -> None:
    async with living(path, glass, peer):
        peer.writes("coming tonight?", "m0")
        await glass.until(WHOLE)
        glass.say(own)
        await glass.until("To Ben?")
        assert glass.scenes[-1].rows[0].mark == "quote"
        glass.say("type Gern, um 9!")
        await glass.until("Gern, um 9!")
        assert peer.sent == []
        glass.say("send")
        await glass.until("Sent to Ben.")
    assert peer.sent == [("ben", "Gern, um 9!")]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("no", "Nothing was sent."),
        ("cancel", "Nothing was sent."),
        ("summary", "Nothing was sent."),
        ("next", "Nothing was sent."),
        ("yes but wait", UNCLEAR),
        ("what?", UNCLEAR),
    ],
)
async def test_any_other_word_sends_nothing(
    path: Path, glass: Glass, peer: Peer, words: str, told: str
) -> None:
    async with living(path, glass, peer):
        await read_back(glass, peer)
        glass.say(words)
        await glass.until(told)
        await asyncio.sleep(2 * QUICK.countdown)
    assert peer.sent == []


async def test_the_countdown_can_be_stopped(path: Path, glass: Glass, peer: Peer) -> None:
    async with living(path, glass, peer, patience=Patience(countdown=20)):
        await read_back(glass, peer)
        glass.say("send")
        await glass.until("To Ben in 20 …")
        glass.say("hm")
        await glass.until(STOPPED)
        assert "To Ben?" in glass.text
        glass.say("send")
        await glass.until("To Ben in 20 …")
        glass.say("stop")
        await glass.until("Nothing was sent.")
    assert peer.sent == []


async def test_a_newer_message_asks_again(path: Path, glass: Glass, peer: Peer) -> None:
    async with living(path, glass, peer):
        await read_back(glass, peer)
        peer.writes("hello?", "x", conversation="anna", sender="Anna")
        await asyncio.sleep(0.1)
        assert "To Ben?" in glass.text, "another conversation does not push it away"
        peer.writes("no, tomorrow", "m1")
        await glass.until(NEWER)
        glass.say("send")
        await glass.until("nothing to send")
    assert peer.sent == []


async def test_an_edit_of_the_message_asks_again(path: Path, glass: Glass, peer: Peer) -> None:
    async with living(path, glass, peer):
        await read_back(glass, peer)
        edit = Message("Ben", "coming tomorrow?", id="e1")
        peer.brings(Arrival("ben", edit, replaces="m0"))
        await glass.until(NEWER)
        await glass.until("1 new: coming tomorrow?")
        peer.brings(Arrival("ben", Message("Mallory", "give me money", id="e2"), replaces="m0"))
        peer.brings(Arrival("ben", Message("Ben", "", id="e3"), redacts="m0"))
        await asyncio.sleep(0.1)
    with Inbox(path) as inbox:
        assert inbox.thread("c", "ben").messages == ()
        assert inbox.search("tomorrow") == inbox.search("money") == []
    assert peer.sent == []


async def test_a_message_that_is_on_disk_but_not_yet_known_stops_the_send(
    path: Path, glass: Glass, peer: Peer
) -> None:
    async with living(path, glass, peer):
        await read_back(glass, peer)
        with Inbox(path) as other:
            other.ingest("c", Thread("ben", "Me", ()), said("no, tomorrow", first=1))
        glass.say("send")
        await glass.until(NEWER)
    assert peer.sent == []


async def test_what_could_not_be_drawn_was_not_read_back(
    path: Path, glass: Glass, peer: Peer
) -> None:
    async with living(path, glass, peer):
        peer.writes("coming tonight?", "m0")
        await glass.until(WHOLE)
        glass.fails = True
        glass.say("reply", "1")
        await asyncio.sleep(0.05)
        glass.say("send")
        await asyncio.sleep(4 * QUICK.countdown)
        assert peer.sent == []
        glass.fails = False
        glass.say("send")
        await glass.until("Read it first")
    assert peer.sent == []


async def test_words_said_ahead_confirm_nothing(path: Path, glass: Glass, peer: Peer) -> None:
    async with living(path, glass, peer):
        peer.writes("coming tonight?", "m0")
        await glass.until(WHOLE)
        glass.say("reply", "1", "send")
        await glass.until("Read it first")
        await asyncio.sleep(4 * QUICK.countdown)
    assert peer.sent == []


async def test_what_was_read_or_answered_is_told_where_the_wearer_wants_it(
    path: Path, glass: Glass, peer: Peer
) -> None:
    async with living(path, glass, peer, receipts=True):
        await read_back(glass, peer)
        assert peer.done == [("acknowledged", "m0")], "a glance and drafts are no reading"
        peer.writes("well?", "m1")
        await glass.until("2 new: well?")
        await glass.until(WHOLE)
        glass.fails = True
        glass.say("read")
        await asyncio.sleep(0.05)
        assert ("read", "ben", "m1") not in peer.done, "it was not drawn"
        glass.fails = False
        glass.say("help", "read")
        await glass.until("Ben well?")
        glass.say("summary", "read", "type yes")
        await glass.until("To Ben?")
        assert peer.done[2:] == [("read", "ben", "m1")], "once"
        glass.say("cancel", "later")
        await glass.until("[]")
        peer.writes("hello?", "m2")
        await glass.until("1 new: hello?")
        await glass.until(WHOLE)
        glass.say("type yes")
        await glass.until("To Ben?")
        glass.say("send")
        await glass.until("Sent to Ben.")
    assert peer.done[-1] == ("read", "ben", "m2")


async def test_a_read_receipt_that_fails_stops_nothing(
    path: Path, glass: Glass, peer: Peer
) -> None:
    peer.refuses = "the server is away"
    async with living(path, glass, peer, receipts=True):
        peer.writes("coming tonight?", "m0")
        await glass.until(WHOLE)
        glass.say("read")
        await glass.until("Ben coming tonight?")
        glass.say("help")
        await glass.until("What you can say")
    assert peer.done == [("acknowledged", "m0"), ("read", "ben", "m0")]


async def test_who_wants_read_receipts_hears_where_there_are_none(
    path: Path, glass: Glass, peer: Peer
) -> None:
    peer.able = Able(frozenset({"send", "history"}), {"receipts": "the phone can't"})
    async with living(path, glass, peer, receipts=True):
        await glass.until("No read receipts: the phone can't.")
        await read_back(glass, peer)
        glass.say("send")
        await glass.until("Sent to Ben.")
    assert [what[0] for what in peer.done] == ["acknowledged", "send"]


async def test_a_refusal_is_told_and_nothing_is_sent_again(
    path: Path, glass: Glass, peer: Peer
) -> None:
    peer.refuses = "the server does not let you write here"
    async with living(path, glass, peer):
        await read_back(glass, peer)
        glass.say("send")
        await glass.until("Not sent: the server does not let you write here")
    assert len(peer.sent) == 1
    with Outbox(path) as outbox:
        assert [e.text for e in outbox.entries("refused")] == ["yes"]
        assert outbox.unsure("c") == []


async def test_what_was_under_way_at_the_end_is_told_and_not_sent_again(
    path: Path, glass: Glass, peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("device.live.LEAVING", 0.05)
    peer.answers.clear()
    async with living(path, glass, peer):
        await read_back(glass, peer)
        glass.say("send")
        await glass.until("Sending to Ben")
        glass.say("quit")
    later, again = Glass(), Peer()
    async with living(path, later, again):
        await later.until("May have been sent, look before you send it again: yes")
    assert len(peer.sent) == 1
    assert again.sent == []
