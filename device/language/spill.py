"""Cached threads on disk: what no longer fits the engine, kept until its thread comes back.

    spilled/<SHA-256 of the thread's id>     a sequence as `saved` writes it, for its owner's eyes

A file holds what was said as tokens, so it is as private as the inbox, and goes with it. It is
used once: a thread that is back in the engine leaves no file that a message taken back meanwhile
could be read from. What is forgotten or wiped is overwritten too; what was only used, or makes room
for others, is not. Whatever is wrong with a file, the thread is read anew.
"""

from __future__ import annotations

import hashlib
from contextlib import suppress
from pathlib import Path

from device.disk import erase
from device.errors import ModelError
from device.language.engine import Engine, Seq
from device.settings import default_data_dir

MOST_BYTES = 512 * 2**20
"""Of all files together. The shipped model writes 23 kB a token: about 45 threads of 500."""


def spill_folder() -> Path:
    """Where the wearer's cached threads lie. Not made here."""
    return default_data_dir() / "spilled"


def wipe_spilled() -> None:
    """Remove every cached thread. Raises `OSError`."""
    with suppress(FileNotFoundError):
        erase(spill_folder())


class Spill:
    """A folder of sequences, at most `most_bytes` of them; the least recently used ones go."""

    def __init__(self, folder: Path, most_bytes: int = MOST_BYTES):
        self._folder = folder
        self._most_bytes = most_bytes

    def put(self, engine: Engine, thread_id: str, seq: Seq) -> None:
        """Write a sequence. Where that can't be done, on a full disk, the thread is read anew."""
        with suppress(OSError):
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            engine.save(seq, self._path(thread_id))
            self._make_room()

    def take(self, engine: Engine, thread_id: str) -> Seq | None:
        """Open the sequence of a thread and remove its file; None where there is none to use."""
        path = self._path(thread_id)
        if not path.exists():
            return None
        try:
            return engine.load(path)
        except ModelError:  # damaged, or of another model or adapter
            return None
        finally:
            with suppress(OSError):
                path.unlink()

    def drop(self, thread_id: str) -> None:
        """Remove a thread's file, if there is one, and what a crash left of it half written.

        Raises `OSError`.
        """
        for path in self._folder.glob(f"*{self._path(thread_id).name}*"):
            with suppress(FileNotFoundError):
                erase(path)

    def _path(self, thread_id: str) -> Path:
        return self._folder / hashlib.sha256(thread_id.encode("utf-8", "replace")).hexdigest()

    def _make_room(self) -> None:
        """Remove the oldest files; also what a crash left half written."""
        found = [(path, path.stat()) for path in self._folder.iterdir()]
        total = sum(stat.st_size for _, stat in found)
        for path, stat in sorted(found, key=lambda file: file[1].st_mtime_ns):
            if total <= self._most_bytes:
                break
            path.unlink(missing_ok=True)
            total -= stat.st_size
