"""What a GGUF file says of itself, read without loading it and without trusting it.

Little-endian: "GGUF", u32 version, u64 tensors, u64 keys; then each key as string, u32 type, value.
A string is a u64 length and bytes; an array a u32 type, a u64 length and its values.
Source: docs/gguf.md of ggml-org/ggml. Nothing beyond the keys is read.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from device.errors import ModelError

MAGIC = b"GGUF"

_STRING, _ARRAY = 8, 9
_NUMBERS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q"}
_NUMBERS[12] = "d"

# Far above any real file, far below what would hold up a small machine.
_MAX_KEYS = 4096
_MAX_KEY_BYTES = 1024
_MAX_STRING_BYTES = 1 << 20
_MAX_ITEMS = 4_000_000

# `llama_ftype` of llama.h; numbers that are missing there were withdrawn.
_FILE_TYPES = {0: "F32", 1: "F16", 2: "Q4_0", 3: "Q4_1", 7: "Q8_0", 8: "Q5_0", 9: "Q5_1"}
_FILE_TYPES |= {10: "Q2_K", 11: "Q3_K_S", 12: "Q3_K_M", 13: "Q3_K_L", 14: "Q4_K_S", 15: "Q4_K_M"}
_FILE_TYPES |= {16: "Q5_K_S", 17: "Q5_K_M", 18: "Q6_K", 19: "IQ2_XXS", 20: "IQ2_XS", 21: "Q2_K_S"}
_FILE_TYPES |= {22: "IQ3_XS", 23: "IQ3_XXS", 24: "IQ1_S", 25: "IQ4_NL", 26: "IQ3_S", 27: "IQ3_M"}
_FILE_TYPES |= {28: "IQ2_S", 29: "IQ2_M", 30: "IQ4_XS", 31: "IQ1_M", 32: "BF16", 36: "TQ1_0"}
_FILE_TYPES |= {37: "TQ2_0", 38: "MXFP4", 39: "NVFP4", 40: "Q1_0", 41: "Q2_0"}

_Value = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class GgufHeader:
    """The few keys that decide whether and how a file can be used."""

    architecture: str
    """Such as "llama"; llama.cpp decides whether it knows it."""
    kind: str
    """"model", "adapter", "mmproj" and so on."""
    name: str | None
    licence: str | None
    quantization: str
    """Such as "Q4_0"; "unknown" where the file doesn't say or says something newer."""
    has_chat_template: bool
    prompt: str | None
    """The key `sidelong.prompt`: the prompt format of a model of our own, such as "thread/1"."""
    finer: tuple[int, ...]
    """The key `sidelong.finer`: the layers of a model of our own that are in Q8_0 instead."""
    ships: bool
    """False where the key `sidelong.ships` says that its training data forbids it."""
    parts: int
    """How many files the model is split into; 1 for a whole one."""


def read_header(path: Path) -> GgufHeader:
    """Read the keys of a GGUF file, in a fraction of a second and a few megabytes of memory.

    Raises `ModelError` for a file that can't be read, isn't GGUF of version 2 or 3, or is damaged.
    """
    try:
        with path.open("rb", buffering=1 << 20) as file:
            keys = _Reader(file, path.stat().st_size).keys()
    except OSError as error:
        raise ModelError(f"{path}: can't be read ({error.strerror}); check its rights") from error
    except _Damage as error:
        raise ModelError(f"{path}: {error}; fetch it again or choose another file") from error

    def text(key: str) -> str | None:
        value = keys.get(key)
        # These words reach the wearer's terminal: no control characters, no novels.
        return "".join(filter(str.isprintable, value[:200])) if isinstance(value, str) else None

    def number(key: str) -> int | None:
        value = keys.get(key)
        return value if isinstance(value, int) else None

    file_type = number("general.file_type")
    architecture = text("general.architecture")
    if not architecture:
        raise ModelError(f"{path}: a GGUF without an architecture is no model; choose another file")
    return GgufHeader(
        architecture=architecture,
        kind=text("general.type") or "model",
        name=text("general.name"),
        licence=text("general.license"),
        quantization="unknown" if file_type is None else _FILE_TYPES.get(file_type, "unknown"),
        has_chat_template=bool(text("tokenizer.chat_template")),
        prompt=text("sidelong.prompt"),
        finer=tuple(int(n) for n in (text("sidelong.finer") or "").split() if n.isdecimal()),
        ships=text("sidelong.ships") != "false",
        parts=number("split.count") or 1,
    )


class _Damage(Exception):
    """What is wrong with the file."""


class _Reader:
    def __init__(self, file: BinaryIO, size: int):
        self._file = file
        self._left = size

    def keys(self) -> dict[str, _Value]:
        """All keys with a single value; None stands for an array or an overlong string."""
        if self._take(4) != MAGIC:
            raise _Damage("not a GGUF file")
        version = self._number("I")
        if version not in (2, 3):
            order = " (big-endian)" if version in (2 << 24, 3 << 24) else ""
            raise _Damage(f"GGUF version {version:#x}{order} is not 2 or 3")
        self._number("Q")
        count = self._number("Q")
        if count > _MAX_KEYS:
            raise _Damage(f"damaged: {count} keys")
        keys: dict[str, _Value] = {}
        for _ in range(int(count)):
            key = self._string(_MAX_KEY_BYTES)
            if key is None:
                raise _Damage("damaged: a key too long")
            keys[key] = self._value(int(self._number("I")))
        return keys

    def _value(self, kind: int) -> _Value:
        if kind == _STRING:
            return self._string(_MAX_STRING_BYTES)
        if kind in _NUMBERS:
            return self._number(_NUMBERS[kind])
        if kind != _ARRAY:
            raise _Damage(f"damaged: a value of unknown type {kind}")
        item, count = int(self._number("I")), int(self._number("Q"))
        if item in _NUMBERS:
            self._skip(count * struct.calcsize(_NUMBERS[item]))
        elif item != _STRING or count > _MAX_ITEMS:
            raise _Damage(f"damaged: an array of {count} values of type {item}")
        else:
            for _ in range(count):
                self._skip(int(self._number("Q")))
        return None

    def _string(self, limit: int) -> str | None:
        length = int(self._number("Q"))
        if length > limit:
            self._skip(length)
            return None
        return self._take(length).decode("utf-8", "replace")

    def _number(self, code: str) -> int | float:
        code = "<" + code
        (value,) = struct.unpack(code, self._take(struct.calcsize(code)))
        return value  # type: ignore[no-any-return]

    def _take(self, length: int) -> bytes:
        self._spend(length)
        content = self._file.read(length)
        if len(content) != length:
            raise _Damage("damaged: it ends within its header")
        return content

    def _skip(self, length: int) -> None:
        self._spend(length)
        self._file.seek(length, 1)

    def _spend(self, length: int) -> None:
        if length > self._left:
            raise _Damage("damaged: it ends within its header")
        self._left -= length
