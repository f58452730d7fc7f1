"""Search: found by its words in any script, whatever stands in the query."""

from __future__ import annotations

import datetime as dt
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device.inbox import Inbox
from device.messages import Message
from tests.inboxes import chat, found, said


def test_search_finds_words_with_their_thread(inbox: Inbox) -> None:
    inbox.ingest("c", chat(*said("Dinner at the café?", "no words"), title="Food"))
    (hit,) = inbox.search("CAFE din")
    assert (hit.connector, hit.thread_id, hit.title) == ("c", "t", "Food")
    assert (hit.message.sender, hit.message.id) == ("Anna", "m0")
    assert found(inbox, "dinner words") == []


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("हिन्दी", "हिन्दी में संदेश"),
        ("العالم", "مرحبا العالم"),
        ("🎉", "party🎉 time"),
        ("明天", "会议在明天"),
        ("it's", "it's late"),
        ("half-past", "at half-past nine"),
    ],
)
def test_search_in_other_scripts(inbox: Inbox, query: str, text: str) -> None:
    inbox.ingest("c", chat(*said("something else", text)))
    (hit,) = inbox.search(query)
    assert hit.message.text == text


HOSTILE = ['"', '""', "*", "a*", "NEAR(a b)", "text:a", "a AND", "NOT", "^a", "-a", "(", "a + b"]
HOSTILE += ["\0", "a\0b", "%", "\\", "{a}:b", "", " ", "OR " * 999, "x" * 99_999, "'--"]


@pytest.mark.parametrize("query", HOSTILE, ids=lambda q: ascii(q[:12]))
def test_nothing_in_a_query_is_syntax(inbox: Inbox, query: str) -> None:
    inbox.ingest("c", chat(*said("a and b")))
    inbox.search(query)


@settings(max_examples=100, deadline=None)
@given(st.text(st.characters(), max_size=20))
def test_no_query_raises(query: str) -> None:
    with tempfile.TemporaryDirectory() as folder, Inbox(Path(folder, "i.db")) as inbox:
        inbox.search(query)


def test_search_prefers_the_recent_and_obeys_the_limit(inbox: Inbox) -> None:
    today = dt.date.today()
    days = [400, 0, 40, 4000]
    texts = [Message("Anna", "lunch", date=today - dt.timedelta(d), id=str(d)) for d in days]
    inbox.ingest("c", chat(*texts, *said("other")))
    assert [hit.message.id for hit in inbox.search("lunch")] == ["0", "40", "400", "4000"]
    assert [hit.message.id for hit in inbox.search("lunch", limit=1)] == ["0"]
    assert inbox.search("lunch", limit=0) == []
