"""What leaves the inbox leaves no byte in its files."""

from __future__ import annotations

import datetime as dt
import sqlite3

from device.inbox_schema import transaction

_OLD = "coalesce(date, date(received, 'unixepoch')) < :day"


def expire(db: sqlite3.Connection, before: dt.date) -> list[str]:
    """Remove messages from before that day, and what was sent then; the ids of their threads.

    Their traces are for `tidy`.
    """
    cutoff = {"day": before.isoformat()}
    with transaction(db):
        threads = db.execute(
            f"SELECT id FROM threads WHERE key IN (SELECT thread FROM messages WHERE {_OLD})",
            cutoff,
        ).fetchall()
        db.execute(f"DELETE FROM messages WHERE {_OLD}", cutoff)
        db.execute("DELETE FROM threads WHERE key NOT IN (SELECT thread FROM messages)")
        # The number of the newest message may be given anew: no mark may stand at it.
        db.execute(
            "UPDATE threads SET (read, claimed, shown) ="
            " (SELECT min(read, max(seq)), min(claimed, max(seq)), min(shown, max(seq))"
            " FROM messages WHERE thread = key)"
        )
        # What is under way may yet have to be told.
        db.execute(
            "DELETE FROM outbox WHERE state != 'asked' AND date(asked, 'unixepoch') < :day", cutoff
        )
        db.execute("DELETE FROM attention WHERE date(at) < :day", cutoff)
    return [row["id"] for row in threads]


def remove(db: sqlite3.Connection, connector: str | None, thread_id: str | None) -> int:
    """Remove everything, or one connector's, or one conversation; how many messages that were."""
    which = {"connector": connector, "thread": thread_id}
    chosen = "(:connector IS NULL OR connector = :connector) AND (:thread IS NULL OR id = :thread)"
    with transaction(db):
        removed = db.execute(
            f"DELETE FROM messages WHERE thread IN (SELECT key FROM threads WHERE {chosen})", which
        ).rowcount
        db.execute(f"DELETE FROM threads WHERE {chosen}", which)
        for table in ("outbox", "attention"):
            db.execute(
                f"DELETE FROM {table} WHERE (:connector IS NULL OR connector = :connector)"
                " AND (:thread IS NULL OR conversation = :thread)",
                which,
            )
    return removed


def tidy(db: sqlite3.Connection) -> bool:
    """Remove the traces of what is gone; False where another program reads the old log.

    Content was overwritten when it went, but its words stay in the index, and whole texts in the
    log: the index is built anew, the file rewritten, the log cut to nothing.
    """
    db.execute("INSERT INTO words (words) VALUES ('rebuild')")
    db.execute("VACUUM")
    (busy, _, _) = db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    return not busy
