"""The vocabulary inside a GGUF, through llama.cpp's own tokenizer."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import Any

import llama_cpp.llama_cpp as llama


class LlamaVocab:
    """A `Tokenizer` over a loaded model; it must not outlive the model."""

    def __init__(self, model: Any):
        """`model` is llama.cpp's model pointer."""
        self._vocab = llama.llama_model_get_vocab(model)
        self._n_vocab = int(llama.llama_vocab_n_tokens(self._vocab))
        self._pieces = [self._piece(token) for token in range(self._n_vocab)]

    @property
    def n_vocab(self) -> int:
        return self._n_vocab

    def encode(self, text: str) -> list[int]:
        return self._tokenize(text, parse_special=False)

    def encode_template(self, text: str) -> list[int]:
        return self._tokenize(text, parse_special=True)

    def decode(self, tokens: Sequence[int]) -> bytes:
        return b"".join(self._pieces[t] for t in tokens)

    def control(self, name: str) -> int:
        tokens = self.encode_template(name)
        if len(tokens) != 1 or not llama.llama_vocab_is_control(self._vocab, tokens[0]):
            raise KeyError(name)
        return tokens[0]

    def _tokenize(self, text: str, parse_special: bool) -> list[int]:
        raw = text.encode("utf-8", "replace")
        room = len(raw) + 8
        tokens = (llama.llama_token * room)()
        n = llama.llama_tokenize(self._vocab, raw, len(raw), tokens, room, False, parse_special)
        if n < 0:
            raise ValueError(f"{len(raw)} bytes do not fit {room} tokens")
        return list(tokens[:n])

    def _piece(self, token: int) -> bytes:
        if llama.llama_vocab_is_control(self._vocab, token):
            return b""
        room = 64
        while True:
            buffer = ctypes.create_string_buffer(room)
            n = llama.llama_token_to_piece(self._vocab, token, buffer, room, 0, False)
            if n >= 0:
                return buffer.raw[:n]
            room = -n
