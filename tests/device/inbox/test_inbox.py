"""The inbox: what goes in comes out, once, in order, and is due until it is shown."""

from __future__ import annotations

import dataclasses
import datetime as dt
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device.errors import StoreError
from device.inbox import Inbox
from device.messages import Message, Thread
from tests.inboxes import chat, found, said


def test_thread_comes_back_as_it_went_in(inbox: Inbox) -> None:
    thread = Thread(
        id="!room:home",
        me="Ich",
        messages=(
            Message("Anna", "Dinner at 8?", dt.time(18, 5), dt.date(2025, 3, 31), "$1"),
            Message("Ich", "yes", dt.time(18, 6), None, "$2"),
            Message("Ben", "", None, None, "$3"),
        ),
        title="Dinner",
        is_group=True,
        unread_from=2,
    )
    assert inbox.ingest("matrix", thread) == 3
    assert inbox.thread("matrix", "!room:home") == thread
    assert inbox.ingest("matrix", thread) == 0
    assert inbox.thread("matrix", "!room:home") == thread


@pytest.mark.parametrize(
    "text",
    [
        "👩‍👩‍👧‍👦 🏳️‍🌈 👍🏽",
        "हिन्दी में संदेश",
        "مرحبا بالعالم",
        "שלום\u202eevil\u202c",
        "cafe\u0301",
        "a\0b\0",
        "\ufeffwith a mark",
        "\r\n\t\x1b[31mred",
        "<|im_start|>system",
        "'); DROP TABLE messages; --",
        "ab 🎉 " * 150_000,
    ],
    ids=lambda text: ascii(text[:12]),
)
def test_texts_survive_exactly(inbox: Inbox, text: str) -> None:
    inbox.ingest("replay", chat(*said(text)))
    assert inbox.thread("replay", "t").messages[0].text == text


def test_lone_surrogates_become_replacement_characters(inbox: Inbox) -> None:
    thread = Thread("t\ud800", "M\ud800", (Message("\udc00", "a\ud83d b \ud83d\ude00"),), "\udfff")
    assert inbox.ingest("replay", thread) == 1
    assert inbox.ingest("replay", thread) == 0
    kept = inbox.thread("replay", "t\ud800")
    assert kept.messages[0].text == "a� b 😀"
    assert (kept.id, kept.me, kept.title) == ("t�", "M�", "�")
    assert found(inbox, "\ud83d b") == [kept.messages[0].text]
    assert inbox.ingest("replay", kept) == 0


def test_same_ids_in_other_threads_and_connectors_are_other_messages(inbox: Inbox) -> None:
    assert inbox.ingest("a", chat(*said("hi"), thread="1")) == 1
    assert inbox.ingest("a", chat(*said("hi"), thread="2")) == 1
    assert inbox.ingest("b", chat(*said("hi"), thread="1")) == 1
    assert [(t.connector, t.id) for t in inbox.threads()] == [("b", "1"), ("a", "2"), ("a", "1")]


def test_equal_messages_without_id_are_told_apart_by_their_count(inbox: Inbox) -> None:
    ok = Message("Anna", "ok", dt.time(9, 0), dt.date(2025, 1, 1))
    empty = dataclasses.replace(ok, text="!", id="")
    assert inbox.ingest("replay", chat(ok, ok, empty)) == 3
    assert inbox.ingest("replay", chat(ok, ok, empty, ok)) == 1
    kept = inbox.thread("replay", "t")
    assert [m.text for m in kept.messages] == ["ok", "ok", "!", "ok"]
    assert len({m.id for m in kept.messages}) == 4
    assert inbox.ingest("replay", kept) == 0


def test_the_first_text_of_an_id_and_the_newest_title_stay(inbox: Inbox) -> None:
    inbox.ingest("c", chat(*said("first"), title="old"))
    inbox.ingest("c", chat(*said("second"), title="new"))
    inbox.ingest("c", chat())
    assert inbox.thread("c", "t").messages[0].text == "first"
    assert inbox.thread("c", "t").title == "new"


def test_a_batch_that_breaks_off_leaves_nothing(inbox: Inbox) -> None:
    broken = Message("Anna", None, id="x")  # type: ignore[arg-type]
    with pytest.raises(AttributeError):
        inbox.ingest("c", chat(*said("kept?"), broken))
    too_far = chat(*said("a", "b"), read=9)
    with pytest.raises(IndexError):
        inbox.ingest("c", too_far)
    assert inbox.threads() == []


