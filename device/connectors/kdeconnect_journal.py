"""What was taken from phones' notifications, so that it isn't taken twice.

A phone shows its notifications anew whenever it connects, whole, and doesn't say what is new in
them. So what was acknowledged is kept: of each notification that is shown, the messages in their
order, and how often each message came on a day. Only keyed hashes are kept, no text. One SQLite
file, locked for one program.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import secrets
from pathlib import Path

from device.connectors.journal import opening

STATE = "state.sqlite"
DAYS = 30
"""For which it is kept. The day is part of a message's id, so that older counts can't matter."""


class Journal:
    """Open from construction to `close`. Raises `ConnectorError` where another program has it, or
    it can't be read."""

    def __init__(self, path: Path):
        with opening(path, "another Sidelong talks to the phone", "remove that file") as self._db:
            self._db.executescript(
                "BEGIN EXCLUSIVE;"
                "CREATE TABLE IF NOT EXISTS secret (one INTEGER PRIMARY KEY CHECK (one), key BLOB);"
                "CREATE TABLE IF NOT EXISTS shown (place TEXT PRIMARY KEY, digests TEXT, day TEXT);"
                "CREATE TABLE IF NOT EXISTS counted"
                " (conversation TEXT, day TEXT, digest TEXT, times INTEGER,"
                " PRIMARY KEY (conversation, day, digest));"
                "COMMIT;"
            )
            oldest = (dt.date.today() - dt.timedelta(days=DAYS)).isoformat()
            for table in ("counted", "shown"):
                self._db.execute(f"DELETE FROM {table} WHERE day < ?", (oldest,))
            self._db.execute(
                "INSERT OR IGNORE INTO secret VALUES (1, ?)", (secrets.token_bytes(32),)
            )
            [(self._key,)] = self._db.execute("SELECT key FROM secret").fetchall()

    def digest(self, *parts: str) -> str:
        """A keyed hash of some texts, 24 hexadecimal digits."""
        text = "\0".join(parts).encode()
        return hashlib.blake2b(text, digest_size=12, key=self._key).hexdigest()

    def shown(self, place: str) -> list[str]:
        """The digests of the messages acknowledged of a notification, in its order."""
        row = self._db.execute("SELECT digests FROM shown WHERE place = ?", (place,)).fetchone()
        return list(json.loads(row[0])) if row else []

    def times(self, conversation: str, day: str, digest: str) -> int:
        """How many messages with that digest were acknowledged that day."""
        where = (conversation, day, digest)
        row = self._db.execute(
            "SELECT times FROM counted WHERE conversation = ? AND day = ? AND digest = ?", where
        ).fetchone()
        return int(row[0]) if row else 0

    def show(self, place: str, digests: list[str]) -> None:
        """What of a notification is acknowledged by now. On disk when it returns."""
        if digests:
            self._db.execute(
                "INSERT OR REPLACE INTO shown VALUES (?, ?, ?)",
                (place, json.dumps(digests), dt.date.today().isoformat()),
            )
        else:
            self._db.execute("DELETE FROM shown WHERE place = ?", (place,))

    def acknowledge(
        self, conversation: str, day: str, digest: str, place: str, digests: list[str] | None
    ) -> None:
        """One more message is on the wearer's disk; `digests` as for `show`, None where its
        notification is gone. On disk, all of it or nothing, when it returns."""
        self._db.execute("BEGIN IMMEDIATE")
        self._db.execute(
            "INSERT INTO counted VALUES (?, ?, ?, 1) ON CONFLICT DO UPDATE SET times = times + 1",
            (conversation, day, digest),
        )
        if digests is not None:
            self.show(place, digests)
        self._db.execute("COMMIT")

    def close(self) -> None:
        """Let the file go. May be called twice."""
        self._db.close()
