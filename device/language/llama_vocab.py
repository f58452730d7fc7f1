"""A loaded GGUF and the vocabulary inside it, through llama.cpp's own tokenizer."""

from __future__ import annotations

import ctypes
import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import llama_cpp.llama_cpp as llama

from device.errors import ModelError
from device.language.gguf_header import read_header
from device.language.llama_buffers import avoid_amx
from device.language.tokenizer import Ends

# llama.cpp's chatter goes nowhere; its errors come back as return values. It is given a C function
# that does nothing and takes no heed of its arguments: Python would swallow a Ctrl-C that comes
# while it is in a callback.
_nothing: Any = ctypes.cast(ctypes.pythonapi.Py_IsInitialized, ctypes.c_void_p).value
_silent = llama.llama_log_callback(_nothing)
llama.llama_log_set(_silent, ctypes.c_void_p(0))


class LlamaModel:
    """llama.cpp's model, freed when nobody holds this any more."""

    def __init__(self, path: Path, *, vocab_only: bool = False, repack: bool = True):
        """`repack`: whether the weights may be laid out anew for this CPU.

        Raises `ModelError` for a file that is missing, damaged, or no text decoder.
        """
        header = read_header(path)
        if header.kind != "model":
            raise ModelError(f"{path}: not a model; an adapter goes to `set_adapter`")
        params = llama.llama_model_default_params()
        params.vocab_only = vocab_only
        params.use_extra_bufts = repack
        kept = avoid_amx(params, header) if repack else None
        if repack and header.quantization == "Q4_0":
            # These weights are repacked at load; mapped, the file would stay in memory beside them.
            params.load_mode = llama.LLAMA_LOAD_MODE_NONE
        self.path = path
        self.pointer: Any = llama.llama_model_load_from_file(str(path).encode(), params)
        del kept
        if not self.pointer:
            raise ModelError(f"{path}: llama.cpp can't load it; fetch it again or choose another")
        weakref.finalize(self, llama.llama_model_free, self.pointer)
        if not llama.llama_vocab_n_tokens(llama.llama_model_get_vocab(self.pointer)):
            raise ModelError(f"{path}: it has no vocabulary; choose another model")

    def metadata(self) -> dict[str, str]:
        """The GGUF's keys and values, arrays left out."""
        return {
            self._text(llama.llama_model_meta_key_by_index, i): self._text(
                llama.llama_model_meta_val_str_by_index, i
            )
            for i in range(llama.llama_model_meta_count(self.pointer))
        }

    def _text(self, get: Any, index: int) -> str:
        length = get(self.pointer, index, ctypes.create_string_buffer(1), 1)
        buffer = ctypes.create_string_buffer(max(0, length) + 1)
        get(self.pointer, index, buffer, len(buffer))
        return buffer.value.decode("utf-8", "replace")


class LlamaVocab:
    """A `Tokenizer` over a GGUF's vocabulary."""

    def __init__(self, model: LlamaModel):
        """`model` may be loaded with `vocab_only`."""
        self._model = model
        self._vocab = llama.llama_model_get_vocab(model.pointer)
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

    def ends(self) -> Ends:
        """What begins and ends a text, for the model's chat template."""
        bos, eos = (
            llama.llama_vocab_get_text(self._vocab, token).decode("utf-8", "replace")
            if 0 <= token < self._n_vocab
            else ""
            for token in (llama.llama_vocab_bos(self._vocab), llama.llama_vocab_eos(self._vocab))
        )
        return Ends(bos, eos, bool(llama.llama_vocab_get_add_bos(self._vocab)))

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
