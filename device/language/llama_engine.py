"""The default engine: GGUF through llama-cpp-python's low-level API.

One context with a unified KV cache: forks share their parent's cells, so that a fork costs nothing
until it goes on by itself. Tokens are chosen by llama.cpp's own sampler chains; logits come into
Python only to be scored.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Self

import llama_cpp

from device.errors import ModelError
from device.language import saved
from device.language.engine import Sampling, Seq, Token
from device.language.llama_context import BATCH, LlamaContext, Row
from device.language.llama_sampler import chains
from device.language.llama_vocab import LlamaModel, LlamaVocab
from device.language.sampler import log_softmax

SPARE_CELLS = 1024
"""Cells of the KV cache beyond one full thread: for the tasks and answers behind it."""
BRANCHES = 16
"""Sequences of the context beyond the engine's own: for continuations that are being scored."""


def digest(path: Path) -> str:
    """SHA-256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class LlamaEngine:
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
    ):
        """`n_cells` is the size of the cache that all sequences share, in tokens. `sha256` is
        the file's, where it is known already. Raises `ModelError` for a file that can't be loaded.
        """
        self._model = LlamaModel(path)
        self._n_ctx, self._n_seqs = n_ctx, n_seqs
        self._context = LlamaContext(
            self._model,
            n_cells=n_cells or n_ctx + SPARE_CELLS,
            n_seqs=n_seqs + BRANCHES,
            threads=threads,
        )
        self._sha256 = sha256 or digest(path)
        self._adapter = ""
        self.vocabulary = LlamaVocab(self._model)
        self._tokens: dict[Seq, list[Token]] = {}
        # Between calls this never counts a sequence's last token.
        self._decoded: dict[Seq, int] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.shut()

    def shut(self) -> None:
        """Free the cache; the engine is unusable afterwards. Twice is fine.

        The model itself goes when the engine and its vocabulary do.
        """
        self._tokens.clear()
        self._n_seqs = 0
        self._context.free()

    @property
    def n_ctx(self) -> int:
        return self._n_ctx

    @property
    def n_vocab(self) -> int:
        return self.vocabulary.n_vocab

    @property
    def fingerprint(self) -> str:
        # Another release of llama.cpp may lay out its cache differently.
        parts = (self._sha256, self._adapter, llama_cpp.__version__)
        return hashlib.sha256(" ".join(parts).encode()).hexdigest()

    def metadata(self) -> dict[str, str]:
        """The GGUF's keys and values, arrays left out."""
        return self._model.metadata()

    def open(self) -> Seq:
        free = next((s for s in range(self._n_seqs) if s not in self._tokens), None)
        if free is None:
            raise RuntimeError(f"all {self._n_seqs} sequences are open")
        self._tokens[free], self._decoded[free] = [], 0
        return free

    def close(self, seq: Seq) -> None:
        del self._tokens[seq], self._decoded[seq]
        self._context.cut(seq)

    def tokens(self, seq: Seq) -> tuple[Token, ...]:
        return tuple(self._tokens[seq])

    def extend(self, seq: Seq, tokens: Sequence[Token]) -> None:
        self._check(seq, tokens)
        self._tokens[seq].extend(tokens)

    def prefill(self, seqs: Sequence[Seq]) -> None:
        rows = [row for seq in dict.fromkeys(seqs) for row in self._queue(seq) if not row.wanted]
        for start in range(0, len(rows), BATCH):
            self._decode(rows[start : start + BATCH])

    def fork(self, seq: Seq, n: int) -> list[Seq]:
        self.prefill([seq])
        if len(self._tokens) + n > self._n_seqs:
            raise RuntimeError(f"fewer than {n} of the {self._n_seqs} sequences are free")
        forks = [self.open() for _ in range(n)]
        for fork in forks:
            self._tokens[fork] = list(self._tokens[seq])
            self._decoded[fork] = self._decoded[seq]
            self._context.copy(seq, fork)
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
        if len(most) != len(seqs) or len(set(seqs)) != len(seqs):
            raise ValueError(f"{len(seqs)} sequences, {len(set(seqs))} different, {len(most)} ends")
        return self._generate(list(seqs), sampling, frozenset(stop), most)

    def _generate(
        self, seqs: list[Seq], sampling: Sampling, stop: frozenset[Token], most: list[int]
    ) -> Iterator[list[Token | None]]:
        with chains(sampling, len(seqs), self.n_vocab, max(most, default=1)) as samplers:
            left = {i: n for i, n in enumerate(most) if n > 0}
            while left:
                outputs = self._decode_all([seqs[i] for i in left])
                step: list[Token | None] = [None] * len(seqs)
                for i, row in zip(list(left), outputs, strict=True):
                    token = self._context.sample(samplers[i], row)
                    held = self._tokens[seqs[i]]
                    if token in stop or len(held) >= self._n_ctx:
                        # The token decoded for its logits is still the last one.
                        self._undecode(seqs[i], len(held) - 1)
                        del left[i]
                        continue
                    held.append(token)
                    step[i] = token
                    left[i] -= 1
                    if not left[i]:
                        del left[i]
                if any(token is not None for token in step):
                    yield step

    def score(self, seq: Seq, continuations: Sequence[Sequence[Token]]) -> list[float]:
        if not self._tokens[seq] or not all(continuations):
            raise ValueError("nothing to score: an empty sequence or continuation")
        for c in continuations:
            self._check(seq, c)
        try:
            (row,) = self._decode_all([seq])
            first = log_softmax(self._context.logits(row))
            totals = [float(first[c[0]]) for c in continuations]
            # Continuations that differ in their last token only share a branch and its logits.
            behind = sorted({tuple(c[:-1]) for c in continuations if len(c) > 1})
            for start in range(0, len(behind), BRANCHES):
                self._score_behind(seq, behind[start : start + BRANCHES], continuations, totals)
            return totals
        finally:
            self._undecode(seq, len(self._tokens[seq]) - 1)

    def _score_behind(
        self,
        seq: Seq,
        beginnings: Sequence[tuple[Token, ...]],
        continuations: Sequence[Sequence[Token]],
        totals: list[float],
    ) -> None:
        """Add to `totals` what comes after the first token, one branch a beginning."""
        rows: list[Row] = []
        targets: list[list[tuple[int, Token]]] = []
        for branch, beginning in enumerate(beginnings, start=self._n_seqs):
            whose = [k for k, c in enumerate(continuations) if tuple(c[:-1]) == beginning]
            for i, token in enumerate(beginning):
                rows.append(Row(branch, len(self._tokens[seq]) + i, token, True))
                targets.append([(k, continuations[k][i + 1]) for k in whose])
        branches = range(self._n_seqs, self._n_seqs + len(beginnings))
        try:
            for branch in branches:
                self._context.copy(seq, branch)
            for start in range(0, len(rows), BATCH):
                self._context.decode(rows[start : start + BATCH])
                for i, wanted in enumerate(targets[start : start + BATCH]):
                    row = log_softmax(self._context.logits(i))
                    for k, token in wanted:
                        totals[k] += float(row[token])
        finally:
            for branch in branches:
                self._context.cut(branch)

    def save(self, seq: Seq, path: Path) -> None:
        self.prefill([seq])
        saved.write(path, self.fingerprint, self._tokens[seq], self._context.state(seq))

    def load(self, path: Path) -> Seq:
        tokens, state = saved.read(path, self.fingerprint)
        if len(tokens) > self._n_ctx:
            raise ModelError(f"{path}: {len(tokens)} tokens, but the context is {self._n_ctx}")
        seq, decoded = self.open(), max(0, len(tokens) - 1)
        if decoded and not self._context.restore(seq, state, decoded):
            self.close(seq)
            raise ModelError(f"{path}: the saved thread does not fit this engine; it is read anew")
        self._tokens[seq], self._decoded[seq] = list(tokens), decoded
        return seq

    def set_adapter(self, path: Path | None, scale: float = 1.0) -> None:
        self._context.set_adapter(path, scale)
        self._adapter = "" if path is None else f"{digest(path)} {scale}"
        for seq in self._tokens:
            self._undecode(seq, 0)

    def _check(self, seq: Seq, tokens: Sequence[Token]) -> None:
        """Raises `ValueError` for tokens that the sequence can't take."""
        if bad := [t for t in tokens if not 0 <= t < self.n_vocab]:
            raise ValueError(f"token {bad[0]} is not below {self.n_vocab}")
        if (total := len(self._tokens[seq]) + len(tokens)) > self._n_ctx:
            raise ValueError(f"{total} tokens do not fit a context of {self._n_ctx}")

    def _queue(self, seq: Seq) -> list[Row]:
        """What is not decoded yet; logits are wanted of the last token."""
        tokens = self._tokens[seq]
        return [
            Row(seq, position, tokens[position], position == len(tokens) - 1)
            for position in range(self._decoded[seq], len(tokens))
        ]

    def _decode_all(self, seqs: Sequence[Seq]) -> list[int]:
        """Decode all that is queued, in one batch if it fits.

        Returns where in the last batch each sequence's logits are.
        """
        if sum(len(self._tokens[seq]) - self._decoded[seq] for seq in seqs) > BATCH:
            self.prefill(seqs)
        rows = [row for seq in seqs for row in self._queue(seq)]
        self._decode(rows)
        return [i for i, row in enumerate(rows) if row.wanted]

    def _decode(self, rows: Sequence[Row]) -> None:
        try:
            self._context.decode(rows)
        except RuntimeError:
            for seq in {row.seq for row in rows}:
                self._undecode(seq, self._decoded[seq])
            raise
        for row in rows:
            self._decoded[row.seq] = row.position + 1

    def _undecode(self, seq: Seq, length: int) -> None:
        """Forget cached positions from `length` on."""
        self._context.cut(seq, length)
        self._decoded[seq] = min(self._decoded[seq], length)
