"""What the inbox holds, read: conversations, their messages, who wrote."""

from __future__ import annotations

import sqlite3

from device.inbox_rows import ThreadInfo, info_of, message_of
from device.messages import Thread


def threads(db: sqlite3.Connection) -> list[ThreadInfo]:
    """All conversations, the one with the newest arrival first."""
    rows = db.execute(
        """
        SELECT t.connector, t.id AS thread_id, t.title, t.me, t.is_group,
               c.messages, c.unread, coalesce(c.newest_unread, 0) > t.claimed AS due, m.*
        FROM (
            SELECT thread, count(*) AS messages, max(seq) AS last,
                   sum(seq > read AND sender != me) AS unread,
                   max(CASE WHEN seq > read AND sender != me THEN seq END) AS newest_unread
            FROM messages JOIN threads ON key = thread WHERE NOT gone GROUP BY thread
        ) AS c
        JOIN threads AS t ON t.key = c.thread
        JOIN messages AS m ON m.seq = c.last
        ORDER BY c.last DESC
        """
    ).fetchall()
    return [info_of(row) for row in rows]


def thread(
    db: sqlite3.Connection, connector: str, thread_id: str, last: int | None
) -> Thread | None:
    """One conversation, or only its `last` messages; None for one that isn't kept."""
    row = db.execute(
        "SELECT * FROM threads WHERE connector = ? AND id = ?", (connector, thread_id)
    ).fetchone()
    if row is None:
        return None
    rows = db.execute(
        "SELECT * FROM messages WHERE thread = ? AND NOT gone ORDER BY seq DESC LIMIT ?",
        (row["key"], -1 if last is None else last),
    ).fetchall()[::-1]
    return Thread(
        id=row["id"],
        me=row["me"],
        messages=tuple(map(message_of, rows)),
        title=row["title"],
        is_group=bool(row["is_group"]),
        unread_from=sum(r["seq"] <= row["read"] for r in rows),
    )


def count(db: sqlite3.Connection, connector: str, thread_id: str) -> int:
    """How many messages of a conversation are kept."""
    [(number,)] = db.execute(
        "SELECT count(*) FROM messages JOIN threads ON key = thread"
        " WHERE NOT gone AND connector = ? AND threads.id = ?",
        (connector, thread_id),
    ).fetchall()
    return int(number)


def senders(db: sqlite3.Connection) -> list[tuple[str, bool]]:
    """Everybody who wrote a message that is kept, and whether that is the wearer."""
    rows = db.execute(
        "SELECT sender, max(sender = me) FROM messages JOIN threads ON key = thread"
        " WHERE NOT gone GROUP BY sender ORDER BY max(seq) DESC"
    ).fetchall()
    return [(name, bool(mine)) for name, mine in rows]
