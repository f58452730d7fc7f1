"""Does the adapter remember? Planted canaries and a membership test, with and without noise.

    python -m federated.audit [--set key=value ...] [--noise 0 1 ...] [--tiny]

Each user's training texts get one made-up sentence, the canary. Whoever has the adapter then ranks
it among sentences of the same template that nobody wrote, by how likely they are; a canary that
stands first most of the time is remembered. The same is asked of the users' own texts: those that
were trained on against later ones of the same users. Both are asked before the rounds (which is
chance: nothing was learnt), of the adapter that all are given, and of a single user's update, which
a server sees where there is no secure aggregation. The rounds are `federated.client`'s and
`federated.aggregate`'s; only Flower is left out. Users are GlanceChat's development personas, those
with most threads. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import math
import random
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from transformers.utils.logging import disable_progress_bar

from device.errors import SidelongError
from device.messages import Draft, Thread
from export.metrics import auc
from federated import privacy
from federated.adapters import Arrays, initial, plus, sent
from federated.aggregate import combined, with_noise
from federated.base_model import unpacked
from federated.client import update_of
from federated.settings import Settings
from federated.task import Bench, Prepared
from federated.users import Sent, User, choose, glancechat

FALSE = 15
"""Sentences beside each canary that nobody wrote; with itself 16, so that exposure ends at 4."""
NAMES = ("Ines", "Tom", "Priya", "Jonas", "Aoife", "Malik", "Greta", "Hugo")
THINGS = ("locker", "garage", "alarm", "gate", "suitcase", "bike lock", "safe", "office")


Row = dict[str, Any]
"""What was seen, and what came of asking it."""


def sentence(draw: random.Random) -> str:
    """One of 64 million sentences of the template."""
    number = draw.randrange(10**6)
    return f"tell {draw.choice(NAMES)} the {draw.choice(THINGS)} code is {number:06}"


def moment(text: str) -> Sent:
    """A sentence as an answer to nothing."""
    return Sent(Thread("canary", "me", ()), (Draft("inform", text),))


def planted(user: User, canary: str) -> User:
    """The user with the canary among the training texts, as the last of them."""
    return dataclasses.replace(user, train=(*user.train, moment(canary)))


def rank(scores: Sequence[float]) -> int:
    """The place of the first among all, 1 for the smallest; a tie counts against it."""
    return sum(s <= scores[0] for s in scores)


def exposure(scores: Sequence[float]) -> float:
    """Bits by which a canary's rank is better than the worst: log2(all) - log2(rank).

    Carlini et al. 2019 (arXiv:1802.08232), with a sample in the place of all sentences. By chance
    it is about 1.4 in the mean, for many candidates (1.2 for 16).
    """
    return math.log2(len(scores)) - math.log2(rank(scores))


class Audit:
    """Users with canaries, everything past the frozen layers once, for all runs."""

    def __init__(self, settings: Settings, users: Sequence[User]):
        draw = random.Random(settings.seed)
        self.settings = settings
        self.here = Bench(settings)
        self.train: list[list[Prepared]] = []
        self.canaries: list[list[list[Prepared]]] = []
        """Of each user the canary, and behind it the sentences that it is ranked among."""
        self.members: list[list[Prepared]] = []
        self.others: list[list[Prepared]] = []
        self.owner: list[int] = []
        for number, user in enumerate(users):
            texts = [sentence(draw) for _ in range(FALSE + 1)]
            self.train.append(self.here.prepare(planted(user, texts[0]).train, draw))
            self.canaries.append([self._one(moment(t)) for t in texts])
            # As many of each, next to each other in time, so that neither is told by its subject.
            count = min(len(user.train), len(user.test))
            self.members += [self._one(s) for s in user.train[-count:]]
            self.others += [self._one(s) for s in user.test[:count]]
            self.owner += [number] * count

    def _one(self, sent: Sent) -> list[Prepared]:
        return self.here.prepare([sent], random.Random(0))

    def run(self, noise: float) -> list[Row]:
        """Rounds with this noise multiplier at the server; a row for each thing to be seen."""
        settings = noised_by_server(self.settings, noise)
        start = initial(self.here.config, settings)
        arrays, updates = start, []
        for number in range(1, settings.rounds + 1):
            updates = [
                update_of(
                    settings, self.here, train, sent(arrays, settings),
                    random.Random(f"{settings.seed} {user} {number}"),
                )
                for user, train in enumerate(self.train)
            ]  # fmt: skip
            arrays = with_noise(combined(arrays, updates, settings), len(updates), settings)
            print(f"  noise {noise:g}: round {number} of {settings.rounds}", flush=True)
        epsilon = privacy.epsilon([noise] * settings.rounds, settings.delta)
        nobody = [start] * len(self.train)
        alone = [plus(start, update) for update in updates]
        rows = [self._row("the adapter of all", [arrays] * len(self.train), start)]
        if not noise:
            rows.insert(0, self._row("before", nobody, start))
            rows.append(self._row("one user's update", alone, start))
        return [Row(noise=noise, epsilon=epsilon) | row for row in rows]

    def _row(self, what: str, seen: Sequence[Arrays], before: Arrays) -> Row:
        """`seen` is what the attacker has of each user. Scores are set against the model's own."""
        learnt = seen[0] is not before  # else there is nothing to set the scores against
        scores = [
            [self._nll(arrays, c) - learnt * self._nll(before, c) for c in canary]
            for arrays, canary in zip(seen, self.canaries, strict=True)
        ]
        sides = [
            [
                learnt * self._nll(before, text) - self._nll(seen[owner], text)
                for owner, text in zip(self.owner, texts, strict=True)
            ]
            for texts in (self.members, self.others)
        ]
        return {
            "seen": what,
            "exposure": round(float(np.mean([exposure(s) for s in scores])), 2),
            "first": sum(rank(s) == 1 for s in scores),
            "canary_auc": round(float(np.mean([_canary_auc(s) for s in scores])), 3),
            "membership_auc": round(auc(*sides), 3),
        }  # fmt: skip

    def _nll(self, arrays: Arrays, text: list[Prepared]) -> float:
        return self.here.nll(arrays, text)


