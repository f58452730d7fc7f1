"""The default engine: GGUF through llama-cpp-python's low-level API.

One context with a unified KV cache: forks share their parent's cells, so that a fork costs nothing
until it goes on by itself. Tokens are chosen by llama.cpp's own sampler chains; logits come into
Python only to be scored.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import llama_cpp.llama_cpp as llama
import numpy as np

from device.errors import ModelError
from device.language import saved
from device.language.engine import Sampling, Seq, Token
from device.language.gguf_header import MAGIC, read_header
from device.language.llama_vocab import LlamaVocab

BATCH = 512
"""Tokens decoded in one call at most."""
SPARE_CELLS = 1024
"""Cells of the KV cache beyond one full thread: for the tasks and answers behind it."""


@llama.llama_log_callback  # type: ignore[untyped-decorator]
def _silent(level: int, text: bytes, data: object) -> None:
    """llama.cpp's chatter goes nowhere; its errors come back as return values."""


llama.llama_log_set(_silent, ctypes.c_void_p(0))


def digest(path: Path) -> str:
    """SHA-256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class LlamaEngine:
    """The engine contract on a GGUF file; see `engine.Engine` for what each method promises."""

    def __init__(
        self,
        path: Path,
        *,
        n_ctx: int = 2048,
        n_seqs: int = 16,
        threads: int | None = None,
        n_cells: int | None = None,
        sha256: str | None = None,
    ):
        """`n_cells` is the size of the cache that all sequences share, in tokens. `sha256` is
        the file's, where it is known already. Raises `ModelError` for a file that can't be loaded.
        """
        if read_header(path).kind != "model":
            raise ModelError(f"{path}: not a model; an adapter goes to `set_adapter`")
        cores = threads or len(os.sched_getaffinity(0))
        self._path, self._n_ctx, self._n_seqs = path, n_ctx, n_seqs
        self._sha256 = sha256 or digest(path)
        self._adapter: Any = None
        self._adapter_key = ""
        self._model = llama.llama_model_load_from_file(
            str(path).encode(), llama.llama_model_default_params()
        )
        if not self._model:
            raise ModelError(f"{path}: llama.cpp can't load it; fetch it again or choose another")
        params = llama.llama_context_default_params()
        params.n_ctx = n_cells or n_ctx + SPARE_CELLS
        params.n_batch = params.n_ubatch = BATCH
        params.n_seq_max = n_seqs
        params.n_outputs_max = params.n_outputs_max_per_seq = BATCH
        params.n_threads = params.n_threads_batch = cores
        params.kv_unified = True
        self._context = llama.llama_init_from_model(self._model, params)
        if not self._context:
            llama.llama_model_free(self._model)
            self._model = None
            raise ModelError(f"{path}: no context of {params.n_ctx} tokens fits into memory")
        self._memory = llama.llama_get_memory(self._context)
        self._batch = llama.llama_batch_init(BATCH, 0, 1)
        self.vocabulary = LlamaVocab(self._model)
        self._tokens: dict[Seq, list[Token]] = {}
        # Invariant between calls: the last token of a sequence is not decoded.
        self._decoded: dict[Seq, int] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.shut()

    def __del__(self) -> None:
        self.shut()

    def shut(self) -> None:
        """Free model and context; the engine is unusable afterwards. Twice is fine."""
        if getattr(self, "_context", None):
            llama.llama_batch_free(self._batch)
            llama.llama_free(self._context)
            self._context = None
        if getattr(self, "_model", None):
            llama.llama_model_free(self._model)
            self._model = None

    @property
    def n_ctx(self) -> int:
        return self._n_ctx

    @property
    def n_vocab(self) -> int:
        return self.vocabulary.n_vocab

    @property
    def fingerprint(self) -> str:
        return hashlib.sha256((self._sha256 + self._adapter_key).encode()).hexdigest()

    def metadata(self) -> dict[str, str]:
        """The GGUF's keys and values, arrays left out."""
        found = {}
        for i in range(llama.llama_model_meta_count(self._model)):
            key = self._text(llama.llama_model_meta_key_by_index, i, 256)
            found[key] = self._text(llama.llama_model_meta_val_str_by_index, i, 1 << 16)
        return found

    def open(self) -> Seq:
        free = next((s for s in range(self._n_seqs) if s not in self._tokens), None)
        if free is None:
            raise RuntimeError(f"all {self._n_seqs} sequences are open")
        self._tokens[free] = []
        self._decoded[free] = 0
        return free

    def close(self, seq: Seq) -> None:
        del self._tokens[seq], self._decoded[seq]
        llama.llama_memory_seq_rm(self._memory, seq, -1, -1)

    def tokens(self, seq: Seq) -> tuple[Token, ...]:
        return tuple(self._tokens[seq])

    def extend(self, seq: Seq, tokens: Sequence[Token]) -> None:
        if bad := [t for t in tokens if not 0 <= t < self.n_vocab]:
            raise ValueError(f"token {bad[0]} is not below {self.n_vocab}")
        if len(self._tokens[seq]) + len(tokens) > self._n_ctx:
            total = len(self._tokens[seq]) + len(tokens)
            raise ValueError(f"{total} tokens do not fit a context of {self._n_ctx}")
        self._tokens[seq].extend(tokens)

    def prefill(self, seqs: Sequence[Seq]) -> None:
        rows = [
            (seq, position, False)
            for seq in seqs
            for position in range(self._decoded[seq], len(self._tokens[seq]) - 1)
        ]
        for start in range(0, len(rows), BATCH):
            self._decode(rows[start : start + BATCH])

    def fork(self, seq: Seq, n: int) -> list[Seq]:
        self.prefill([seq])
        forks = []
        for _ in range(n):
            fork = self.open()
            self._tokens[fork] = list(self._tokens[seq])
            self._decoded[fork] = self._decoded[seq]
            llama.llama_memory_seq_cp(self._memory, seq, fork, -1, -1)
            forks.append(fork)
        return forks

    def truncate(self, seq: Seq, length: int) -> None:
        if not 0 <= length <= len(self._tokens[seq]):
            raise ValueError(f"length {length} is not within 0..{len(self._tokens[seq])}")
        del self._tokens[seq][length:]
        self._undecode(seq, max(0, length - 1))

    def generate(
        self,
        seqs: Sequence[Seq],
        sampling: Sampling,
        stop: Collection[Token],
        max_tokens: int | Sequence[int],
    ) -> Iterator[list[Token | None]]:
        if empty := [seq for seq in seqs if not self._tokens[seq]]:
            raise ValueError(f"sequence {empty[0]} is empty")
        most = [max_tokens] * len(seqs) if isinstance(max_tokens, int) else list(max_tokens)
        return self._generate(list(seqs), sampling, frozenset(stop), most)

    def _generate(
        self, seqs: list[Seq], sampling: Sampling, stop: frozenset[Token], most: list[int]
    ) -> Iterator[list[Token | None]]:
        with self._samplers(sampling, len(seqs), max(most, default=1)) as samplers:
            left = {i: n for i, n in enumerate(most) if n > 0}
            while left:
                rows = self._last_rows([seqs[i] for i in left])
                outputs = [row for row, (_, _, wanted) in enumerate(rows) if wanted]
                step: list[Token | None] = [None] * len(seqs)
                for i, row in zip(list(left), outputs, strict=True):
                    token = llama.llama_sampler_sample(samplers[i], self._context, row)
                    held = self._tokens[seqs[i]]
                    if token in stop or len(held) >= self._n_ctx:
                        del left[i]
                        continue
                    held.append(token)
                    step[i] = token
                    left[i] -= 1
                    if not left[i]:
                        del left[i]
                # What was decoded for its logits is the last token only where nothing came after.
                for seq in seqs:
                    if self._decoded[seq] == len(self._tokens[seq]):
                        self._undecode(seq, self._decoded[seq] - 1)
                if any(token is not None for token in step):
                    yield step

    def score(self, seq: Seq, continuations: Sequence[Sequence[Token]]) -> list[float]:
        if not self._tokens[seq] or not all(continuations):
            raise ValueError("nothing to score")
        self._last_rows([seq])
        first = self._log_softmax(-1)
        totals = [float(first[c[0]]) for c in continuations]
        behind = sorted({tuple(c[:-1]) for c in continuations if len(c) > 1})
        room = self._n_seqs - len(self._tokens)
        if behind and not room:
            raise RuntimeError(f"all {self._n_seqs} sequences are open")
        for start in range(0, len(behind), max(1, room)):
            group = behind[start : start + room]
            for beginning, rows in zip(group, self._behind(seq, group), strict=True):
                for i, c in enumerate(continuations):
                    if tuple(c[:-1]) == beginning:
                        totals[i] += sum(
                            float(row[token]) for row, token in zip(rows, c[1:], strict=True)
                        )
        self._undecode(seq, len(self._tokens[seq]) - 1)
        return totals

    def _behind(
        self, seq: Seq, beginnings: Sequence[tuple[Token, ...]]
    ) -> list[list[np.ndarray[Any, Any]]]:
        """log-softmax rows after each token of each beginning, all decoded in one batch."""
        forks = []
        try:
            rows = []
            for beginning in beginnings:
                (fork,) = self.fork(seq, 1)
                forks.append(fork)
                position = len(self._tokens[fork])
                self._tokens[fork].extend(beginning)
                rows += [(fork, position + i, True) for i in range(len(beginning))]
            self._decode(rows)
            scored = iter([self._log_softmax(i) for i in range(len(rows))])
            return [[next(scored) for _ in beginning] for beginning in beginnings]
        finally:
            for fork in forks:
                self.close(fork)

    def save(self, seq: Seq, path: Path) -> None:
        self.prefill([seq])
        size = llama.llama_state_seq_get_size(self._context, seq)
        buffer = (ctypes.c_uint8 * size)()
        llama.llama_state_seq_get_data(self._context, buffer, size, seq)
        saved.write(path, self.fingerprint, self._tokens[seq], bytes(buffer))

    def load(self, path: Path) -> Seq:
        tokens, body = saved.read(path, self.fingerprint)
        if len(tokens) > self._n_ctx:
            raise ModelError(f"{path}: {len(tokens)} tokens, but the context is {self._n_ctx}")
        seq = self.open()
        buffer = (ctypes.c_uint8 * len(body)).from_buffer_copy(body)
        if len(tokens) > 1 and not llama.llama_state_seq_set_data(
            self._context, buffer, len(body), seq
        ):
            self.close(seq)
            raise ModelError(f"{path}: the saved thread does not fit this engine; it is read anew")
        self._tokens[seq] = list(tokens)
        self._decoded[seq] = max(0, len(tokens) - 1)
        return seq

    def set_adapter(self, path: Path | None, scale: float = 1.0) -> None:
        adapter = None
        if path is not None:
            if not path.is_file() or path.open("rb").read(4) != MAGIC:
                raise ModelError(f"{path}: not a GGUF adapter")
            adapter = llama.llama_adapter_lora_init(self._model, str(path).encode())
            if not adapter:
                raise ModelError(f"{path}: no LoRA adapter for {self._path.name}")
        pointers: Any = (llama.llama_adapter_lora_p_ctypes * 1)(adapter)  # type: ignore[misc]
        scales = (ctypes.c_float * 1)(scale)
        count = 0 if adapter is None else 1
        if llama.llama_set_adapters_lora(self._context, pointers, count, scales):
            raise ModelError(f"{path}: llama.cpp refuses the adapter")
        if self._adapter is not None:
            llama.llama_adapter_lora_free(self._adapter)
        self._adapter = adapter
        self._adapter_key = "" if path is None else f"{digest(path)} {scale}"
        for seq in self._tokens:
            self._undecode(seq, 0)

    def _last_rows(self, seqs: Sequence[Seq]) -> list[tuple[Seq, int, bool]]:
        """Decode all that is queued, in one batch if it fits, with logits for each last token."""
        queued = sum(len(self._tokens[s]) - self._decoded[s] for s in seqs)
        if queued > BATCH:
            self.prefill(seqs)
        rows = [
            (seq, position, position == len(self._tokens[seq]) - 1)
            for seq in seqs
            for position in range(self._decoded[seq], len(self._tokens[seq]))
        ]
        self._decode(rows)
        return rows

    def _decode(self, rows: Sequence[tuple[Seq, int, bool]]) -> None:
        """One llama.cpp batch of (sequence, position, logits wanted)."""
        batch = self._batch
        batch.n_tokens = len(rows)
        for i, (seq, position, wanted) in enumerate(rows):
            batch.token[i] = self._tokens[seq][position]
            batch.pos[i] = position
            batch.n_seq_id[i] = 1
            batch.seq_id[i][0] = seq
            batch.logits[i] = wanted
        status = llama.llama_decode(self._context, batch)
        if status:
            for seq, _, _ in rows:
                self._undecode(seq, self._decoded[seq])
            problem = "its cache is full" if status == 1 else f"status {status}"
            raise RuntimeError(f"llama.cpp could not decode {len(rows)} tokens: {problem}")
        for seq, position, _ in rows:
            self._decoded[seq] = position + 1

    def _undecode(self, seq: Seq, length: int) -> None:
        """Forget cached positions from `length` on."""
        llama.llama_memory_seq_rm(self._memory, seq, length, -1)
        self._decoded[seq] = min(self._decoded[seq], length)

    def _log_softmax(self, row: int) -> np.ndarray[Any, Any]:
        """(n_vocab,) log-probabilities in nats at one row of the last batch."""
        pointer = llama.llama_get_logits_ith(self._context, row)
        row_logits: np.ndarray[Any, Any] = np.ctypeslib.as_array(pointer, (self.n_vocab,))
        logits = row_logits.astype(np.float64)
        shifted: np.ndarray[Any, Any] = logits - logits.max()
        result: np.ndarray[Any, Any] = shifted - np.log(np.exp(shifted).sum())
        return result

    @contextmanager
    def _samplers(self, sampling: Sampling, n: int, last: int) -> Iterator[list[Any]]:
        """One native chain a sequence: penalties, top-k, top-p, temperature, choice."""
        chains = []
        try:
            for i in range(n):
                chain = llama.llama_sampler_chain_init(llama.llama_sampler_chain_default_params())
                chains.append(chain)
                if sampling.repeat_penalty != 1.0:
                    penalties = llama.llama_sampler_init_penalties(
                        self.n_vocab, last, sampling.repeat_penalty, 0.0, 0.0
                    )
                    llama.llama_sampler_chain_add(chain, penalties)
                for link in self._links(sampling, sampling.seed + i):
                    llama.llama_sampler_chain_add(chain, link)
            yield chains
        finally:
            for chain in chains:
                llama.llama_sampler_free(chain)

    def _links(self, sampling: Sampling, seed: int) -> list[Any]:
        if sampling.temperature <= 0:
            return [llama.llama_sampler_init_greedy()]
        return [
            llama.llama_sampler_init_top_k(sampling.top_k),
            llama.llama_sampler_init_top_p(sampling.top_p, 1),
            llama.llama_sampler_init_temp(sampling.temperature),
            llama.llama_sampler_init_dist(seed),
        ]

    def _text(self, get: Any, index: int, room: int) -> str:
        buffer = ctypes.create_string_buffer(room)
        get(self._model, index, buffer, room)
        return buffer.value.decode("utf-8", "replace")
