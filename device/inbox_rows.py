"""A message <-> its row in the inbox."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator

from device.messages import Message
from device.text import clean


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
