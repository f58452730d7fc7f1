"""How far messages were taken: the sync token, and what was acknowledged after it.

A sync brings a batch of events and the token after them. The token is kept only when every event up
to it was acknowledged; until then a restart asks for the batch again, and what was acknowledged of
it singly is passed over. One SQLite file, locked for one program: two would share one device's
keys, and each would use up what the other needs.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from device.connectors.journal import opening


@dataclass(slots=True)
class _Batch:
    """The events of one sync."""

    number: int
    token: str
    """The sync token after them."""
    waiting: set[str]
    """Ids of those that were not acknowledged yet."""


class Journal:
    """Open from construction to `close`. Raises `ConnectorError` where another program has it, or
    it can't be read."""

    def __init__(self, path: Path):
        self.path = path
        self._batches: list[_Batch] = []
        self._count = 0
        again = "`sidelong matrix logout`, then log in again"
        with opening(path, "another Sidelong has this Matrix account open", again) as self._db:
            self._db.executescript(
                "BEGIN EXCLUSIVE;"
                "CREATE TABLE IF NOT EXISTS token (one INTEGER PRIMARY KEY CHECK (one), text TEXT);"
                "CREATE TABLE IF NOT EXISTS acknowledged (id TEXT PRIMARY KEY, batch INTEGER);"
                # Batches of an earlier run all come again within the first one of this run.
                "UPDATE acknowledged SET batch = 0; COMMIT;"
            )
            row = self._db.execute("SELECT text FROM token").fetchone()
            self.token: str | None = row and row[0]
            self._done = {id for (id,) in self._db.execute("SELECT id FROM acknowledged")}

    def add_batch(self, token: str, waiting: set[str]) -> None:
        """The events of one sync that are to be acknowledged before `token`, after them, counts."""
        self._count += 1
        self._batches.append(_Batch(self._count, token, waiting))
        self._settle()

    def is_acknowledged(self, event: str) -> bool:
        """Whether an event was acknowledged, in this run or in the last."""
        return event in self._done

    def acknowledge(self, event: str) -> None:
        """On disk when it returns. An event that no batch waits for is fine."""
        for batch in self._batches:
            if event in batch.waiting:
                self._db.execute(
                    "INSERT OR REPLACE INTO acknowledged VALUES (?, ?)", (event, batch.number)
                )
                self._done.add(event)
                batch.waiting.remove(event)
                self._settle()
                return

    def _settle(self) -> None:
        """Keep the token of the last batch before which nothing is waited for."""
        ended = None
        while self._batches and not self._batches[0].waiting:
            ended = self._batches.pop(0)
        if ended is None or ended.token == self.token:
            return
        self._db.execute("BEGIN")
        self._db.execute("INSERT OR REPLACE INTO token VALUES (1, ?)", (ended.token,))
        self._db.execute("DELETE FROM acknowledged WHERE batch <= ?", (ended.number,))
        self._db.execute("COMMIT")
        self._done = {id for (id,) in self._db.execute("SELECT id FROM acknowledged")}
        self.token = ended.token

    def close(self) -> None:
        """Let the file go. May be called twice."""
        self._db.close()
