"""A sequence on disk: what both engines' `save` writes and `load` reads.

8 bytes   b"SIDESEQ2"
4 bytes   CRC-32 of all that follows, little-endian: against damage. Against somebody who may write
          in the wearer's folder no checksum helps, and SHA-256 took longer than all the rest
64 bytes  the engine's fingerprint, hexadecimal
4 bytes   number of tokens, little-endian; then 4 bytes a token
rest      the engine's own cache
"""

from __future__ import annotations

import os
import struct
import tempfile
import zlib
from collections.abc import Sequence
from pathlib import Path

from device.errors import ModelError

MAGIC = b"SIDESEQ2"
_START = len(MAGIC) + 4


def write(path: Path, fingerprint: str, tokens: Sequence[int], body: bytes | memoryview) -> None:
    """Write a sequence, readable by its owner alone; `path` is whole or as it was before."""
    head = fingerprint.encode("ascii") + struct.pack(f"<I{len(tokens)}I", len(tokens), *tokens)
    checksum = struct.pack("<I", zlib.crc32(body, zlib.crc32(head)))
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(MAGIC + checksum + head)
            file.write(body)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def read(path: Path, fingerprint: str) -> tuple[list[int], memoryview]:
    """(tokens, the engine's own cache) of a saved sequence.

    Raises `ModelError` for a file that is missing, damaged, or of another model or adapter.
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path}: no saved thread ({error.strerror})") from error
    rest = memoryview(raw)[_START:]  # megabytes: nothing is copied
    checksum = struct.pack("<I", zlib.crc32(rest))
    if raw[:_START] != MAGIC + checksum:
        raise ModelError(f"{path}: a damaged saved thread; it is read anew")
    if rest[:64] != fingerprint.encode("ascii"):
        raise ModelError(f"{path}: saved with another model or adapter; it is read anew")
    try:
        (count,) = struct.unpack_from("<I", rest, 64)
        return list(struct.unpack_from(f"<{count}I", rest, 68)), rest[68 + 4 * count :]
    except struct.error as error:
        raise ModelError(f"{path}: a saved thread cut short; it is read anew") from error
