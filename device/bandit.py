"""Learning when to interrupt from what the wearer does: a contextual bandit.

Two actions (tell at once, wait for a pause), a cost for what came of it, and Vowpal Wabbit's
bagging: ten linear policies, each learnt from another resample of what happened, and one of them
decides, which tries more where they disagree (bootstrap Thompson sampling; Bietti, Agarwal,
Langford, "A Contextual Bandit Bake-off", 2021). Costs are estimated doubly robustly (Dudík,
Langford, Li, 2011).

No model is kept on disk: it is learnt anew at each start from the experiences in the store, which
takes milliseconds, and forgetting them is forgetting all of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from vowpalwabbit import Workspace

Outcome = Literal["answered", "read", "dismissed", "ignored"]
OUTCOMES: tuple[Outcome, ...] = ("answered", "read", "dismissed", "ignored")

LEAST = 20
"""Experiences before anything is decided by them; until then the rules do."""
POLICIES = 10
EPSILON = 0.02
"""How often chance decides: half of it each way, so that nothing is ever settled for good."""
TELL, WAIT = 1, 2
COSTS: dict[tuple[bool, Outcome], float] = {
    (True, "answered"): 0.0,
    (True, "read"): 0.0,
    (True, "dismissed"): 1.0,
    (True, "ignored"): 0.7,
    (False, "answered"): 0.6,
    (False, "read"): 0.3,
    (False, "dismissed"): 0.0,
    (False, "ignored"): 0.0,
}
"""(told at once, what the wearer did) -> cost from 0 to 1."""
_WORD = re.compile(r"\w+", re.ASCII)


@dataclass(frozen=True, slots=True)
class Experience:
    """One message, what was done about it, and what the wearer did."""

    features: tuple[str, ...]
    told: bool
    chance: float
    """Probability with which that was done, above 0; 1 where a rule did it."""
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Choice:
    """What learning would do now."""

    tell: bool
    chance: float
    """Probability of that."""


class Bandit:
    """Learns in memory. For one thread at a time."""

    def __init__(self, experiences: Iterable[Experience] = ()):
        self.count = 0
        """How many experiences it has learnt from."""
        self._model = Workspace(
            f"--cb_explore 2 --bag {POLICIES} --epsilon {EPSILON} -b 14 --random_seed 1 --quiet"
        )
        for experience in experiences:
            self.learn(experience)

    def learn(self, experience: Experience) -> None:
        """Take one more into account. Raises `ValueError` for features that are no words."""
        action = TELL if experience.told else WAIT
        cost = COSTS[experience.told, experience.outcome]
        label = f"{action}:{cost}:{experience.chance:.4f}"
        self._model.learn(f"{label} {_context(experience.features)}")
        self.count += 1

    def choose(self, features: tuple[str, ...], roll: float) -> Choice | None:
        """What to do; None before `LEAST` experiences. `roll` is random, 0 <= roll < 1."""
        if self.count < LEAST:
            return None
        tell, wait = self._model.predict(_context(features))
        return Choice(True, tell) if roll < tell else Choice(False, wait)


def _context(features: tuple[str, ...]) -> str:
    """In VW's text format, where a space, ":" or "|" in a word would be syntax."""
    if not all(map(_WORD.fullmatch, features)):
        raise ValueError("features are words of letters, digits and _")
    return "| " + " ".join(features)
