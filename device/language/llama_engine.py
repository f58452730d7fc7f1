"""The default engine: GGUF through llama-cpp-python's low-level API.

One context with a unified KV cache: forks share their parent's cells, so that a fork costs nothing
until it goes on by itself. Tokens are chosen by llama.cpp's own sampler chains; logits come into
Python only to be scored.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import llama_cpp

from device.disk import sha256_of
from device.errors import ModelError
from device.language import saved
from device.language.engine import Sampling, Seq, Token
from device.language.llama_context import BATCH, LlamaContext, Row
from device.language.llama_sampler import chains
from device.language.llama_vocab import LlamaModel, LlamaVocab
from device.language.sampler import log_probability, log_softmax
from device.language.sequences import SequenceEngine, Steps
from device.language.tuning import UNTUNED, Tuning

SPARE_CELLS = 1024
"""Cells of the KV cache beyond one full thread: for the tasks and answers behind it."""
BRANCHES = 16
"""Sequences of the context beyond the engine's own: for continuations that are being scored."""


@dataclass(slots=True)
class Counted:
    """A sequence's tokens, and how many of them the context has in its cache."""

    tokens: list[Token]
    decoded: int = 0


class LlamaEngine(SequenceEngine[Counted]):
    """The engine contract on a GGUF file; see `engine.Engine` for what each method promises.

    Decoding raises `RuntimeError` when the cache that all sequences share is full.
    """

    def __init__(
        self,
        path: Path,
        *,
        n_ctx: int = 2048,
        n_seqs: int = 16,
        threads: int | None = None,
        n_cells: int | None = None,
        sha256: str | None = None,
        tuning: Tuning = UNTUNED,
    ):
        """`n_cells` is the size of the cache that all sequences share, in tokens. `sha256` is
        the file's, where it is known already. `threads` wins over the tuning's. Raises
        `ModelError` for a file that can't be loaded.
        """
        super().__init__(n_ctx, n_seqs, lambda: Counted([]))
        self._model = LlamaModel(path, repack=tuning.repack)
        self._context = LlamaContext(
            self._model,
            n_cells=n_cells or n_ctx + SPARE_CELLS,
            n_seqs=n_seqs + BRANCHES,
            tuning=replace(tuning, threads=threads or tuning.threads),
        )
        self._sha256 = sha256 or sha256_of(path)
        self._adapter = ""
        self._layout = f"{tuning.flash} {tuning.keys}"
        self.vocabulary = LlamaVocab(self._model)

    def shut(self) -> None:
        """Free the cache; the engine is unusable afterwards. Twice is fine.

        The model itself goes when the engine and its vocabulary do.
        """
        super().shut()
        self._context.free()

    @property
    def n_vocab(self) -> int:
        return self.vocabulary.n_vocab

    @property
    def fingerprint(self) -> str:
        # Another release of llama.cpp may lay out its cache differently, and so does attention.
        parts = (self._sha256, self._adapter, llama_cpp.__version__, self._layout)
        return hashlib.sha256(" ".join(parts).encode()).hexdigest()

    def metadata(self) -> dict[str, str]:
        """The GGUF's keys and values, arrays left out."""
        return self._model.metadata()

    def close(self, seq: Seq) -> None:
        super().close(seq)
        self._context.cut(seq)

    def prefill(self, seqs: Sequence[Seq]) -> None:
        rows = [row for seq in dict.fromkeys(seqs) for row in self._queue(seq) if not row.wanted]
        for start in range(0, len(rows), BATCH):
            self._decode(rows[start : start + BATCH])

    def fork(self, seq: Seq, n: int) -> list[Seq]:
        forks = super().fork(seq, n)
        for fork in forks:
            self._context.copy(seq, fork)
        return forks

    def _generate(
        self,
        seqs: list[Seq],
        sampling: Sampling,
        stop: frozenset[Token],
        most: list[int],
        nats: list[float] | None,
    ) -> Steps:
        with chains(sampling, len(seqs), self.n_vocab, max(most, default=1)) as samplers:
            while live := [i for i, n in enumerate(most) if n > 0]:
                outputs = self._decode_all([seqs[i] for i in live])
                step: list[Token | None] = [None] * len(seqs)
                for i, row in zip(live, outputs, strict=True):
                    token = self._context.sample(samplers[i], row)
                    tokens = self._sequences[seqs[i]].tokens
                    if token in stop or len(tokens) >= self._n_ctx:
                        # The token decoded for its logits is still the last one.
                        self._cut(seqs[i], len(tokens) - 1)
                        most[i] = 0
                        continue
                    if nats is not None:
                        nats[i] += log_probability(self._context.logits(row), token)
                    tokens.append(token)
                    step[i] = token
                    most[i] -= 1
                if any(token is not None for token in step):
                    yield step

    def _score(self, seq: Seq, continuations: Sequence[Sequence[Token]]) -> list[float]:
        totals = [0.0] * len(continuations)
        # Continuations that differ in their last token only share a branch and its logits.
        beginnings = sorted({tuple(c[:-1]) for c in continuations if len(c) > 1})
        try:
            for start in range(0, max(1, len(beginnings)), BRANCHES):
                some = beginnings[start : start + BRANCHES]
                self._score_branches(seq, some, continuations, totals)
            return totals
        finally:
            self._cut(seq, len(self._sequences[seq].tokens) - 1)

    def _score_branches(
        self,
        seq: Seq,
        beginnings: Sequence[tuple[Token, ...]],
        continuations: Sequence[Sequence[Token]],
        totals: list[float],
    ) -> None:
        """Add to `totals` what is known once each beginning is decoded in a branch of its own.

        What is still queued of `seq` comes in the same batch, in all branches at once.
        """
        branches = tuple(range(self._n_seqs, self._n_seqs + len(beginnings)))
        end = len(self._sequences[seq].tokens)
        rows = [row._replace(also=branches) for row in self._queue(seq)]
        targets = [
            [(k, c[0]) for k, c in enumerate(continuations)] if r.wanted else [] for r in rows
        ]
        for branch, beginning in zip(branches, beginnings, strict=True):
            whose = [k for k, c in enumerate(continuations) if tuple(c[:-1]) == beginning]
            for i, token in enumerate(beginning):
                rows.append(Row(branch, end + i, token, True))
                targets.append([(k, continuations[k][i + 1]) for k in whose])
        try:
            for branch in branches:
                self._context.copy(seq, branch)
            for start in range(0, len(rows), BATCH):
                self._decode(rows[start : start + BATCH])
                for i, wanted in enumerate(targets[start : start + BATCH]):
                    row = log_softmax(self._context.logits(i)) if wanted else ()
                    for k, token in wanted:
                        totals[k] += float(row[token])
        finally:
            for branch in branches:
                self._context.cut(branch)

    def save(self, seq: Seq, path: Path) -> None:
        self.prefill([seq])
        saved.write(path, self.fingerprint, self._sequences[seq].tokens, self._context.state(seq))

    def load(self, path: Path) -> Seq:
        tokens, state = saved.read(path, self.fingerprint)
        if len(tokens) > self._n_ctx:
            raise ModelError(f"{path}: {len(tokens)} tokens, but the context is {self._n_ctx}")
        seq, decoded = self.open(), max(0, len(tokens) - 1)
        if decoded and not self._context.restore(seq, state, decoded):
            self.close(seq)
            raise ModelError(f"{path}: the saved thread does not fit this engine; it is read anew")
        self._sequences[seq] = Counted(tokens, decoded)
        return seq

    def set_adapter(self, path: Path | None, scale: float = 1.0) -> None:
        try:
            name = "" if path is None else f"{sha256_of(path)} {scale}"
        except OSError as error:
            raise ModelError(f"{path}: can't be read ({error.strerror})") from error
        self._context.set_adapter(path, scale)
        self._adapter = name
        for seq in self._sequences:
            self._cut(seq, 0)

    def _cut(self, seq: Seq, length: int) -> None:
        sequence = self._sequences[seq]
        self._context.cut(seq, length)
        sequence.decoded = min(sequence.decoded, length)

    def _queue(self, seq: Seq) -> list[Row]:
        """What is not decoded yet; logits are wanted of the last token."""
        tokens = self._sequences[seq].tokens
        return [
            Row(seq, position, tokens[position], position == len(tokens) - 1)
            for position in range(self._sequences[seq].decoded, len(tokens))
        ]

    def _decode_all(self, seqs: Sequence[Seq]) -> list[int]:
        """Decode all that is queued, in one batch if it fits.

        Returns where in the last batch each sequence's logits are.
        """
        if sum(len(self._queue(seq)) for seq in seqs) > BATCH:
            self.prefill(seqs)
        rows = [row for seq in seqs for row in self._queue(seq)]
        self._decode(rows)
        return [i for i, row in enumerate(rows) if row.wanted]

    def _decode(self, rows: Sequence[Row]) -> None:
        held = {row.seq: row for row in rows if row.seq in self._sequences}  # the last of each
        try:
            self._context.decode(rows)
        except BaseException:  # an interrupt too: the cache may hold some of them
            for seq in held:
                self._cut(seq, self._sequences[seq].decoded)
            raise
        for seq, row in held.items():
            self._sequences[seq].decoded = row.position + 1
