"""Messages that are edited or taken back."""

from __future__ import annotations

from pathlib import Path

from device.inbox import Inbox
from device.messages import Message
from tests.inboxes import chat, check_sound, found, said


def test_an_edit_takes_the_texts_place_everywhere(inbox: Inbox, path: Path) -> None:
    inbox.ingest("c", chat(*said("dinner at eight", "ok?")))
    assert inbox.edit("c", "t", "m0", "Anna", "dinner at \ud800nine")
    assert [m.text for m in inbox.thread("c", "t").messages] == ["dinner at �nine", "ok?"]
    assert found(inbox, "nine")
    assert found(inbox, "eight") == []
    inbox.ingest("c", chat(*said("dinner at eight")))
    assert found(inbox, "eight") == [], "an old delivery does not undo it"
    inbox.close()
    check_sound(path)


def test_only_the_sender_edits(inbox: Inbox) -> None:
    inbox.ingest("c", chat(*said("dinner at eight")))
    assert not inbox.edit("c", "t", "m0", "Mallory", "send money")
    assert not inbox.edit("c", "t", "m9", "Anna", "no such message")
    assert not inbox.edit("c", "other", "m0", "Anna", "no such conversation")
    assert inbox.thread("c", "t").messages[0].text == "dinner at eight"


def test_taken_back_is_gone_and_does_not_come_again(inbox: Inbox, path: Path) -> None:
    inbox.ingest("c", chat(*said("hello", "zanzibar")))
    inbox.mark_read("c", "t", "m0")
    assert inbox.take_back("c", "t", "m1")
    assert not inbox.take_back("c", "t", "m1")
    assert not inbox.edit("c", "t", "m1", "Anna", "zanzibar again")
    assert inbox.ingest("c", chat(), said("zanzibar", first=1)) == 0
    (info,) = inbox.threads()
    assert (info.messages, info.unread, info.due, info.last.id) == (1, 0, False, "m0")
    assert inbox.count("c", "t") == 1
    assert inbox.count("c", "none") == 0
    assert [m.id for m in inbox.thread("c", "t").messages] == ["m0"]
    assert found(inbox, "zanzibar") == []
    assert all(b"zanzibar" not in f.read_bytes() for f in path.parent.glob("*.db"))
    check_sound(path)


def test_what_comes_after_a_message_that_was_taken_back_is_due(inbox: Inbox) -> None:
    inbox.ingest("c", chat(*said("hello")))
    assert inbox.claim_unshown("c", "t", "m0")
    inbox.mark_shown("c", "t", "m0")
    inbox.take_back("c", "t", "m0")
    assert inbox.threads() == []
    inbox.ingest("c", chat(), [Message("Anna", "again", id="m1")])
    assert [info.last.id for info in inbox.due()] == ["m1"]
