"""Text <-> tokens, as plain data: no string in a text ever becomes a control token."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from tokenizers import Tokenizer as _HfTokenizer

from device.errors import ModelError


class Tokenizer(Protocol):
    """One vocabulary. Control tokens come only from `control`, never from `encode`."""

    @property
    def n_vocab(self) -> int:
        """Number of tokens, control tokens included."""

    def encode(self, text: str) -> list[int]:
        """Tokens of `text`; "<|im_start|>" in it is twelve characters and no control token."""

    def encode_template(self, text: str) -> list[int]:
        """Tokens of a model's own chat template, control strings as control tokens.

        Never for a message: its control strings would become structure.
        """

    def decode(self, tokens: Sequence[int]) -> bytes:
        """UTF-8 bytes of the tokens, maybe ending in half a character; control tokens are empty."""

    def control(self, name: str) -> int:
        """The token of a control string ("<|im_end|>"). Raises `KeyError` if there is none."""


@dataclass(frozen=True, slots=True)
class Ends:
    """The strings of a vocabulary that begin and end what a model reads; "" where it has none."""

    bos: str = ""
    eos: str = ""
    always_bos: bool = False
    """Whether every text begins with `bos`, even where the template doesn't write it."""


def _byte_of_unicode() -> dict[str, int]:
    """The byte that each printable stand-in of byte-level BPE means (GPT-2's bytes_to_unicode)."""
    plain = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    table = {chr(b): b for b in plain}
    rest = [b for b in range(256) if b not in set(plain)]
    table.update({chr(256 + i): b for i, b in enumerate(rest)})
    return table


class JsonTokenizer:
    """A byte-level BPE `tokenizer.json` (what training writes and the ONNX models carry)."""

    def __init__(self, path: Path):
        """Raises `ModelError` for a file that is missing, damaged, or no byte-level BPE."""
        if not path.is_file():
            raise ModelError(f"{path.parent}: no {path.name} in it; `make onnx` writes one")
        try:
            self._tokenizer = _HfTokenizer.from_file(str(path))
        except Exception as error:  # tokenizers has no errors of its own
            raise ModelError(f"{path}: not a tokenizer ({error}); export it again") from error
        self._tokenizer.encode_special_tokens = True
        bytes_of = _byte_of_unicode()
        special = {i for i, t in self._tokenizer.get_added_tokens_decoder().items() if t.special}
        try:
            self._pieces = [
                b""
                if i in special
                else bytes(bytes_of[c] for c in self._tokenizer.id_to_token(i) or "")
                for i in range(self.n_vocab)
            ]
        except KeyError as error:
            raise ModelError(f"{path}: not a byte-level BPE; choose another model") from error
        self._special = special

    @property
    def n_vocab(self) -> int:
        return int(self._tokenizer.get_vocab_size(with_added_tokens=True))

    def encode(self, text: str) -> list[int]:
        return list(self._tokenizer.encode(text, add_special_tokens=False).ids)

    def encode_template(self, text: str) -> list[int]:
        self._tokenizer.encode_special_tokens = False
        try:
            return list(self._tokenizer.encode(text, add_special_tokens=False).ids)
        finally:
            self._tokenizer.encode_special_tokens = True

    def decode(self, tokens: Sequence[int]) -> bytes:
        return b"".join(self._pieces[t] for t in tokens)

    def control(self, name: str) -> int:
        token = self._tokenizer.token_to_id(name)
        if token is None or token not in self._special:
            raise KeyError(name)
        return int(token)
