"""Files that must be whole after a power cut, private, or gone; their hashes."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import tempfile
from pathlib import Path

SHA256 = re.compile(r"[0-9a-f]{64}")
"""As `sha256_of` gives it."""


def write_atomically(path: Path, text: str) -> None:
    """Replace a file at once and for good, also across a power cut. Raises `OSError`."""
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def private_file(path: Path) -> Path:
    """`path`, made for the wearer's eyes (mode 0600) before a library opens it with its own idea of
    modes. Raises `OSError`."""
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    path.chmod(0o600)
    return path


def sync_folder(folder: Path) -> None:
    """Put a folder's list of names on the disk, so that a new name stays. Raises `OSError`."""
    if os.name == "nt":  # Windows has no handle for that
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, in lower-case hex. Raises `OSError`."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def erase(path: Path) -> None:
    """Remove a file or a folder, its content overwritten with zeros first. Raises `OSError`.

    A disk that writes elsewhere than it was told (flash, a journal) may keep the old content.
    """
    for file in path.rglob("*") if path.is_dir() else (path,):
        if file.is_file() and not file.is_symlink():
            _overwrite(file)
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()


def _overwrite(path: Path) -> None:
    left = path.stat().st_size
    with path.open("r+b", buffering=0) as file:
        while left > 0:
            left -= file.write(bytes(min(left, 1 << 20)))
        os.fsync(file.fileno())
