"""Messages and conversations <-> their rows in the inbox."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from device.messages import Message
from device.text import clean


@dataclass(frozen=True, slots=True)
class ThreadInfo:
    """One conversation as a list shows it."""

    connector: str
    id: str
    title: str | None
    me: str
    is_group: bool
    messages: int
    """How many messages are kept, at least one. Those taken back don't count."""
    unread: int
    """How many of them stand after the last one read and are not the wearer's own."""
    last: Message
    """The newest message by order of arrival; its `id` is never None."""
    due: bool
    """An unread message of somebody else came after the last card that was claimed."""


def with_ids(messages: Iterable[Message]) -> Iterator[tuple[str, Message]]:
    """Each message with its id: its own, or one made from its content and how often that came."""
    seen: Counter[str] = Counter()
    for message in messages:
        if message.id:
            yield clean(message.id), message
            continue
        content = (message.sender, message.text, iso(message.date), iso(message.time))
        as_kept = [None if part is None else clean(part) for part in content]
        digest = hashlib.sha256(json.dumps(as_kept).encode()).hexdigest()[:32]
        yield f"~{digest}.{seen[digest]}", message
        seen[digest] += 1


def iso(when: dt.date | dt.time | None) -> str | None:
    """As kept: "2025-03-31" or "09:05:00"."""
    return None if when is None else when.isoformat()


def message_of(row: sqlite3.Row) -> Message:
    """A row of `messages`. Raises `ValueError` for a date or time that is none."""
    date, clock = row["date"], row["time"]
    return Message(
        sender=row["sender"],
        text=row["text"],
        time=None if clock is None else dt.time.fromisoformat(clock),
        date=None if date is None else dt.date.fromisoformat(date),
        id=row["id"],
    )


def info_of(row: sqlite3.Row) -> ThreadInfo:
    """A conversation with its counts and its last message. Raises as `message_of`."""
    return ThreadInfo(
        connector=row["connector"],
        id=row["thread_id"],
        title=row["title"],
        me=row["me"],
        is_group=bool(row["is_group"]),
        messages=row["messages"],
        unread=row["unread"],
        last=message_of(row),
        due=bool(row["due"]),
    )
