"""The engine contract on ONNX Runtime: a decoder with past key values, as `export.to_onnx` writes.

Slower than `llama_engine`; for machines whose accelerator speaks ONNX. ONNX Runtime has no sampler
chain of its own, so that tokens are chosen in numpy here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnxruntime as ort

from device.disk import sha256_of
from device.errors import ModelError
from device.language import saved
from device.language.engine import Sampling, Seq, Token
from device.language.onnx_graph import Batch, Cached, OnnxGraph
from device.language.sampler import Sampler, log_probability, log_softmax
from device.language.sequences import SequenceEngine, Steps

CHUNK = 256
"""Tokens of one sequence decoded in one run at most: all their logits come back."""


class OnnxEngine(SequenceEngine[Cached]):
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
        super().__init__(n_ctx, n_seqs, lambda: Cached([], self._graph.empty))
        path = folder / "model.onnx"
        self._graph = OnnxGraph(path, threads)
        self._sha256 = sha256 or sha256_of(path)

    @property
    def n_vocab(self) -> int:
        return self._graph.n_vocab

    @property
    def fingerprint(self) -> str:
        parts = (self._sha256, "onnxruntime", ort.__version__)
        return hashlib.sha256(" ".join(parts).encode()).hexdigest()

    def prefill(self, seqs: Sequence[Seq]) -> None:
        self._prefill([self._sequences[seq] for seq in dict.fromkeys(seqs)])

    def _generate(
        self,
        seqs: list[Seq],
        sampling: Sampling,
        stop: frozenset[Token],
        most: list[int],
        nats: list[float] | None,
    ) -> Steps:
        samplers = [Sampler(sampling, sampling.seed + i) for i in range(len(seqs))]
        while live := {i: self._sequences[seqs[i]] for i, n in enumerate(most) if n > 0}:
            self._prefill([s for s in live.values() if len(s.tokens) - s.decoded > CHUNK])
            batch = Batch(self._graph, list(live.values()))
            try:
                while all(most[i] > 0 for i in live) and not batch.stale:
                    logits = batch.decode([len(s.tokens) for s in live.values()])
                    step: list[Token | None] = [None] * len(seqs)
                    for (i, sequence), rows in zip(live.items(), logits, strict=True):
                        token = samplers[i].choose(rows[-1])
                        if token in stop or len(sequence.tokens) >= self._n_ctx:
                            most[i] = 0
                            continue
                        if nats is not None:
                            nats[i] += log_probability(rows[-1], token)
                        sequence.tokens.append(token)
                        step[i] = token
                        most[i] -= 1
                    if any(token is not None for token in step):
                        yield step
            finally:
                batch.hand_back()

    def _score(self, seq: Seq, continuations: Sequence[Sequence[Token]]) -> list[float]:
        self.prefill([seq])
        sequence = self._sequences[seq]
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
        seq = self.open()
        self._sequences[seq] = Cached(tokens, cache.reshape(shape))
        return seq

    def set_adapter(self, path: Path | None, scale: float = 1.0) -> None:
        if path is not None:
            raise ModelError(f"{path}: adapters need the llama engine and a GGUF model")

    def _cut(self, seq: Seq, length: int) -> None:
        sequence = self._sequences[seq]
        # A new view each time, even where nothing goes: that is how a running batch notices.
        sequence.cache = sequence.cache[:, :, :length]

    def _prefill(self, sequences: Sequence[Cached]) -> None:
        while queued := [s for s in sequences if s.decoded < len(s.tokens) - 1]:
            batch = Batch(self._graph, queued)
            batch.decode([min(len(s.tokens) - 1, s.decoded + CHUNK) for s in queued])
            batch.hand_back()
