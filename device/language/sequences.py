"""The part of the engine contract that no runtime changes: which sequences are open, their tokens,
and what they may be asked. An engine inherits it and adds its cache and how it decodes.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Collection, Generator, Iterator, Sequence
from contextlib import closing
from copy import copy
from typing import Generic, Protocol, Self, TypeVar

from device.language.engine import Engine, Sampling, Seq, Token


class Held(Protocol):
    """A sequence's tokens, and whatever a runtime keeps beside them, which forks may share."""

    tokens: list[Token]


H = TypeVar("H", bound=Held)

Steps = Generator[list[Token | None], None, None]
"""What `generate` yields."""


class SequenceEngine(Engine, Generic[H]):
    """Keeps at most `n_seqs` sequences of at most `n_ctx` tokens each; `Engine` has the promises.

    Between calls no cache holds its sequence's last token.
    """

    def __init__(self, n_ctx: int, n_seqs: int, empty: Callable[[], H]):
        """`empty` makes a sequence without tokens."""
        self._n_ctx, self._n_seqs, self._empty = n_ctx, n_seqs, empty
        self._sequences: dict[Seq, H] = {}

    @abstractmethod
    def _cut(self, seq: Seq, length: int) -> None:
        """Forget cached positions from `length` on. Raises `KeyError` where `seq` isn't open."""

    @abstractmethod
    def _generate(
        self,
        seqs: list[Seq],
        sampling: Sampling,
        stop: frozenset[Token],
        most: list[int],
        nats: list[float] | None,
    ) -> Steps:
        """`generate`, its arguments checked; `most` counts down to each sequence's own end, and is
        0 from there on. No sequence that hasn't ended is closed between two steps.
        """

    @abstractmethod
    def _score(self, seq: Seq, continuations: Sequence[Sequence[Token]]) -> list[float]:
        """`score`, its arguments checked."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.shut()

    def shut(self) -> None:
        """Free the cache; the engine is unusable afterwards. Twice is fine."""
        self._sequences.clear()
        self._n_seqs = 0

    @property
    def n_ctx(self) -> int:
        return self._n_ctx

    def open(self) -> Seq:
        free = next((s for s in range(self._n_seqs) if s not in self._sequences), None)
        if free is None:
            raise RuntimeError(f"all {self._n_seqs} sequences are open")
        self._sequences[free] = self._empty()
        return free

    def close(self, seq: Seq) -> None:
        del self._sequences[seq]

    def tokens(self, seq: Seq) -> tuple[Token, ...]:
        return tuple(self._sequences[seq].tokens)

    def extend(self, seq: Seq, tokens: Sequence[Token]) -> None:
        self._check(seq, tokens)
        self._sequences[seq].tokens.extend(tokens)

    def fork(self, seq: Seq, n: int) -> list[Seq]:
        self.prefill([seq])
        if len(self._sequences) + n > self._n_seqs:
            raise RuntimeError(f"fewer than {n} of the {self._n_seqs} sequences are free")
        forks = [self.open() for _ in range(n)]
        for fork in forks:
            held = self._sequences[fork] = copy(self._sequences[seq])
            held.tokens = list(held.tokens)
        return forks

    def truncate(self, seq: Seq, length: int) -> None:
        tokens = self._sequences[seq].tokens
        if not 0 <= length <= len(tokens):
            raise ValueError(f"length {length} is not within 0..{len(tokens)}")
        del tokens[length:]
        self._cut(seq, max(0, length - 1))

    def generate(
        self,
        seqs: Sequence[Seq],
        sampling: Sampling,
        stop: Collection[Token],
        max_tokens: int | Sequence[int],
        nats: list[float] | None = None,
    ) -> Iterator[list[Token | None]]:
        if empty := [seq for seq in seqs if not self._sequences[seq].tokens]:
            raise ValueError(f"sequence {empty[0]} is empty")
        most = [max_tokens] * len(seqs) if isinstance(max_tokens, int) else list(max_tokens)
        if len(most) != len(seqs) or len(set(seqs)) != len(seqs):
            raise ValueError(f"{len(seqs)} sequences, {len(set(seqs))} different, {len(most)} ends")
        held = {seq: self._sequences[seq] for seq in seqs}
        return self._while_open(
            held, most, self._generate(list(seqs), sampling, frozenset(stop), most, nats)
        )

    def _while_open(self, held: dict[Seq, H], most: list[int], steps: Steps) -> Steps:
        """`steps`, up to where a sequence is closed that hasn't ended: a `KeyError` then.

        It may have been opened anew since, so that its number alone says nothing.
        """
        with closing(steps):
            while True:
                for (seq, before), left in zip(held.items(), most, strict=True):
                    if left > 0 and self._sequences.get(seq) is not before:
                        raise KeyError(seq)
                step = next(steps, None)
                if step is None:
                    return
                yield step

    def score(self, seq: Seq, continuations: Sequence[Sequence[Token]]) -> list[float]:
        if not self._sequences[seq].tokens or not all(continuations):
            raise ValueError("nothing to score: an empty sequence or continuation")
        for c in continuations:
            self._check(seq, c)
        return self._score(seq, continuations)

    def _check(self, seq: Seq, tokens: Sequence[Token]) -> None:
        """Raises `ValueError` for tokens that the sequence can't take."""
        if bad := [t for t in tokens if not 0 <= t < self.n_vocab]:
            raise ValueError(f"token {bad[0]} is not below {self.n_vocab}")
        if (total := len(self._sequences[seq].tokens) + len(tokens)) > self._n_ctx:
            raise ValueError(f"{total} tokens do not fit a context of {self._n_ctx}")
