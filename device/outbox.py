"""The journal of what is sent: nothing is sent twice, whatever happens in between.

    key = outbox.begin("matrix", conversation, last, text)   # on disk before the connector is asked
    receipt = await connector.send(conversation, text, key)
    outbox.sent(key, receipt.message_id)

What a crash left under way may have been sent or not, and nobody here can know. It is reported
(`unsure`) and never sent again by itself.
"""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass

from device.inbox_schema import InboxFile, explained, transaction
from device.text import clean


@dataclass(frozen=True, slots=True)
class Entry:
    """One text that a connector was asked to send."""

    key: str
    connector: str
    conversation: str
    text: str
    message_id: str | None = None
    """Known where the connector answered."""


class Outbox(InboxFile):
    """The journal, in the file of the inbox. Every method raises `StoreError`.

    For one thread at a time; one process sends through a connector at a time.
    """

    def begin(self, connector: str, conversation: str, last: str, text: str) -> str | None:
        """Write down that `text` is about to be sent, and return the key of this one sending.

        None, and nothing is written, where the newest message kept of the conversation isn't
        `last` any more: it came after the wearer was asked.
        """
        key = uuid.uuid4().hex
        where = (clean(connector), clean(conversation))
        with explained(self.path), transaction(self._db):
            newest = self._db.execute(
                "SELECT m.id FROM messages AS m JOIN threads AS t ON t.key = m.thread"
                " WHERE t.connector = ? AND t.id = ? AND NOT gone ORDER BY seq DESC LIMIT 1",
                where,
            ).fetchone()
            if newest is None or newest["id"] != clean(last):
                return None
            self._db.execute(
                "INSERT INTO outbox (key, connector, conversation, asked, text)"
                " VALUES (?, ?, ?, ?, ?)",
                (key, *where, int(time.time()), clean(text)),
            )
        return key

    def sent(self, key: str, message_id: str) -> None:
        """The connector has sent it under that id."""
        self._mark(key, "sent", message_id)

    def refused(self, key: str) -> None:
        """The connector said that it was not sent."""
        self._mark(key, "refused")

    def unsure(self, connector: str) -> list[Entry]:
        """What was under way and never answered, oldest first; each is told once.

        Before anything is sent by this process: what it has under way itself would be told too.
        """
        with explained(self.path), transaction(self._db):
            rows = self._db.execute(
                "UPDATE outbox SET state = 'unsure' WHERE state = 'asked' AND connector = ?"
                " RETURNING rowid, *",
                (clean(connector),),
            ).fetchall()
        rows.sort(key=lambda row: row["rowid"])
        return [Entry(r["key"], r["connector"], r["conversation"], r["text"]) for r in rows]

    def entries(self, state: str) -> list[Entry]:
        """All in one state ("asked", "sent", "refused", "unsure"), oldest first."""
        with explained(self.path):
            rows = self._db.execute(
                "SELECT * FROM outbox WHERE state = ? ORDER BY rowid", (state,)
            ).fetchall()
        return [
            Entry(r["key"], r["connector"], r["conversation"], r["text"], r["message_id"])
            for r in rows
        ]

    def _mark(self, key: str, state: str, message_id: str | None = None) -> None:
        with explained(self.path), transaction(self._db):
            self._db.execute(
                "UPDATE outbox SET state = ?, message_id = ? WHERE key = ?",
                (state, message_id and clean(message_id), key),
            )
