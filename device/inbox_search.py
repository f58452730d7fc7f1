"""Finding messages in the inbox by their words."""

from __future__ import annotations

import datetime as dt
import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from device.inbox_rows import message_of
from device.messages import Message
from device.text import clean

RECENCY_DAYS = 30.0
"""A message this old weighs three quarters of one from today in a search; a very old one half."""

_QUERY_WORDS = 32
_QUERY_CHARS = 1000

# BM25 is negative, the better the lower.
_RANK = """
    bm25(words) * (1 + :days / (:days + max(0, coalesce(julianday(:today) - julianday(
        coalesce(m.date, date(m.received, 'unixepoch'))), 0))))
"""

_BY_WORDS = f"""
    SELECT m.*, t.connector, t.id AS thread_id, t.title
    FROM words JOIN messages AS m ON m.seq = words.rowid JOIN threads AS t ON t.key = m.thread
    WHERE words MATCH :match ORDER BY {_RANK}, m.seq DESC LIMIT :limit
"""

_AS_IT_STANDS = """
    SELECT m.*, t.connector, t.id AS thread_id, t.title
    FROM messages AS m JOIN threads AS t ON t.key = m.thread
    WHERE instr(m.text, :plain) ORDER BY m.seq DESC LIMIT :limit
"""

_WITH_ANY_WORD = f"""
    SELECT m.seq, m.thread
    FROM words JOIN messages AS m ON m.seq = words.rowid
    WHERE words MATCH :match AND NOT m.gone
        AND (:senders IS NULL OR m.thread IN (
            SELECT thread FROM messages WHERE sender IN (SELECT value FROM json_each(:senders))))
    ORDER BY {_RANK}, m.seq DESC LIMIT :limit
"""

_NEWEST = """
    SELECT seq, thread FROM messages
    WHERE NOT gone
        AND (:senders IS NULL OR sender IN (SELECT value FROM json_each(:senders)))
    ORDER BY seq DESC LIMIT :limit
"""

_AROUND = """
    SELECT * FROM (
        SELECT * FROM messages WHERE thread = :thread AND NOT gone AND seq < :seq
        ORDER BY seq DESC LIMIT :before)
    UNION ALL SELECT * FROM (
        SELECT * FROM messages WHERE thread = :thread AND NOT gone AND seq >= :seq
        ORDER BY seq LIMIT 1 + :after)
    ORDER BY seq
"""


@dataclass(frozen=True, slots=True)
class Passage:
    """A message and those around it, in one conversation."""

    connector: str
    thread_id: str
    title: str | None
    me: str
    is_group: bool
    messages: tuple[Message, ...]
    """Oldest first; every one has an id."""
    order: tuple[int, ...]
    """Of each message its place among all that are kept: the greater, the later it came."""


@dataclass(frozen=True, slots=True)
class Hit:
    """One message found by a search."""

    connector: str
    thread_id: str
    title: str | None
    message: Message


def search(db: sqlite3.Connection, query: str, limit: int) -> list[Hit]:
    """What `Inbox.search` returns."""
    plain = clean(query).replace("\0", " ").strip()[:_QUERY_CHARS]
    words = plain.split()[:_QUERY_WORDS]
    if not words or limit < 1:
        return []
    parts: dict[str, Any] = {
        "match": " ".join(map(_quoted, words)) + "*",  # it takes the last as a prefix
        "plain": plain,
        "limit": limit,
        "today": dt.date.today().isoformat(),
        "days": RECENCY_DAYS,
    }
    rows = db.execute(_BY_WORDS, parts).fetchall() or db.execute(_AS_IT_STANDS, parts).fetchall()
    return [Hit(r["connector"], r["thread_id"], r["title"], message_of(r)) for r in rows]


def passages(
    db: sqlite3.Connection,
    words: Iterable[Sequence[str]],
    senders: Sequence[str] | None,
    limit: int,
    before: int,
    after: int,
) -> list[Passage]:
    """What `Inbox.passages` returns."""
    terms = [_quoted(form) + ("*" if len(form) > 3 else "") for forms in words for form in forms]
    parts: dict[str, Any] = {
        "match": " OR ".join(terms),
        "senders": None if senders is None else json.dumps(list(senders)),
        "today": dt.date.today().isoformat(),
        "days": RECENCY_DAYS,
        "limit": limit,
    }
    found = db.execute(_WITH_ANY_WORD if terms else _NEWEST, parts).fetchall()
    result = []
    for hit in found:
        thread = db.execute("SELECT * FROM threads WHERE key = ?", (hit["thread"],)).fetchone()
        around = {"thread": hit["thread"], "seq": hit["seq"], "before": before, "after": after}
        rows = db.execute(_AROUND, around).fetchall()
        result.append(
            Passage(
                thread["connector"],
                thread["id"],
                thread["title"],
                thread["me"],
                bool(thread["is_group"]),
                tuple(map(message_of, rows)),
                tuple(row["seq"] for row in rows),
            )
        )
    return result


def _quoted(word: str) -> str:
    """As a string of FTS5's, so that nothing in it is syntax."""
    return '"' + word.replace('"', '""').replace("\0", " ") + '"'