def test_only_the_last_messages(inbox: Inbox) -> None:
    inbox.ingest("c", chat(*said("a", "b", "c", "d"), read=3))
    tail = inbox.thread("c", "t", last=2)
    assert [m.text for m in tail.messages] == ["c", "d"]
    assert [m.text for m in tail.unread] == ["d"]


def test_unknown_thread(inbox: Inbox) -> None:
    with pytest.raises(StoreError, match="no conversation 'nope' from 'c'"):
        inbox.thread("c", "nope")


messages_with_ids = st.builds(
    Message,
    sender=st.sampled_from(["Anna", "Me"]),
    text=st.text(max_size=8),
    time=st.none() | st.times(),
    date=st.none() | st.dates(),
    id=st.sampled_from("abcdefgh"),
)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.lists(messages_with_ids, max_size=6), max_size=5))
def test_any_deliveries_keep_each_id_once_in_order_of_arrival(
    deliveries: list[list[Message]],
) -> None:
    expected: dict[str | None, Message] = {}
    with tempfile.TemporaryDirectory() as folder, Inbox(Path(folder, "i.db")) as inbox:
        for batch in deliveries:
            fresh = {m.id for m in batch} - expected.keys()
            assert inbox.ingest("c", chat(), batch) == len(fresh)
            for message in batch:
                expected.setdefault(message.id, message)
        if deliveries:
            assert inbox.thread("c", "t").messages == tuple(expected.values())


@settings(max_examples=30, deadline=None)
@given(st.lists(st.sampled_from(["ok", "no", "👍"]), max_size=8), st.data())
def test_a_growing_export_without_ids_is_kept_once(texts: list[str], data: st.DataObject) -> None:
    whole = [Message("Anna", text, dt.time(9, 0)) for text in texts]
    cuts = data.draw(st.lists(st.integers(0, len(texts)), max_size=4))
    with tempfile.TemporaryDirectory() as folder, Inbox(Path(folder, "i.db")) as inbox:
        for cut in [*sorted(cuts), len(texts), 0]:
            inbox.ingest("replay", chat(*whole[:cut]))
        assert [m.text for m in inbox.thread("replay", "t").messages] == texts


def test_listing_counts_and_reading(inbox: Inbox) -> None:
    inbox.ingest("c", chat(*said("a", "b"), title="T"))
    inbox.ingest("c", chat(), [Message("Me", "mine", id="m2"), *said("c", first=3)])
    (info,) = inbox.threads()
    assert (info.title, info.messages, info.unread, info.last.text) == ("T", 4, 3, "c")
    inbox.mark_read("c", "t", "m1")
    inbox.mark_read("c", "t", "m0")  # never back
    inbox.mark_read("c", "t", "unknown")
    assert inbox.threads()[0].unread == 1
    assert inbox.thread("c", "t").unread_from == 2
    inbox.ingest("c", chat(*said("a", "b")))  # delivered again, as if nothing of it were read
    assert inbox.thread("c", "t").unread_from == 2


def test_a_card_is_claimed_once_and_a_newer_message_asks_again(inbox: Inbox, path: Path) -> None:
    inbox.ingest("c", chat(*said("a", "b")))
    assert [t.last.id for t in inbox.due()] == ["m1"]
    with Inbox(path) as other:
        assert other.claim_unshown("c", "t", "m1")
    assert not inbox.claim_unshown("c", "t", "m1")
    assert not inbox.claim_unshown("c", "t", "m0")  # older than what was claimed
    assert not inbox.claim_unshown("c", "t", "unknown")
    assert inbox.due() == []
    inbox.mark_shown("c", "t", "m1")
    inbox.ingest("c", chat(), said("c", first=2))
    assert [t.last.id for t in inbox.due()] == ["m2"]
    assert inbox.claim_unshown("c", "t", "m2")


def test_a_card_that_could_not_be_drawn_is_due_again(inbox: Inbox) -> None:
    inbox.ingest("c", chat(*said("a")))
    assert inbox.claim_unshown("c", "t", "m0")
    inbox.release_claim("c", "t")
    assert inbox.due()
    assert inbox.claim_unshown("c", "t", "m0")
    inbox.mark_shown("c", "t", "m0")
    inbox.release_claim("c", "t")
    assert not inbox.claim_unshown("c", "t", "m0")


def test_own_and_read_messages_are_not_due(inbox: Inbox) -> None:
    inbox.ingest("c", chat(*said("a"), Message("Me", "b", id="m1"), read=1))
    assert inbox.due() == []
    assert inbox.threads()[0].unread == 0
