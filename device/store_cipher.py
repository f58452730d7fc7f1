"""Encryption of the store, by SQLCipher: every page, the log, and the index of words.

A store is plain or encrypted as a whole. Without a key Python's own sqlite3 opens it; with one, the
package sqlcipher3, which is the same interface over an SQLite that encrypts.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from types import ModuleType
from typing import cast

from device.disk import erase, sync_folder
from device.errors import StoreError

try:
    from sqlcipher3 import dbapi2 as cipher
except ImportError:
    cipher = None

ERRORS: tuple[type[Exception], ...] = (sqlite3.Error, *([cipher.Error] if cipher else []))
"""What either library raises."""
PLAIN = b"SQLite format 3\0"
"""How a file begins that isn't encrypted."""


def is_plain(path: Path) -> bool:
    """Whether a file is a database that anybody can read. Raises `OSError`.

    Not while this process has it open: closing it here would take its locks away.
    """
    with path.open("rb") as file:
        return file.read(len(PLAIN)) == PLAIN


def connect(path: Path, key: str | None, timeout: float) -> sqlite3.Connection:
    """A connection in autocommit mode that may pass between threads.

    `key`: a passphrase, or "x'…'" with 64 hexadecimal digits. Raises `ERRORS`, and `StoreError`
    where the library for it is missing.
    """
    library = sqlite3 if key is None else cipher_library()
    db = cast(
        sqlite3.Connection,
        library.connect(path, timeout=timeout, isolation_level=None, check_same_thread=False),
    )
    db.row_factory = library.Row
    if key is not None:
        db.execute("PRAGMA cipher_log_level = NONE")  # it would write to stderr
        db.execute(f"PRAGMA key = {_literal(key)}")
    return db


def convert(path: Path, old: str | None, new: str | None) -> None:
    """Write the store anew with another key, or none, and erase the file that was there.

    Raises `ERRORS`, `OSError`, and `StoreError` where another program has the store open.
    """
    erase_leftovers(path)
    made, before = _beside(path)
    os.close(os.open(made, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    library = cipher_library()
    with _erased_on_failure(made), closing(library.connect(path, timeout=0)) as db:
        db.isolation_level = None
        db.execute("PRAGMA cipher_log_level = NONE")
        if old is not None:
            db.execute(f"PRAGMA key = {_literal(old)}")
        try:
            db.execute("PRAGMA main.locking_mode = EXCLUSIVE")  # nobody else may open it meanwhile,
            db.execute("PRAGMA journal_mode = DELETE")  # or have it open
        except library.OperationalError as error:
            raise StoreError(f"{path}: another program has it open; stop it first") from error
        db.execute("ATTACH DATABASE ? AS made KEY ?", (str(made), new or ""))
        db.execute("SELECT sqlcipher_export('made')")
        for pragma in ("user_version", "application_id"):  # the export leaves them out
            (value,) = db.execute(f"PRAGMA {pragma}").fetchone()
            db.execute(f"PRAGMA made.{pragma} = {value}")
        db.execute("DETACH DATABASE made")
    with made.open("rb") as file:
        os.fsync(file.fileno())
    os.link(path, before)
    made.replace(path)
    sync_folder(path.parent)
    erase(before)


def erase_leftovers(path: Path) -> None:
    """Erase what a `convert` that was cut off left beside the store. Raises `OSError`."""
    for left in _beside(path):
        if left.exists():
            # Cut off before the exchange, the store has two names: erased by one, it were gone.
            left.unlink() if left.samefile(path) else erase(left)


def _beside(path: Path) -> tuple[Path, Path]:
    """Where `convert` writes the new file, and what the old one is called then."""
    return path.with_name(f".{path.name}.new"), path.with_name(f".{path.name}.old")


def cipher_library() -> ModuleType:
    """The library. Raises `StoreError` where it is missing."""
    if cipher is None:
        raise StoreError("an encrypted inbox needs its library; pip install 'sidelong[encrypted]'")
    return cast(ModuleType, cipher)


def _literal(key: str) -> str:
    """A key as SQL: what stands for bytes in double quotes, a passphrase in single ones."""
    if key.startswith("x'") and key.endswith("'"):
        return f'"{key}"'
    return "'" + key.replace("'", "''") + "'"


@contextmanager
def _erased_on_failure(path: Path) -> Iterator[None]:
    try:
        yield
    except BaseException:
        erase(path)
        raise
