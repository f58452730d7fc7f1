"""Log-softmax, and a chain of samplers in numpy for engines that have none of their own."""

from __future__ import annotations

from typing import Any

import numpy as np

from device.language.engine import Sampling, Token

Array = np.ndarray[Any, Any]


def log_softmax(logits: Array) -> Array:
    """Log-probabilities in nats over the last axis, in float64."""
    wide: Array = logits.astype(np.float64)
    shifted = wide - wide.max(axis=-1, keepdims=True)
    result: Array = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return result


def log_probability(logits: Array, token: Token) -> float:
    """Of one token, in nats, from (n_vocab,) logits, in their own precision: it is asked for after
    each step, and all of `log_softmax` would take ten times as long."""
    top = logits.max()
    return float(logits[token] - top - np.log(np.exp(logits - top).sum()))


class Sampler:
    """One sequence's choice of tokens, in the order of llama.cpp's chain: penalty, top-k, top-p,
    temperature, choice."""

    def __init__(self, sampling: Sampling, seed: int):
        self._sampling = sampling
        self._random = np.random.default_rng(seed % 2**32)
        self._chosen: set[Token] = set()

    def choose(self, logits: Array) -> Token:
        """The next token, from (n_vocab,) logits."""
        s = self._sampling
        logits = logits.astype(np.float64)
        if s.repeat_penalty != 1.0 and self._chosen:
            seen = list(self._chosen)
            held = logits[seen]
            logits[seen] = np.where(held > 0, held / s.repeat_penalty, held * s.repeat_penalty)
        if s.temperature <= 0:
            token = int(logits.argmax())
        else:
            kept = np.argsort(-logits, kind="stable")[: s.top_k or None]
            reached = np.cumsum(np.exp(log_softmax(logits[kept])))
            kept = kept[: int(np.searchsorted(reached, s.top_p)) + 1]
            chances = np.exp(log_softmax(logits[kept] / s.temperature))
            token = int(self._random.choice(kept, p=chances / chances.sum()))
        self._chosen.add(token)
        return token
