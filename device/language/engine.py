"""The engine contract: tokens in, tokens out, many sequences over one context.

An engine knows nothing of text, threads or tasks. A sequence is a list of tokens; those already
decoded live in the KV cache, those only queued do not. `extend` queues; `prefill` decodes what is
queued; `generate` and `score` decode it as part of their first batch, so that several short
suffixes (three drafts, say) cost one batch and not three. The last token of a sequence is never
decoded before `generate` or `score` asks for its logits: that is what lets a forked or restored
sequence go on exactly like a fresh one.

Two implementations share one contract test: `llama_engine` (GGUF) and `onnx_engine`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

Token = int
Seq = int


@dataclass(frozen=True, slots=True)
class Sampling:
    """How the next token is chosen. `temperature` 0 is greedy and ignores the rest."""

    temperature: float = 0.0
    top_k: int = 40
    """Keep the k likeliest tokens; 0 keeps all."""
    top_p: float = 0.95
    """Keep the smallest set of tokens whose probabilities reach p; 1.0 keeps all."""
    repeat_penalty: float = 1.0
    """Divides (positive) or multiplies (negative) the logits of tokens this sequence has
    generated in the same call; 1.0 is off. Applies to greedy too."""
    seed: int = 0
    """Sequence i of a batch samples by seed + i: what it says is its own affair, whoever stands
    beside it."""


class Engine(Protocol):
    """N sequences over one context of `n_ctx` positions a sequence.

    Sequences are small integers handed out by `open` and `fork`. Every method raises `KeyError`
    for a sequence that isn't open and `ValueError` for tokens or positions out of range.
    """

    @property
    def n_ctx(self) -> int:
        """Positions one sequence may hold."""

    @property
    def n_vocab(self) -> int:
        """Size of the vocabulary; a token is 0 <= token < n_vocab."""

    @property
    def fingerprint(self) -> str:
        """Hex digest of model file and adapter: saved sequences of another one are refused."""

    def open(self) -> Seq:
        """A new, empty sequence. Raises `RuntimeError` when all of the engine's are taken."""

    def close(self, seq: Seq) -> None:
        """Forget a sequence and free its cache."""

    def tokens(self, seq: Seq) -> tuple[Token, ...]:
        """All tokens of the sequence, decoded and queued."""

    def extend(self, seq: Seq, tokens: Sequence[Token]) -> None:
        """Queue tokens at the end. Raises `ValueError` beyond `n_ctx`."""

    def prefill(self, seqs: Sequence[Seq]) -> None:
        """Decode what is queued, all but each sequence's last token, in shared batches."""

    def fork(self, seq: Seq, n: int) -> list[Seq]:
        """n copies that share the cache of `seq`, which stays as it is (its queue is decoded)."""

    def truncate(self, seq: Seq, length: int) -> None:
        """Keep the first `length` tokens, 0 <= length <= len(tokens)."""

    def generate(
        self,
        seqs: Sequence[Seq],
        sampling: Sampling,
        stop: Collection[Token],
        max_tokens: int | Sequence[int],
        nats: list[float] | None = None,
    ) -> Iterator[list[Token | None]]:
        """Decode all `seqs` together, one step a yield.

        Each yield has one entry a sequence: its next token, or None once it has ended (by a stop
        token, which is not yielded and not kept, by its `max_tokens`, or at `n_ctx`). Yielded
        tokens are part of the sequence afterwards. Ends when all have ended; closing the iterator
        early is fine. log P of each token that is yielded, before any penalty or temperature, is
        added to `nats`, one number a sequence. Raises `ValueError` for an empty sequence. Between
        two steps anything may be done with any sequence; where one is closed that hasn't ended, the
        next step raises `KeyError`, and the others keep what they have said.
        """

    def score(self, seq: Seq, continuations: Sequence[Sequence[Token]]) -> list[float]:
        """log P(continuation | sequence) in nats for each, summed over its tokens.

        The sequence is the same afterwards. Raises `ValueError` for an empty continuation.
        """

    def save(self, seq: Seq, path: Path) -> None:
        """Write tokens and cache to `path`, atomically."""

    def load(self, path: Path) -> Seq:
        """Open a sequence saved by an engine with the same `fingerprint`.

        Raises `ModelError` for another fingerprint or a damaged file.
        """

    def set_adapter(self, path: Path | None, scale: float = 1.0) -> None:
        """Swap the LoRA adapter; every open sequence is queued anew, since its cache is stale.

        Raises `ModelError` for a file that is no adapter for this model.
        """
