"""llama.cpp's context with Python's manners: what `llama_engine` keeps its books over."""

from __future__ import annotations

import ctypes
import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import llama_cpp.llama_cpp as llama
import numpy as np

from device.cpu import cores
from device.errors import ModelError
from device.language.gguf_header import read_header
from device.language.llama_vocab import LlamaModel
from device.language.tuning import MOST_ROWS, Tuning

BATCH = MOST_ROWS
"""Rows decoded in one call at most."""
_FLASH = {
    "on": llama.LLAMA_FLASH_ATTN_TYPE_ENABLED,
    "off": llama.LLAMA_FLASH_ATTN_TYPE_DISABLED,
}
_KEYS = {"f16": llama.GGML_TYPE_F16, "q8_0": llama.GGML_TYPE_Q8_0}


class Row(NamedTuple):
    """One token of a batch."""

    seq: int
    position: int
    token: int
    wanted: bool
    """Whether its logits are."""
    also: tuple[int, ...] = ()
    """Other sequences that it belongs to as well."""


def _free(context: Any, batch: Any, model: LlamaModel) -> None:
    """Free a context; `model` is only held here, since it must outlive it."""
    llama.llama_batch_free(batch)
    llama.llama_free(context)


class LlamaContext:
    """One unified KV cache of `n_cells` tokens for all sequences 0 <= seq < n_seqs."""

    def __init__(self, model: LlamaModel, *, n_cells: int, n_seqs: int, tuning: Tuning):
        """Raises `ModelError` where the cache can't be had or can't be cut."""
        if not llama.llama_model_has_decoder(model.pointer) or (
            llama.llama_model_is_recurrent(model.pointer)
            or llama.llama_model_is_hybrid(model.pointer)
        ):
            raise ModelError(f"{model.path}: not a plain transformer decoder; choose another model")
        params = llama.llama_context_default_params()
        params.n_ctx = n_cells
        params.n_batch = BATCH
        params.n_ubatch = min(tuning.batch, BATCH)
        params.n_seq_max = n_seqs
        params.n_outputs_max = params.n_outputs_max_per_seq = BATCH
        params.n_threads = params.n_threads_batch = tuning.threads or cores()
        params.flash_attn_type = _FLASH[tuning.flash]
        params.type_k = _KEYS[tuning.keys]
        params.kv_unified = True
        self._context = llama.llama_init_from_model(model.pointer, params)
        if not self._context:
            raise ModelError(f"{model.path}: no context of {n_cells} tokens fits into memory")
        self._model = model
        self._adapter: Any = None
        self._n_cells = int(llama.llama_n_ctx(self._context))
        self._n_vocab = int(llama.llama_vocab_n_tokens(llama.llama_model_get_vocab(model.pointer)))
        self._memory = llama.llama_get_memory(self._context)
        self._batch = llama.llama_batch_init(BATCH, 0, n_seqs)
        self._finalizer = weakref.finalize(self, _free, self._context, self._batch, model)

    def free(self) -> None:
        """Give its memory back; nothing else may be called afterwards. Twice is fine."""
        self._finalizer()

    def decode(self, rows: Sequence[Row]) -> None:
        """Decode at most `BATCH` rows. Raises `RuntimeError`; the cache may then hold some."""
        batch = self._batch
        batch.n_tokens = len(rows)
        for i, row in enumerate(rows):
            batch.token[i] = row.token
            batch.pos[i] = row.position
            batch.n_seq_id[i] = 1
            batch.seq_id[i][0] = row.seq
            for seq in row.also:
                batch.seq_id[i][batch.n_seq_id[i]] = seq
                batch.n_seq_id[i] += 1
            batch.logits[i] = row.wanted
        status = llama.llama_decode(self._context, batch)
        if status:
            problem = f"status {status}"
            if status == 1:
                problem = f"the cache of {self._n_cells} tokens is full; close a sequence"
            raise RuntimeError(f"llama.cpp could not decode {len(rows)} tokens: {problem}")

    def logits(self, i: int) -> np.ndarray[Any, Any]:
        """(n_vocab,) logits at row i of the last batch; valid until the next."""
        pointer = llama.llama_get_logits_ith(self._context, i)
        return np.ctypeslib.as_array(pointer, (self._n_vocab,))

    def sample(self, chain: Any, i: int) -> int:
        """The token that a sampler chain chooses at row i of the last batch."""
        return int(llama.llama_sampler_sample(chain, self._context, i))

    def copy(self, seq: int, to: int) -> None:
        """Let `to` share the cells of `seq`."""
        llama.llama_memory_seq_cp(self._memory, seq, to, -1, -1)

    def cut(self, seq: int, length: int = 0) -> None:
        """Keep the first `length` positions of a sequence."""
        llama.llama_memory_seq_rm(self._memory, seq, length, -1)

    def state(self, seq: int) -> memoryview:
        """A sequence's cells: megabytes, not copied."""
        size = llama.llama_state_seq_get_size(self._context, seq)
        buffer = (ctypes.c_uint8 * size)()
        llama.llama_state_seq_get_data(self._context, buffer, size, seq)
        return memoryview(buffer).cast("B")

    def restore(self, seq: int, state: memoryview, length: int) -> bool:
        """Fill an empty sequence from `state`; whether it now holds `length` positions."""
        cells = np.frombuffer(state, np.uint8).ctypes.data_as(ctypes.POINTER(ctypes.c_uint8))
        read = llama.llama_state_seq_set_data(self._context, cells, len(state), seq)
        last = llama.llama_memory_seq_pos_max(self._memory, seq)
        return bool(read == len(state) and last == length - 1)

    def set_adapter(self, path: Path | None, scale: float) -> None:
        """Swap the LoRA adapter. Raises `ModelError` for a file that is none for this model."""
        if not self._finalizer.alive:
            raise RuntimeError("the engine is shut")
        adapter = None
        if path is not None:
            if read_header(path).kind != "adapter":
                raise ModelError(f"{path}: a model, not an adapter")
            adapter = llama.llama_adapter_lora_init(self._model.pointer, str(path).encode())
            if not adapter:
                raise ModelError(f"{path}: no LoRA adapter for {self._model.path.name}")
        pointers: Any = (llama.llama_adapter_lora_p_ctypes * 1)(adapter)  # type: ignore[misc]
        scales = (ctypes.c_float * 1)(scale)
        count = 0 if adapter is None else 1
        if llama.llama_set_adapters_lora(self._context, pointers, count, scales):
            if adapter is not None:
                llama.llama_adapter_lora_free(adapter)
            raise ModelError(f"{path}: llama.cpp refuses the adapter")
        if self._adapter is not None:
            llama.llama_adapter_lora_free(self._adapter)
        self._adapter = adapter