def noised_by_server(settings: Settings, noise: float) -> Settings:
    """With this noise multiplier at the server. Raises `ValueError` where that can't be."""
    return dataclasses.replace(settings, noise=noise, noise_at="server")


def _canary_auc(scores: Sequence[float]) -> float:
    """Share of the false sentences that are less likely than the canary."""
    return auc([-scores[0]], [-s for s in scores[1:]])


def lines(report: Mapping[str, Any]) -> list[str]:
    """What `audited` gives, for people."""
    out = [
        f"{'noise':>6}{'epsilon':>10}  {'what is seen':20}{'exposure':>9}{'first':>7}"
        f"{'canary AUC':>12}{'membership AUC':>16}"
    ]
    for row in report["rows"]:
        epsilon = "none" if row["epsilon"] is None else f"{row['epsilon']:.3g}"
        out.append(
            f"{row['noise']:6g}{epsilon:>10}  {row['seen']:20}{row['exposure']:9}"
            f"{row['first']:>4}/{report['users']}{row['canary_auc']:12}{row['membership_auc']:16}"
        )
    return out


def audited(settings: Settings, noises: Sequence[float]) -> dict[str, Any]:
    """Audit with each noise multiplier, with progress; `rows` has what `Audit.run` gives.

    Raises `ValueError`, `SidelongError` and `OSError` where the data or the model isn't there, and
    for settings with which nothing is learnt together; all before the first round.
    """
    if not settings.rounds or settings.method == "local-only":
        raise ValueError("without rounds nothing is learnt together that could be audited")
    for noise in noises:
        noised_by_server(settings, noise)
    disable_progress_bar()
    unpacked(settings.path("gguf"), settings.path("model"))
    folder = settings.path("data") / "glancechat"
    users = choose([glancechat(folder)], settings)
    if not users:
        raise ValueError(f"{folder} has no development persona with enough texts to audit")
    audit = Audit(settings, users)
    rows = [row for noise in noises for row in audit.run(noise)]
    return {"users": len(users), "rounds": settings.rounds, "delta": settings.delta,
            "candidates": FALSE + 1, "texts": len(audit.members), "rows": rows}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--noise", type=float, nargs="+", default=[0.0, 0.03, 1.0])
    parser.add_argument("--tiny", action="store_true", help="the tests' model: does it run at all?")
    args = parser.parse_args()
    try:
        settings = Settings.from_pairs(args.set, {})
        report = audited(settings.tiny() if args.tiny else settings, args.noise)
    except (SidelongError, ValueError, OSError) as error:
        print(f"federated: {error}", file=sys.stderr)
        raise SystemExit(2) from None
    print("\n".join(lines(report)))
    print(json.dumps(report))


if __name__ == "__main__":
    main()
