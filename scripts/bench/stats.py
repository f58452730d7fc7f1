"""Cases run in turn, round after round, and what their samples say.

A shared machine is slow for seconds at a time. Cases that are run in turn are slowed alike, so a
ratio of two is taken round by round, and the median of those ratios is what is reported.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

Samples = dict[str, list[float]]
"""Figure -> one value a round."""

REST = 0.05
"""Seconds between cases: threads of the one before stop spinning."""


@dataclass(frozen=True, slots=True)
class Case:
    """Something that is measured once a round."""

    name: str
    run: Callable[[], Mapping[str, float]]
    """Figures of one round; the same ones each time."""
    slow: bool = False
    """Whether it takes seconds and is measured in fewer rounds."""


@dataclass(frozen=True, slots=True)
class Spread:
    """Median and quartiles of `n` values, in their unit."""

    median: float
    low: float
    high: float
    n: int


def spread(values: Sequence[float]) -> Spread:
    """Raises `ValueError` without values."""
    if not values:
        raise ValueError("no values")
    if len(values) == 1:
        return Spread(values[0], values[0], values[0], 1)
    low, median, high = statistics.quantiles(values, n=4, method="inclusive")
    return Spread(median, low, high, len(values))


def percentile(values: Sequence[float], percent: float) -> float:
    """By linear interpolation, 0 <= percent <= 100. Raises `ValueError` without values."""
    if not values:
        raise ValueError("no values")
    ordered = sorted(values)
    place = (len(ordered) - 1) * percent / 100
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def ratios(samples: Samples, over: str, under: str) -> list[float]:
    """over / under, round by round; empty where either was not measured."""
    pairs = zip(samples.get(over, ()), samples.get(under, ()), strict=False)
    return [a / b for a, b in pairs if b]


def interleave(
    cases: Sequence[Case], rounds: int, slow: int, tell: Callable[[str], None], rest: float = REST
) -> Samples:
    """Run all cases in turn, `rounds` times, slow ones `slow` times; `tell` hears what is run."""
    samples: Samples = {}
    for n in range(rounds):
        for case in cases:
            if case.slow and n >= slow:
                continue
            tell(f"round {n + 1} of {rounds}: {case.name}")
            time.sleep(rest)
            for figure, value in case.run().items():
                samples.setdefault(figure, []).append(value)
    return samples
