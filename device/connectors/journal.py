"""What a connector keeps of how far messages were taken: a SQLite file, locked for one program."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from device.disk import private_file
from device.errors import ConnectorError


@contextmanager
def opening(path: Path, in_use: str, remedy: str) -> Iterator[sqlite3.Connection]:
    """Open `path`, or make it, for this program and the wearer's eyes alone.

    The block makes and reads its tables. The connection stays open afterwards; what no transaction
    was begun for is on disk when `execute` returns. Raises `ConnectorError` where the file can't be
    opened, or another program has it (`in_use` says which), or it is broken (`remedy` says what to
    do); then the connection is closed.
    """
    try:
        db = sqlite3.connect(private_file(path), isolation_level=None, timeout=0)
    except (OSError, sqlite3.Error) as error:
        raise ConnectorError(f"{path}: can't be opened: {error}") from error
    try:
        db.execute("PRAGMA locking_mode = EXCLUSIVE")
        db.execute("PRAGMA synchronous = FULL")
        yield db
    except sqlite3.Error as error:
        db.close()
        if getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY:
            raise ConnectorError(f"{path}: in use: {in_use}; stop it first") from error
        if isinstance(error, sqlite3.OperationalError):  # a full disk, say: the file is whole
            raise ConnectorError(f"{path}: can't be opened: {error}") from error
        raise ConnectorError(f"{path}: {error}; {remedy}") from error
