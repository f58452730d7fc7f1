"""The live flow, from a message to what is sent: on disk first, one card, only by the wearer."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from pathlib import Path

import pytest

from device.connectors.connector import Able, Arrival
from device.consent import NEWER, STOPPED, UNCLEAR, Patience
from device.errors import ConnectorError
from device.figures import Figures
from device.inbox import Inbox
from device.messages import Card, Message, Thread
from device.outbox import Outbox
from tests.inboxes import said
from tests.lives import QUICK, Glass, Peer, card, living, play


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "inbox.sqlite"


def flow(test: Callable[[Path, Glass, Peer], Coroutine[None, None, None]], path: Path) -> None:
    play(lambda: test(path, Glass(), Peer()))


async def read_back(glass: Glass, peer: Peer, pick: str = "1", text: str = "yes") -> None:
    """A message has come, and a reply to it has been read back."""
    peer.writes("coming tonight?", "m0")
    await glass.until("1 new: coming tonight?")
    glass.say("reply")
    await glass.until("Reply to Ben")
    glass.say(pick)
    await glass.until("To Ben?")
    assert f"your reply {text}" in glass.text


def test_a_reply_from_glance_to_undo(path: Path) -> None:
    async def test(path: Path, glass: Glass, peer: Peer) -> None:
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

    flow(test, path)


def test_what_is_sent_is_kept_as_the_wearers_own_message(path: Path) -> None:
    async def test(path: Path, glass: Glass, peer: Peer) -> None:
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

    flow(test, path)


@pytest.mark.parametrize("own", ["type Gern, um 8!", "say Gern, um 8!"])
def test_an_own_reply_is_read_back_and_confirmed_too(path: Path, own: str) -> None:
    async def test(path: Path, glass: Glass, peer: Peer) -> None:
        async with living(path, glass, peer):
            peer.writes("coming tonight?", "m0")
            await glass.until("1 new")
            glass.say(own)
            await glass.until("To Ben?")
            assert glass.scenes[-1].rows[0].mark == "quote"
            glass.say("type Gern, um 9!")
            await glass.until("Gern, um 9!")
            assert peer.sent == []
            glass.say("send")
            await glass.until("Sent to Ben.")
        assert peer.sent == [("ben", "Gern, um 9!")]

    flow(test, path)


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
def test_any_other_word_sends_nothing(path: Path, words: str, told: str) -> None:
    async def test(path: Path, glass: Glass, peer: Peer) -> None:
        async with living(path, glass, peer):
            await read_back(glass, peer)
            glass.say(words)
            await glass.until(told)
            await asyncio.sleep(2 * QUICK.countdown)
        assert peer.sent == []

    flow(test, path)


def test_the_countdown_can_be_stopped(path: Path) -> None:
    async def test(path: Path, glass: Glass, peer: Peer) -> None:
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

    flow(test, path)


def test_a_newer_message_asks_again(path: Path) -> None:
    async def test(path: Path, glass: Glass, peer: Peer) -> None:
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

    flow(test, path)


def test_an_edit_of_the_message_asks_again(path: Path) -> None:
    async def test(path: Path, glass: Glass, peer: Peer) -> None:
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

    flow(test, path)


def test_a_message_that_is_on_disk_but_not_yet_known_stops_the_send(path: Path) -> None:
    async def test(path: Path, glass: Glass, peer: Peer) -> None:
        async with living(path, glass, peer):
            await read_back(glass, peer)
            with Inbox(path) as other:
                other.ingest("c", Thread("ben", "Me", ()), said("no, tomorrow", first=1))
            glass.say("send")
            await glass.until(NEWER)
        assert peer.sent == []

    flow(test, path)


def test_what_could_not_be_drawn_was_not_read_back(path: Path) -> None:
    async def test(path: Path, glass: Glass, peer: Peer) -> None:
        async with living(path, glass, peer):
            peer.writes("coming tonight?", "m0")
            await glass.until("1 new")
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

    flow(test, path)


def test_words_said_ahead_confirm_nothing(path: Path) -> None:
    async def test(path: Path, glass: Glass, peer: Peer) -> None:
        async with living(path, glass, peer):
            peer.writes("coming tonight?", "m0")
            await glass.until("1 new")
            glass.say("reply", "1", "send")
            await glass.until("Read it first")
            await asyncio.sleep(4 * QUICK.countdown)
        assert peer.sent == []

    flow(test, path)


def test_a_refusal_is_told_and_nothing_is_sent_again(path: Path) -> None:
    async def test(path: Path, glass: Glass, peer: Peer) -> None:
        peer.refuses = "the server does not let you write here"
        async with living(path, glass, peer):
            await read_back(glass, peer)
            glass.say("send")
            await glass.until("Not sent: the server does not let you write here")
        assert len(peer.sent) == 1
        with Outbox(path) as outbox:
            assert [e.text for e in outbox.entries("refused")] == ["yes"]
            assert outbox.unsure("c") == []

    flow(test, path)


def test_what_was_under_way_at_the_end_is_told_and_not_sent_again(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("device.live.LEAVING", 0.05)

    async def test(path: Path, glass: Glass, peer: Peer) -> None:
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

    flow(test, path)


def test_a_burst_is_one_card(path: Path) -> None:
    writing, go_on = threading.Event(), threading.Event()
    written: list[int] = []

    def slow(thread: Thread) -> Card:
        written.append(len(thread.news))
        writing.set()
        go_on.wait(30)
        return card(thread)

    async def test(path: Path, glass: Glass, peer: Peer) -> None:
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
        assert written == [1, 50]
        assert (figures.messages, figures.cards, figures.written_anew) == (50, 1, 1)
        glances = [s for s in glass.scenes if s.tier == "glance" and s.rows]
        assert len(glances) == 1

    flow(test, path)


def test_a_card_waits_until_the_wearer_is_free(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("device.desk.GLANCE_LEAST", 0.05)

    async def test(path: Path, glass: Glass, peer: Peer) -> None:
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

    flow(test, path)


def test_reading_and_going_through_what_is_unread(path: Path) -> None:
    async def test(path: Path, glass: Glass, peer: Peer) -> None:
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

    flow(test, path)


def test_nothing_is_shown_twice_after_a_restart_and_next_still_finds_it(path: Path) -> None:
    async def test(path: Path, glass: Glass, peer: Peer) -> None:
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

    flow(test, path)


def test_a_card_that_was_never_written_is_written_after_a_restart(path: Path) -> None:
    with Inbox(path) as inbox:
        inbox.ingest("c", Thread("ben", "Me", said("coming tonight?", sender="Ben")))

    async def test(path: Path, glass: Glass, peer: Peer) -> None:
        async with living(path, glass, peer):
            await glass.until("1 new: coming tonight?")

    flow(test, path)


def test_a_model_that_fails_leaves_the_senders_own_words(path: Path) -> None:
    def broken(thread: Thread) -> Card:
        raise RuntimeError("llama_decode returned -3")

    async def test(path: Path, glass: Glass, peer: Peer) -> None:
        figures = Figures()
        async with living(path, glass, peer, broken, figures=figures):
            peer.writes("coming tonight?", "m0")
            await glass.until('Ben: "coming tonight?"')
            glass.say("reply")
            await glass.until("No draft")
            glass.say("type yes")
            await glass.until("To Ben?")
        assert (figures.errors, figures.quotes) == (1, 1)

    flow(test, path)


def test_what_a_connector_can_not_do_is_said_before_the_send(path: Path) -> None:
    async def test(path: Path, glass: Glass, peer: Peer) -> None:
        peer.able = Able(frozenset(), {"send": "the phone has taken the notification away"})
        async with living(path, glass, peer):
            await read_back(glass, peer)
            assert "taken the notification away" in glass.text
            glass.say("send")
            await glass.until("Sent to Ben.")
            assert "undo" not in glass.text
            glass.say("undo")
            await glass.until("nothing to take back")
        assert [what[0] for what in peer.done] == ["acknowledged", "send"]

    flow(test, path)


def test_a_connector_that_ends_in_an_error_ends_the_flow(path: Path) -> None:
    class Broken(Peer):
        async def arrivals(self):  # type: ignore[no-untyped-def]
            raise ConnectorError("the server has ended the login; log in again")
            yield

    async def test() -> None:
        with pytest.raises(ConnectorError, match="log in again"):
            async with living(path, Glass(), Broken()):
                await asyncio.sleep(0.2)

    play(test)


def test_the_wearers_own_word_from_elsewhere_clears_the_card(path: Path) -> None:
    async def test(path: Path, glass: Glass, peer: Peer) -> None:
        async with living(path, glass, peer):
            peer.writes("coming tonight?", "m0")
            await glass.until("1 new")
            peer.writes("yes!", "m1", sender="Me")
            await glass.until("[]")
            assert not glass.scenes[-1].rows

    flow(test, path)
