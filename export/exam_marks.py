"""What one thread adds to a figure, and the figures of many threads.

    figure = formula(sum of the threads' marks)

A mean is (sum, count), an F1 (2 x hits, true + said), a perplexity (nats, tokens): since each is
made of sums, one bootstrap over threads gives the interval of every figure, and any group of
threads has its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from sacrebleu.metrics.bleu import BLEU

Array = NDArray[np.float64]
Formula = Callable[[Array], Array]
"""(..., n) sums -> (...) values; nan where there is none."""

ROUNDS = 1000
"""Samples of the bootstrap."""
_SENTENCE_BLEU = BLEU(effective_order=True)


def ratio(sums: Array) -> Array:
    """sums[0] / sums[1]."""
    quotients = np.full(sums.shape[:-1], np.nan)
    np.divide(sums[..., 0], sums[..., 1], out=quotients, where=sums[..., 1] != 0)
    return quotients


def perplexity(sums: Array) -> Array:
    """exp(nats / tokens)."""
    return np.exp(ratio(sums))


def macro_f1_of(sums: Array) -> Array:
    """Mean F1 in percent over the classes that there are; (2 x hits, true, said) of each."""
    hits, true, said = np.moveaxis(sums.reshape(*sums.shape[:-1], -1, 3), -1, 0)
    f1s = 100 * hits / np.maximum(true + said, 1)
    return ratio(np.stack([(f1s * (true > 0)).sum(-1), (true > 0).sum(-1)], -1))


def corpus_bleu(sums: Array) -> Array:
    """Corpus BLEU of n-grams (4 right, 4 written), words written and words of the gold.

    As sacrebleu computes it (Post 2018; Papineni et al. 2002), zeros smoothed exponentially; over
    all samples of a bootstrap at once.
    """
    right, written = sums[..., :4], np.maximum(sums[..., 4:8], 1)
    zero = right == 0
    smoothed = np.where(zero, 0.5 ** np.cumsum(zero, -1), right)
    brevity = np.minimum(0, 1 - sums[..., 9] / np.maximum(sums[..., 8], 1))
    value = 100 * np.exp(np.log(smoothed / written).mean(-1) + brevity)
    return np.where(right.any(-1) & sums[..., 7].astype(bool), value, 0)


@dataclass(frozen=True, slots=True)
class Mark:
    """What one thread adds to one figure."""

    sums: tuple[float, ...]
    formula: Formula = ratio


Marks = dict[str, Mark]
"""By figure; a figure that has nothing to say of a thread is left out."""


def mean(value: float) -> Mark:
    """For the mean over threads."""
    return Mark((value, 1))


def share(hits: float, of: float = 1) -> Mark:
    """For a share in percent of all that is counted in `of`."""
    return Mark((100 * hits, of))


def f1(truth: bool, said: bool) -> Mark:
    """For the F1 of a positive class, in percent."""
    return Mark((200 * (truth and said), truth + said))


def macro_f1(truth: str, said: str, classes: Iterable[str]) -> Mark:
    """For the mean F1 over those of the classes that occur, in percent."""
    counts = ((2 * (truth == c == said), truth == c, said == c) for c in classes)
    return Mark(tuple(float(n) for three in counts for n in three), macro_f1_of)


def bleu(gold: str, text: str) -> Mark:
    """For the BLEU of all texts."""
    found = _SENTENCE_BLEU.sentence_score(text, [gold])
    return Mark((*found.counts, *found.totals, found.sys_len, found.ref_len), corpus_bleu)


@dataclass(frozen=True, slots=True)
class Row:
    """The marks of one thread, or of one pair of statements about it."""

    groups: Mapping[str, str]
    """What it is counted with, by kind of group: {"lang": "en", ...}."""
    marks: Marks


class Figure(NamedTuple):
    """A figure with its 95 % bootstrap interval (percentile method) and the rows it is made of."""

    value: float
    low: float
    high: float
    rows: int


def figures_of(rows: Sequence[Row]) -> dict[str, Figure]:
    """Every figure that these rows have, rounded; the same each time."""
    marks: dict[str, list[Mark]] = {}
    for row in rows:
        for name, mark in row.marks.items():
            marks.setdefault(name, []).append(mark)
    found = ((name, _figure(some)) for name, some in marks.items())
    return {name: figure for name, figure in found if figure is not None}


def grouped(rows: Sequence[Row]) -> dict[str, dict[str, list[Row]]]:
    """The rows by kind of group and by group."""
    found: dict[str, dict[str, list[Row]]] = {}
    for row in rows:
        for kind, group in row.groups.items():
            found.setdefault(kind, {}).setdefault(group, []).append(row)
    return found


def _figure(marks: Sequence[Mark]) -> Figure | None:
    sums = np.array([mark.sums for mark in marks], dtype=float)
    formula = marks[0].formula
    value = float(formula(sums.sum(0)))
    if np.isnan(value):
        return None
    picks = np.random.default_rng(0).integers(0, len(sums), (ROUNDS, len(sums)))
    low, high = np.nanpercentile(formula(sums[picks].sum(1)), [2.5, 97.5])
    return Figure(round(value, 2), round(float(low), 2), round(float(high), 2), len(sums))
