"""What an adapter did to the wearer's held-out answers and to the model's lines, in numbers."""

from __future__ import annotations

import itertools
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from device.disk import write_atomically

CHANCE = 0.05
"""How probable a gain like this may be by chance alone, at most."""
EXACT = 14
"""Answers up to which every one of the test's 2**n cases is counted; above, `DRAWN` of them are."""
DRAWN = 20_000

Floats = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True, slots=True)
class Verdict:
    """The adapter against what was in use before it."""

    strength: float
    """The factor at B."""
    replies: int
    ppl_before: float
    """Perplexity of the answers; each token counts the same."""
    ppl_after: float
    p: float
    """One-sided, of `sign_flip_p`."""
    lines_before: int = 0
    """Lines and drafts that the model said. None are asked for where the answers don't gain."""
    passed_before: int = 0
    """How many of them passed the check."""
    lines_after: int = 0
    passed_after: int = 0

    @property
    def replies_gain(self) -> bool:
        """Whether the answers got more likely by more than chance."""
        return self.ppl_after < self.ppl_before and self.p <= CHANCE

    @property
    def lines_hold(self) -> bool:
        """Whether no smaller share of the lines passes. Shares, since there can be more lines."""
        before = self.passed_before * self.lines_after
        return before <= self.passed_after * self.lines_before

    @property
    def keeps(self) -> bool:
        return self.replies_gain and self.lines_hold

    def sentences(self) -> list[str]:
        """The same for people."""
        change = 100 * (self.ppl_after / self.ppl_before - 1)
        said = [
            f"Your last {self.replies} answers, which it never saw: perplexity "
            f"{self.ppl_before:.1f} -> {self.ppl_after:.1f} ({change:+.1f} %, p = {self.p:.3g})."
        ]
        if self.lines_before:
            said.append(
                f"The model's lines and drafts that pass the check: {self.passed_before} of "
                f"{self.lines_before} -> {self.passed_after} of {self.lines_after}."
            )
        if self.keeps:
            how = "" if self.strength == 1 else f", at {self.strength:g} of its strength"
            return [*said, f"Kept{how}."]
        why = "fewer lines would pass" if self.replies_gain else "that can be chance"
        return [*said, f"Not kept: {why}. What was in use stays."]


def sign_flip_p(gains: Floats) -> float:
    """How probable a sum of (n,) paired gains as large as this is, were each sign a coin's.

    One-sided, by Fisher's randomization test (The Design of Experiments, 1935, section 21): it
    assumes no distribution, and of n pairs nothing below 2**-n can come.

    >>> sign_flip_p(np.array([3.0, 1.0, 2.0])), sign_flip_p(np.array([3.0, -1.0, 2.0]))
    (0.125, 0.25)
    """
    n, least = len(gains), gains.sum() - 1e-9
    if n <= EXACT:
        signs = np.array(list(itertools.product((-1.0, 1.0), repeat=n)))
        return float((signs @ gains >= least).mean())
    signs = np.random.default_rng(0).choice((-1.0, 1.0), (DRAWN, n))
    return float((1 + (signs @ gains >= least).sum()) / (1 + DRAWN))


def write_verdict(path: Path, verdict: Verdict, day: str) -> None:
    """Raises `OSError`."""
    write_atomically(path, json.dumps({"day": day, **asdict(verdict)}) + "\n")


def read_verdict(path: Path) -> tuple[Verdict, str] | None:
    """(the last run's, its day), or None where there is none that can be read."""
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        day = str(record.pop("day"))
        return Verdict(**record), day
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
