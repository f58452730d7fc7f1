"""Opening the inbox's file: who may read it, how it is written, which version it has.

One SQLite file in WAL mode. A commit returns when the kernel has the bytes on the disk
(`synchronous=FULL`), deleted content is overwritten with zeros (`secure_delete`), and temporary
tables stay in memory, so that no text reaches a shared temporary folder. SQLite gives `-wal` and
`-shm` the mode of the main file, which is why that one is made by hand before SQLite sees it.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from device.disk import sync_folder
from device.errors import StoreError
from device.store_cipher import ERRORS, connect, is_plain

APPLICATION_ID = 0x51DE1096
"""Stands in the file's header, so that another program's database is never taken for an inbox."""

BUSY_SECONDS = 10.0
"""How long a writer waits for another process's transaction."""

MIGRATIONS: tuple[tuple[str, ...], ...] = (
    # Version 1. Texts come last in their row: counting and listing then skip long ones unread.
    # The word index takes combining marks as letters; without that, Devanagari words fall apart.
    (
        """
        CREATE TABLE threads (
            key INTEGER PRIMARY KEY,
            connector TEXT NOT NULL,
            id TEXT NOT NULL,
            me TEXT NOT NULL,
            title TEXT,
            is_group INTEGER NOT NULL,
            read INTEGER NOT NULL DEFAULT 0,
            claimed INTEGER NOT NULL DEFAULT 0,
            shown INTEGER NOT NULL DEFAULT 0,
            UNIQUE (connector, id)
        )
        """,
        """
        CREATE TABLE messages (
            seq INTEGER PRIMARY KEY,
            thread INTEGER NOT NULL REFERENCES threads (key),
            id TEXT NOT NULL,
            sender TEXT NOT NULL,
            date TEXT,
            time TEXT,
            received INTEGER NOT NULL,
            text TEXT NOT NULL,
            UNIQUE (thread, id)
        )
        """,
        "CREATE INDEX messages_by_thread ON messages (thread)",
        """
        CREATE VIRTUAL TABLE words USING fts5 (
            text, content='messages', content_rowid='seq',
            tokenize="unicode61 remove_diacritics 2 categories 'L* N* Co Mn Mc'"
        )
        """,
        """
        CREATE TRIGGER messages_in AFTER INSERT ON messages BEGIN
            INSERT INTO words (rowid, text) VALUES (new.seq, new.text);
        END
        """,
        """
        CREATE TRIGGER messages_out AFTER DELETE ON messages BEGIN
            INSERT INTO words (words, rowid, text) VALUES ('delete', old.seq, old.text);
        END
        """,
        f"PRAGMA application_id = {APPLICATION_ID}",
    ),
    # Version 2. Messages that were edited or taken back; the journal of what is sent. A message
    # that is gone keeps its row: its number must not be given to another one.
    (
        "ALTER TABLE messages ADD COLUMN gone INTEGER NOT NULL DEFAULT 0",
        """
        CREATE TRIGGER messages_changed AFTER UPDATE OF text ON messages BEGIN
            INSERT INTO words (words, rowid, text) VALUES ('delete', old.seq, old.text);
            INSERT INTO words (rowid, text) VALUES (new.seq, new.text);
        END
        """,
        """
        CREATE TABLE outbox (
            key TEXT PRIMARY KEY,
            connector TEXT NOT NULL,
            conversation TEXT NOT NULL,
            asked INTEGER NOT NULL,
            state TEXT NOT NULL DEFAULT 'asked',
            message_id TEXT,
            text TEXT NOT NULL
        )
        """,
    ),
    # Version 3. What attention decided and what the wearer did then; it holds no text.
    (
        """
        CREATE TABLE attention (
            number INTEGER PRIMARY KEY AUTOINCREMENT,
            at TEXT NOT NULL,
            connector TEXT NOT NULL,
            conversation TEXT NOT NULL,
            message TEXT NOT NULL,
            "when" TEXT NOT NULL,
            why TEXT NOT NULL,
            activity TEXT NOT NULL,
            features TEXT NOT NULL,
            chance REAL NOT NULL,
            outcome TEXT
        )
        """,
    ),
)
"""Statements that lead from version n to n + 1; only ever appended to."""

