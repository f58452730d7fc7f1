"""The inbox: every message that arrived, in one private SQLite file.

    with Inbox(path) as inbox:
        inbox.ingest("matrix", thread)        # on disk when it returns; only now acknowledge
        for info in inbox.due():              # conversations with something new to show
            ...write a card...
            if inbox.claim_unshown(info.connector, info.id, info.last.id):
                ...draw it...
                inbox.mark_shown(info.connector, info.id, info.last.id)

A message is kept once for each (connector, thread id, message id), in the order of arrival. Texts
come back exactly as they went in, with one exception: a lone surrogate, which is no character and
has no UTF-8 form, becomes U+FFFD. Whoever draws a text deals with the control characters in it.
"""

from __future__ import annotations

import datetime as dt
import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from device.errors import StoreError
from device.inbox_reading import count, senders, thread, threads
from device.inbox_removal import expire, remove, tidy
from device.inbox_rows import ThreadInfo, iso, with_ids
from device.inbox_schema import InboxFile, explained, open_database, transaction
from device.inbox_search import Hit, Passage, passages, search
from device.messages import Message, Thread
from device.text import clean

__all__ = ["Hit", "Inbox", "Passage", "ThreadInfo"]

_ONE_MESSAGE = (
    "id = ? AND thread = (SELECT key FROM threads WHERE threads.connector = ? AND threads.id = ?)"
)


