"""What attention decided and what the wearer did then, in the file of the inbox. No text is kept.

`sidelong why` tells it, learning goes by it, and `forget` or wiping the inbox removes it.
"""

from __future__ import annotations

import datetime as dt
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from typing import get_args

from device.attention import When, Why
from device.bandit import OUTCOMES, Experience, Outcome
from device.inbox_schema import InboxFile, explained, transaction
from device.settings import Activity
from device.text import clean

KEPT = 2000
"""Decisions that are kept; older ones are forgotten."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One decision."""

    number: int
    at: dt.datetime
    """Local, without a zone."""
    connector: str
    conversation: str
    message: str
    """Id of the newest message that it was about."""
    when: When
    why: Why
    activity: Activity
    features: tuple[str, ...]
    chance: float
    """Probability with which it was taken; 1 where a rule took it."""
    outcome: Outcome | None = None


class AttentionLog(InboxFile):
    """The decisions, oldest first. Every method raises `StoreError`. For one thread at a time."""

    def add(self, entry: Entry) -> int:
        """Keep a decision; its number here, whatever `entry.number` says."""
        with explained(self.path), transaction(self._db):
            cursor = self._db.execute(
                'INSERT INTO attention (at, connector, conversation, message, "when", why,'
                " activity, features, chance) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    entry.at.isoformat(timespec="seconds"),
                    clean(entry.connector),
                    clean(entry.conversation),
                    clean(entry.message),
                    entry.when,
                    entry.why,
                    entry.activity,
                    " ".join(entry.features),
                    entry.chance,
                ),
            )
            number = int(cursor.lastrowid or 0)
            self._db.execute("DELETE FROM attention WHERE number <= ?", (number - KEPT,))
        return number

    def came_of(self, number: int, outcome: Outcome) -> None:
        """What the wearer did; the first word counts."""
        with explained(self.path), transaction(self._db):
            self._db.execute(
                "UPDATE attention SET outcome = ? WHERE number = ? AND outcome IS NULL",
                (outcome, number),
            )

    def entries(self, conversation: str | None = None, last: int = KEPT) -> list[Entry]:
        """The last decisions, oldest first. A row that is damaged is left out."""
        with explained(self.path):
            rows = self._db.execute(
                "SELECT * FROM attention WHERE :one IS NULL OR conversation = :one"
                " ORDER BY number DESC LIMIT :last",
                {"one": None if conversation is None else clean(conversation), "last": last},
            ).fetchall()
        return [entry for row in reversed(rows) if (entry := _entry(row)) is not None]

    def forget(self) -> int:
        """Remove all; how many that were."""
        with explained(self.path), transaction(self._db):
            return self._db.execute("DELETE FROM attention").rowcount


def experiences(entries: Iterable[Entry]) -> list[Experience]:
    """What there is to learn: decisions that were left open, or plain enough, and had an outcome.

    Silence that the wearer ordered (a mute, quiet hours) says nothing of the message.
    """
    return [
        Experience(entry.features, entry.when == "now", entry.chance, entry.outcome)
        for entry in entries
        if entry.outcome is not None and entry.when != "asked"
    ]


def _entry(row: sqlite3.Row) -> Entry | None:
    """A row, checked: whatever stands in the file, only known words and numbers come out of it."""
    try:
        at = dt.datetime.fromisoformat(row["at"]).replace(tzinfo=None)
        features, chance = str(row["features"]).split(), float(row["chance"])
    except (TypeError, ValueError):
        return None
    known = (
        row["when"] in get_args(When)
        and row["why"] in get_args(Why)
        and row["activity"] in get_args(Activity)
        and (row["outcome"] is None or row["outcome"] in OUTCOMES)
        and 0 < chance <= 1
        and all(word.isascii() and word.replace("_", "").isalnum() for word in features)
    )
    if not known:
        return None
    return Entry(
        row["number"],
        at,
        str(row["connector"]),
        str(row["conversation"]),
        str(row["message"]),
        row["when"],
        row["why"],
        row["activity"],
        tuple(features),
        chance,
        row["outcome"],
    )
