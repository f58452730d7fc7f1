"""Simulated wearers, who answer some people and put others off.

python -m tests.wearers        # the figures of docs/attention.md
"""

from __future__ import annotations

import random
from collections.abc import Mapping

from device.bandit import COSTS, LEAST, Bandit, Experience, Outcome


def heeded(cares: Mapping[str, float], messages: int, seed: int) -> Bandit:
    """A bandit after so many messages, each from one of these people at random.

    `cares`: how likely the wearer wants to be told of that one's message at once. Until the bandit
    decides, a rule tells every second one.
    """
    return lived(cares, messages, seed)[0]


def lived(cares: Mapping[str, float], messages: int, seed: int) -> tuple[Bandit, list[float]]:
    """The same, and what each message cost."""
    rng, bandit, costs = random.Random(seed), Bandit(), []
    for i in range(messages):
        who = rng.choice(list(cares))
        features = (f"from_{who}", "direct")
        choice = bandit.choose(features, rng.random())
        tell, chance = (i % 2 == 0, 1.0) if choice is None else (choice.tell, choice.chance)
        wanted = rng.random() < cares[who]
        outcome: Outcome = "answered" if wanted else "dismissed"
        bandit.learn(Experience(features, tell, chance, outcome))
        costs.append(COSTS[tell, outcome])
    return bandit, costs


def tells(bandit: Bandit, who: str) -> float:
    """How likely it tells of that one's message at once."""
    choice = bandit.choose((f"from_{who}", "direct"), 0.0)
    assert choice is not None
    return choice.chance if choice.tell else 1 - choice.chance


def main() -> None:
    cares = {"ann": 0.95, "ben": 0.05, "cid": 0.5, "dee": 0.9, "eve": 0.1}
    always = sum(COSTS[True, "dismissed"] * (1 - p) for p in cares.values()) / len(cares)
    never = sum(COSTS[False, "answered"] * p for p in cares.values()) / len(cares)
    best = sum(min(1 - p, COSTS[False, "answered"] * p) for p in cares.values()) / len(cares)
    runs = [lived(cares, 300, seed)[1] for seed in range(20)]
    print(f"mean cost of a message: always told {always:.3f}, never {never:.3f}, best {best:.3f}")
    for start, end in ((0, LEAST), (LEAST, 60), (60, 120), (120, 300)):
        mean = sum(sum(run[start:end]) for run in runs) / len(runs) / (end - start)
        print(f"messages {start:>3} to {end:>3}: {mean:.3f}")


if __name__ == "__main__":
    main()