class Inbox(InboxFile):
    """The store.

    Any number of processes may have the same file open: readers never wait, writers wait for each
    other up to ten seconds. One object may be used from several threads. Every method raises
    `StoreError` when the file can't be read or written.
    """

    def __init__(self, path: Path, key: str | None = None):
        super().__init__(path, key)
        self._key = key
        self._lock = threading.RLock()
        self._has_traces = False

    def close(self) -> None:
        """Close the file, without what was taken back. Closing twice is fine."""
        if self._has_traces:
            with suppress(StoreError):  # another program is busy; the next one that tidies does it
                self.tidy()
            self._has_traces = False
        with self._using():
            self._db.close()

    def ingest(
        self, connector: str, thread: Thread, messages: Iterable[Message] | None = None
    ) -> int:
        """Keep what isn't kept yet, all or nothing, and return how many messages that were.

        On disk when it returns: this is when a connector may acknowledge. Without `messages` the
        thread is taken whole, and what stands before its `unread_from` counts as read; with
        `messages` only those are taken, oldest first, and `thread` says where they belong. The
        newest title and name of the wearer win; the first text of a message id stays, and of a
        thread taken whole its newest date and time, as an export read in another date order gives
        them.

        A message without an id gets one from its sender, text, date and time, and from how many
        equal ones precede it in this call. So a source without ids must deliver a conversation
        from its beginning each time, as an export does: of two equal messages in two calls the
        second counts as the first come again.
        """
        batch = thread.messages if messages is None else messages
        received = int(time.time())
        rows = [
            (i, clean(m.sender), iso(m.date), iso(m.time), received, clean(m.text))
            for i, m in with_ids(batch)
        ]
        with self._using() as db, transaction(db):
            [(key,)] = db.execute(
                "INSERT INTO threads (connector, id, me, title, is_group) VALUES (?, ?, ?, ?, ?)"
                " ON CONFLICT (connector, id) DO UPDATE SET me = excluded.me,"
                " title = coalesce(excluded.title, title), is_group = excluded.is_group"
                " RETURNING key",
                (
                    clean(connector),
                    clean(thread.id),
                    clean(thread.me),
                    None if thread.title is None else clean(thread.title),
                    thread.is_group,
                ),
            ).fetchall()
            new = sum(
                db.execute(
                    "INSERT INTO messages (thread, id, sender, date, time, received, text)"
                    " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (thread, id) DO NOTHING",
                    (key, *row),
                ).rowcount
                for row in rows
            )
            if messages is None:
                db.executemany(
                    "UPDATE messages SET date = ?1, time = ?2 WHERE thread = ?3 AND id = ?4"
                    " AND (date IS NOT ?1 OR time IS NOT ?2)",
                    [(date, clock, key, id_) for id_, _, date, clock, _, _ in rows],
                )
                if thread.unread_from:
                    self._advance("read", connector, thread.id, rows[thread.unread_from - 1][0])
        return new

    def edit(self, connector: str, thread_id: str, message_id: str, sender: str, text: str) -> bool:
        """Give a message another text; whether `sender` has written one with that id."""
        with self._using() as db, transaction(db):
            changed = db.execute(
                f"UPDATE messages SET text = ? WHERE {_ONE_MESSAGE} AND sender = ? AND NOT gone",
                (clean(text), clean(message_id), clean(connector), clean(thread_id), clean(sender)),
            )
            self._has_traces |= changed.rowcount == 1
            return changed.rowcount == 1

    def take_back(self, connector: str, thread_id: str, message_id: str) -> bool:
        """Remove a message's text and show it no more; whether there was one.

        Its id stays known, so that it does not come again.
        """
        with self._using() as db, transaction(db):
            changed = db.execute(
                f"UPDATE messages SET text = '', gone = 1 WHERE {_ONE_MESSAGE} AND NOT gone",
                (clean(message_id), clean(connector), clean(thread_id)),
            )
            self._has_traces |= changed.rowcount == 1
            return changed.rowcount == 1

    def expire(self, before: dt.date) -> list[str]:
        """Remove messages from before that day, and what was sent then; the ids of their threads.

        A message without a date is as old as its arrival. Their bytes are gone from the files, as
        `tidy` says.
        """
        with self._using() as db:
            threads = expire(db, before)
            self._has_traces |= bool(threads)
            if self._has_traces:
                self.tidy()
            return threads

    def tidy(self) -> bool:
        """Remove the traces of what was edited, taken back or removed; whether that was possible.

        Another program that reads the old log is in the way.
        """
        with self._using() as db:
            self._has_traces = not tidy(db)
            return not self._has_traces

    def threads(self) -> list[ThreadInfo]:
        """All conversations, the one with the newest arrival first."""
        with self._using() as db:
            return threads(db)

    def due(self) -> list[ThreadInfo]:
        """The conversations that want a card, the one with the newest arrival first."""
        return [info for info in self.threads() if info.due]

    def thread(self, connector: str, thread_id: str, last: int | None = None) -> Thread:
        """One conversation, or only its `last` messages; every message has an id.

        Raises `StoreError` for one that isn't kept.
        """
        with self._using() as db:
            found = thread(db, clean(connector), clean(thread_id), last)
            if found is None:
                raise StoreError(
                    f"{self.path}: no conversation {thread_id!r} from {connector!r}; "
                    "`sidelong inbox` lists what there is"
                )
            return found

    def count(self, connector: str, thread_id: str) -> int:
        """How many messages of a conversation are kept."""
        with self._using() as db:
            return count(db, clean(connector), clean(thread_id))

    def mark_read(self, connector: str, thread_id: str, message_id: str) -> None:
        """The wearer has read this message and all before it. A message that isn't kept is fine."""
        with self._using() as db, transaction(db):
            self._advance("read", connector, thread_id, message_id)

    def claim_unshown(self, connector: str, thread_id: str, message_id: str) -> bool:
        """True for exactly one caller, ever: it may draw the card whose last message this is.

        False once a card up to this message or a later one has been claimed, in any process and
        after any restart, and for a message that isn't kept (any more). No order of steps can
        draw exactly once across a crash; claiming first means never twice. What a crash left
        undrawn stays unread.
        """
        with self._using() as db, transaction(db):
            return self._advance("claimed", connector, thread_id, message_id)

    def mark_shown(self, connector: str, thread_id: str, message_id: str) -> None:
        """The card whose last message this is has been drawn."""
        with self._using() as db, transaction(db):
            self._advance("claimed", connector, thread_id, message_id)
            self._advance("shown", connector, thread_id, message_id)

    def release_claim(self, connector: str, thread_id: str) -> None:
        """The claimed card could not be drawn (a display out of reach, say): it is due again."""
        with self._using() as db, transaction(db):
            db.execute(
                "UPDATE threads SET claimed = shown WHERE connector = ? AND id = ?",
                (clean(connector), clean(thread_id)),
            )

    def search(self, query: str, limit: int = 20) -> list[Hit]:
        """Messages with all words of `query`, the last one perhaps unfinished; best first.

        Best is BM25, and of equally good ones the recent (`inbox_search.RECENCY_DAYS`). Accents
        and case don't matter. The query is plain words; nothing in it is syntax. Where no word
        matches (emoji, or scripts written without spaces) messages that contain the query as it
        stands are returned, newest first.
        """
        with self._using() as db:
            return search(db, query, limit)

    def passages(
        self,
        words: Iterable[Sequence[str]],
        senders: Sequence[str] | None = None,
        limit: int = 60,
        before: int = 6,
        after: int = 4,
    ) -> list[Passage]:
        """Messages with any of `words`, each given in all its forms, and what stands around them;
        the best `limit` ones, as in `search`. Without words, the newest messages.

        `senders`: only conversations in which one of them wrote; without words, only their own
        messages. A form of more than three letters also matches longer words.
        """
        with self._using() as db:
            return passages(db, words, senders, limit, before, after)

    def senders(self) -> list[tuple[str, bool]]:
        """Everybody who wrote a message that is kept, and whether that is the wearer."""
        with self._using() as db:
            return senders(db)

    def wipe(self, connector: str | None = None, thread_id: str | None = None) -> int:
        """Remove everything, or one connector's, or one conversation; how many messages that were.

        Removed means that the bytes are gone from the files: content is overwritten, the word
        index built anew, the file rewritten, the log cut to nothing. SQLite itself deletes `-wal`
        and `-shm` when the last program closes the inbox; taking them from under another one
        would lose its messages.

        Raises `StoreError` when another program is reading and so keeps the old log alive: the
        messages are removed, and wiping again afterwards removes their traces too.
        """
        with self._using() as db:
            removed = remove(db, connector and clean(connector), thread_id and clean(thread_id))
            if not self.tidy():
                raise StoreError(
                    f"{self.path}: wiped, but another program still reads the old log; "
                    "stop it and wipe again"
                )
            db.close()
            self._db = open_database(self.path, self._key)
        return removed

    @contextmanager
    def _using(self) -> Iterator[sqlite3.Connection]:
        with self._lock, explained(self.path):
            yield self._db

    def _advance(self, column: str, connector: str, thread_id: str, message_id: str) -> bool:
        """Move a thread's mark forward to a message, never back. Within a transaction."""
        cursor = self._db.execute(
            f"UPDATE threads SET {column} = m.seq FROM messages AS m"
            " WHERE m.thread = threads.key AND m.id = ?"
            f" AND threads.connector = ? AND threads.id = ? AND threads.{column} < m.seq",
            (clean(message_id), clean(connector), clean(thread_id)),
        )
        return cursor.rowcount == 1
