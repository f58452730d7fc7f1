"""A sequence on disk: what both engines' `save` writes and `load` reads.

8 bytes   b"SIDESEQ1"
32 bytes  SHA-256 of all that follows
64 bytes  the engine's fingerprint, hexadecimal
4 bytes   number of tokens, little-endian; then 4 bytes a token
rest      the engine's own cache
"""

from __future__ import annotations

import hashlib
import os
import struct
import tempfile
from collections.abc import Sequence
from pathlib import Path

from device.errors import ModelError

MAGIC = b"SIDESEQ1"
_START = len(MAGIC) + hashlib.sha256().digest_size


def write(path: Path, fingerprint: str, tokens: Sequence[int], body: bytes) -> None:
    """Write a sequence, readable by its owner alone; `path` is whole or as it was before."""
    head = fingerprint.encode("ascii") + struct.pack(f"<I{len(tokens)}I", len(tokens), *tokens)
    checksum = hashlib.sha256(head + body).digest()
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(MAGIC + checksum + head + body)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def read(path: Path, fingerprint: str) -> tuple[list[int], bytes]:
    """(tokens, the engine's own cache) of a saved sequence.

    Raises `ModelError` for a file that is missing, damaged, or of another model or adapter.
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path}: no saved thread ({error.strerror})") from error
    rest = raw[_START:]
    if not raw.startswith(MAGIC) or hashlib.sha256(rest).digest() != raw[len(MAGIC) : _START]:
        raise ModelError(f"{path}: a damaged saved thread; it is read anew")
    if rest[:64] != fingerprint.encode("ascii"):
        raise ModelError(f"{path}: saved with another model or adapter; it is read anew")
    (count,) = struct.unpack_from("<I", rest, 64)
    return list(struct.unpack_from(f"<{count}I", rest, 68)), rest[68 + 4 * count :]
