"""The engine contract on ONNX Runtime: a decoder with past key values, as `export.to_onnx` writes.

Slower than `llama_engine`; for machines whose accelerator speaks ONNX. ONNX Runtime has no sampler
chain of its own, so that tokens are chosen in numpy here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Self

import numpy as np
import onnxruntime as ort

from device.errors import ModelError
from device.language import saved
from device.language.engine import Sampling, Seq, Token
from device.language.onnx_graph import Batch, Cached, OnnxGraph
from device.language.sampler import Sampler, log_softmax

CHUNK = 256
"""Tokens of one sequence decoded in one run at most: all their logits come back."""


class OnnxEngine:
    """The engine contract on an ONNX folder; see `engine.Engine` for what each method promises."""

    def __init__(
        self,
        folder: Path,
        *,
        n_ctx: int = 2048,
        n_seqs: int = 16,
        threads: int | None = None,
        sha256: str | None = None,
    ):
        """`folder` holds model.onnx. `sha256` is that file's, where it is known already.

        Raises `ModelError` for a model that can't be loaded.
        """
        path = folder / "model.onnx"
        self._graph = OnnxGraph(path, threads)
        if sha256 is None:
            with path.open("rb") as file:
                sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        self._sha256, self._n_ctx, self._n_seqs = sha256, n_ctx, n_seqs
        # Between calls a cache never holds its sequence's last token.
        self._sequences: dict[Seq, Cached] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.shut()

    def shut(self) -> None:
        """Free the caches; the engine is unusable afterwards. Twice is fine."""
        self._sequences.clear()
        self._n_seqs = 0

    @property
    def n_ctx(self) -> int:
        return self._n_ctx

    @property
    def n_vocab(self) -> int:
        return self._graph.n_vocab

    @property
    def fingerprint(self) -> str:
        parts = (self._sha256, "onnxruntime", ort.__version__)
        return hashlib.sha256(" ".join(parts).encode()).hexdigest()

    def open(self) -> Seq:
        return self._add(Cached([], self._graph.empty))

    def close(self, seq: Seq) -> None:
        del self._sequences[seq]

    def tokens(self, seq: Seq) -> tuple[Token, ...]:
        return tuple(self._sequences[seq].tokens)

    def extend(self, seq: Seq, tokens: Sequence[Token]) -> None:
        self._check(seq, tokens)
        self._sequences[seq].tokens.extend(tokens)

    def prefill(self, seqs: Sequence[Seq]) -> None:
        self._prefill([self._sequences[seq] for seq in dict.fromkeys(seqs)])

    def fork(self, seq: Seq, n: int) -> list[Seq]:
        self.prefill([seq])
        if len(self._sequences) + n > self._n_seqs:
            raise RuntimeError(f"fewer than {n} of the {self._n_seqs} sequences are free")
        parent = self._sequences[seq]
        return [self._add(Cached(list(parent.tokens), parent.cache)) for _ in range(n)]

    def truncate(self, seq: Seq, length: int) -> None:
        sequence = self._sequences[seq]
        if not 0 <= length <= len(sequence.tokens):
            raise ValueError(f"length {length} is not within 0..{len(sequence.tokens)}")
        del sequence.tokens[length:]
        # A new view each time, even where nothing goes: that is how a running batch notices.
        sequence.cache = sequence.cache[:, :, : max(0, length - 1)]

    def generate(
        self,
        seqs: Sequence[Seq],
        sampling: Sampling,
        stop: Collection[Token],
        max_tokens: int | Sequence[int],
    ) -> Iterator[list[Token | None]]:
        if empty := [seq for seq in seqs if not self._sequences[seq].tokens]:
            raise ValueError(f"sequence {empty[0]} is empty")
        most = [max_tokens] * len(seqs) if isinstance(max_tokens, int) else list(max_tokens)
        if len(most) != len(seqs) or len(set(seqs)) != len(seqs):
            raise ValueError(f"{len(seqs)} sequences, {len(set(seqs))} different, {len(most)} ends")
        return self._generate(list(seqs), sampling, frozenset(stop), most)

    def _generate(
        self, seqs: list[Seq], sampling: Sampling, stop: frozenset[Token], most: list[int]
    ) -> Iterator[list[Token | None]]:
        samplers = [Sampler(sampling, sampling.seed + i) for i in range(len(seqs))]
        left = {i: n for i, n in enumerate(most) if n > 0}
        while left:
            live = {i: self._sequences[seqs[i]] for i in left}
            self._prefill([s for s in live.values() if len(s.tokens) - s.decoded > CHUNK])
            batch = Batch(self._graph, list(live.values()))
            try:
                while len(left) == len(live) and not batch.stale:
                    logits = batch.decode([len(s.tokens) for s in live.values()])
                    step: list[Token | None] = [None] * len(seqs)
                    for (i, sequence), rows in zip(live.items(), logits, strict=True):
                        token = samplers[i].choose(rows[-1])
                        if token in stop or len(sequence.tokens) >= self._n_ctx:
                            del left[i]
                            continue
                        sequence.tokens.append(token)
                        step[i] = token
                        left[i] -= 1
                        if not left[i]:
                            del left[i]
                    if any(token is not None for token in step):
                        yield step
            finally:
                batch.hand_back()

    def score(self, seq: Seq, continuations: Sequence[Sequence[Token]]) -> list[float]:
        sequence = self._sequences[seq]
        if not sequence.tokens or not all(continuations):
            raise ValueError("nothing to score: an empty sequence or continuation")
        for c in continuations:
            self._check(seq, c)
        self.prefill([seq])
        whole = Cached(list(sequence.tokens), sequence.cache)
        batch = Batch(self._graph, [whole])
        first = log_softmax(batch.decode([len(whole.tokens)])[0][-1])
        batch.hand_back(keep_last=True)
        totals = [float(first[c[0]]) for c in continuations]
        # Continuations that differ in their last token only share a branch and its logits.
        behind = sorted({tuple(c[:-1]) for c in continuations if len(c) > 1})
        size = max(1, CHUNK // max(map(len, behind), default=1))
        for start in range(0, len(behind), size):
            group = behind[start : start + size]
            branches = [Cached([*whole.tokens, *c], whole.cache) for c in group]
            logits = Batch(self._graph, branches).decode([len(b.tokens) for b in branches])
            for beginning, rows in zip(group, map(log_softmax, logits), strict=True):
                for k, c in enumerate(continuations):
                    if tuple(c[:-1]) == beginning:
                        totals[k] += float(rows[range(len(beginning)), c[1:]].sum())
        return totals

    def save(self, seq: Seq, path: Path) -> None:
        self.prefill([seq])
        sequence = self._sequences[seq]
        saved.write(path, self.fingerprint, sequence.tokens, sequence.cache.tobytes())

    def load(self, path: Path) -> Seq:
        tokens, body = saved.read(path, self.fingerprint)
        if len(tokens) > self._n_ctx:
            raise ModelError(f"{path}: {len(tokens)} tokens, but the context is {self._n_ctx}")
        layers, heads, _, width = self._graph.empty.shape
        shape = (layers, heads, max(0, len(tokens) - 1), width)
        cache = np.frombuffer(body, np.float32)
        if cache.size != np.prod(shape):
            raise ModelError(f"{path}: the saved thread does not fit this engine; it is read anew")
        return self._add(Cached(tokens, cache.reshape(shape)))

    def set_adapter(self, path: Path | None, scale: float = 1.0) -> None:
        if path is not None:
            raise ModelError(f"{path}: adapters need the llama engine and a GGUF model")

    def _add(self, sequence: Cached) -> Seq:
        free = next((s for s in range(self._n_seqs) if s not in self._sequences), None)
        if free is None:
            raise RuntimeError(f"all {self._n_seqs} sequences are open")
        self._sequences[free] = sequence
        return free

    def _check(self, seq: Seq, tokens: Sequence[Token]) -> None:
        """Raises `ValueError` for tokens that the sequence can't take."""
        if bad := [t for t in tokens if not 0 <= t < self.n_vocab]:
            raise ValueError(f"token {bad[0]} is not below {self.n_vocab}")
        if (total := len(self._sequences[seq].tokens) + len(tokens)) > self._n_ctx:
            raise ValueError(f"{total} tokens do not fit a context of {self._n_ctx}")

    def _prefill(self, sequences: Sequence[Cached]) -> None:
        while queued := [s for s in sequences if s.decoded < len(s.tokens) - 1]:
            batch = Batch(self._graph, queued)
            batch.decode([min(len(s.tokens) - 1, s.decoded + CHUNK) for s in queued])
            batch.hand_back()