_ADVICE = {
    sqlite3.SQLITE_BUSY: "another program is holding the inbox; try again when it is done",
    sqlite3.SQLITE_LOCKED: "another program is holding the inbox; try again when it is done",
    sqlite3.SQLITE_CORRUPT: "the inbox is damaged; put a backup in its place, or move it away "
    "and a new one is made",
    sqlite3.SQLITE_NOTADB: "this is not an inbox, or another key or passphrase opens it (the "
    "setting `encryption`); else move it away and a new one is made",
    sqlite3.SQLITE_FULL: "the disk is full; make room and try again",
    sqlite3.SQLITE_READONLY: "the inbox can't be written to; check the rights of file and folder",
    sqlite3.SQLITE_CANTOPEN: "the inbox can't be opened; check the rights of file and folder",
    sqlite3.SQLITE_IOERR: "the disk can't be read or written; check it and try again",
}


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn what SQLite and the file system raise into a `StoreError` that says what to do.

    A `ValueError` is a kept date or time that is none: damage that SQLite can't see.
    """
    try:
        yield
    except ERRORS as error:
        # The low byte is the error, the rest its variety.
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        advice = _ADVICE.get(code, "the inbox can't be used")
        raise StoreError(f"{path}: {advice} ({error})") from error
    except ValueError as error:
        raise StoreError(f"{path}: {_ADVICE[sqlite3.SQLITE_CORRUPT]} ({error})") from error
    except OSError as error:
        problem = error.strerror or str(error)
        raise StoreError(
            f"{path}: the inbox can't be opened ({problem}); check the rights of file and folder"
        ) from error


@contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[None]:
    """All of the block or nothing of it; on disk once the block has been left."""
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
        db.execute("COMMIT")
    except BaseException:
        db.rollback()
        raise


def open_database(path: Path, key: str | None = None) -> sqlite3.Connection:
    """Open the inbox at `path`, made first or brought to the newest version where need be.

    Its file has mode 0600, and folders made for it have 0700, whatever the umask. The connection
    may pass between threads as long as one at a time uses it. `key` as for `store_cipher.connect`.

    Raises `StoreError` for a folder, a place that can't be written, another program's file, a
    damaged file, or one made by a newer Sidelong.
    """
    with explained(path):
        _make_private(path)
        db = connect(path, key, BUSY_SECONDS)
        try:
            _prepare(db, path)
        except BaseException as error:
            db.close()
            if key is not None and isinstance(error, ERRORS) and is_plain(path):
                raise StoreError(
                    f"{path}: not encrypted yet; `sidelong inbox encrypt` does that"
                ) from error
            raise
        return db


class InboxFile:
    """A connection to the inbox's file, open from construction to `close` (or the end of a `with`
    block)."""

    def __init__(self, path: Path, key: str | None = None):
        """`key` opens an encrypted file (`device.store_key`). Raises as `open_database`."""
        self.path = path
        self._db = open_database(path, key)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file. Closing twice is fine."""
        self._db.close()


def _make_private(path: Path) -> None:
    missing = [folder for folder in path.parents if not folder.exists()]
    for folder in reversed(missing):
        folder.mkdir(mode=0o700, exist_ok=True)
    made = not path.exists()
    # Only then: closing a file takes away the locks that this process has on it, by POSIX.
    if made or path.is_dir():
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    for name in (path.name, f"{path.name}-wal", f"{path.name}-shm"):
        file = path.with_name(name)
        # Another process may just have closed the inbox, and its -wal and -shm with it.
        if file.exists() and file.stat().st_mode & 0o077:
            file.chmod(0o600)
    if made:
        sync_folder(path.parent)


def _version(db: sqlite3.Connection) -> int:
    return int(db.execute("PRAGMA user_version").fetchone()[0])


def _prepare(db: sqlite3.Connection, path: Path) -> None:
    db.execute("BEGIN")  # one state of the file: another process may be making it right now
    version = _version(db)
    (application,) = db.execute("PRAGMA application_id").fetchone()
    (tables,) = db.execute("SELECT count(*) FROM sqlite_master").fetchone()
    db.execute("COMMIT")
    # Stored as a signed 32-bit number; ours is below 2**31, so it comes back as it went in.
    if application != APPLICATION_ID and (version or tables):
        raise StoreError(f"{path}: this is another program's database; choose another place")
    if version > len(MIGRATIONS):
        raise StoreError(
            f"{path}: made by a newer Sidelong (version {version}, this one knows "
            f"{len(MIGRATIONS)}); update Sidelong, or move the file away and a new one is made"
        )
    for pragma in ("synchronous = FULL", "secure_delete = ON", "temp_store = MEMORY"):
        db.execute(f"PRAGMA {pragma}")
    db.execute("PRAGMA journal_mode = WAL")
    for number, statements in enumerate(MIGRATIONS, start=1):
        _migrate(db, number, statements)


def _migrate(db: sqlite3.Connection, number: int, statements: tuple[str, ...]) -> None:
    if _version(db) >= number:
        return
    with transaction(db):
        # Asked again under the write lock: another process may have been quicker.
        if _version(db) < number:
            for statement in statements:
                db.execute(statement)
            db.execute(f"PRAGMA user_version = {number}")
