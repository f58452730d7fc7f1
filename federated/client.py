"""What one client does: train on its own user's texts, and examine what came of it.

Nothing here knows of Flower. `train_round` returns what leaves the device and nothing beside it,
`examine` figures that only a simulation asks for.
"""

from __future__ import annotations

import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch

from device.memory import peak_mb
from federated import privacy
from federated.adapters import Arrays, clipped, initial, minus, plus, sent
from federated.drafts import written
from federated.settings import Settings
from federated.style import distance, style_of
from federated.task import DESKS, Bench, Prepared
from federated.users import Sent, User, read_partition

Figures = dict[str, float]
CHECKS = 8
"""How often the gate is asked while the adapter that never leaves is trained."""
MARGIN = 0.005
"""Nats a token by which an adapter must be better on the gate's replies to be kept."""


@dataclass(slots=True)
class Desk:
    """One user's texts past the frozen layers."""

    user: User
    train: list[Prepared]
    gate: list[Prepared]
    test: list[Prepared]


@lru_cache(maxsize=1)
def bench(settings: Settings) -> Bench:
    """The model, loaded once a process."""
    torch.set_num_threads(1)  # one core a client; two threads would fight with its neighbour
    return Bench(settings)


@lru_cache(maxsize=DESKS)
def desk(settings: Settings, number: int) -> Desk:
    """One user's texts. Raises `OSError` where there is no such user."""
    user = read_partition(settings.path("out") / "users", number)
    rng = random.Random(settings.seed)
    parts = (bench(settings).prepare(s, rng) for s in (user.train, user.gate, user.test))
    return Desk(user, *parts)


def whole(settings: Settings, received: Arrays) -> Arrays:
    """A and B: what was received, and what everybody has by the shared seed."""
    return initial(bench(settings).config, settings) | received


def train_round(settings: Settings, number: int, received: Arrays, round_number: int) -> Arrays:
    """The clipped, where asked noised, update of one user in one round: all that leaves."""
    rng = random.Random(f"{settings.seed} {number} {round_number}")
    return update_of(settings, bench(settings), desk(settings, number).train, received, rng)


def update_of(
    settings: Settings,
    here: Bench,
    train: Sequence[Prepared],
    received: Arrays,
    rng: random.Random,
) -> Arrays:
    """What training on these texts makes of the adapter: clipped, where asked noised, checked.

    Raises `ValueError` where it must not leave (`privacy.outgoing`).
    """
    start = initial(here.config, settings) | received
    (after,) = here.train(start, train, settings.steps, rng)
    update, _ = clipped(minus(sent(after, settings), sent(start, settings)), settings.clip)
    if settings.noise and settings.noise_at == "client":
        # Not from the seed: noise that others can compute hides nothing.
        update = privacy.noised(update, privacy.client_deviation(settings), np.random.default_rng())
    return privacy.outgoing(update, here.config, settings)


def gated(settings: Settings, at: Desk, start: Arrays, number: int) -> tuple[Arrays, Arrays]:
    """(the adapter at the last of `local_steps`, the one that the gate's replies like best)."""
    here, steps = bench(settings), settings.local_steps
    best, least = start, here.nll(start, at.gate)
    last = start
    rng = random.Random(f"{settings.seed} {number} examine")
    for last in here.train(start, at.train, steps, rng, every=max(1, steps // CHECKS)):
        if (nll := here.nll(last, at.gate)) < least:
            best, least = last, nll
    return last, best


def examine(settings: Settings, number: int, received: Arrays) -> Figures:
    """Figures of one user for every way to adapt: nats a token on the user's last replies.

    `local` starts from nothing; `both` from the adapter of all or from nothing, whichever the
    gate's replies like better, as `sidelong personalize` does. Both have `local_steps`, in the same
    order, and where each stops is the gate's choice. `hard` is `both` at its last step, without
    that choice; `kept` is what the gate keeps of no adapter, federated, and federated + local.
    """
    started = time.monotonic()
    here, at = bench(settings), desk(settings, number)
    nothing = initial(here.config, settings)
    federated = whole(settings, received)
    hard, local = gated(settings, at, nothing, number)
    both = local
    if here.nll(federated, at.gate) < here.nll(nothing, at.gate):
        hard, both = gated(settings, at, federated, number)
    ways = {"none": nothing, "local": local, "federated": federated, "both": both, "hard": hard}
    figures = {f"nll-{way}": here.nll(arrays, at.test) for way, arrays in ways.items()}
    gate = {way: here.nll(ways[way], at.gate) for way in ("none", "federated", "both")}
    kept = min(gate, key=gate.__getitem__)
    if gate[kept] > gate["none"] - MARGIN:
        kept = "none"
    figures |= {
        "train-texts": float(_count(at.user.train)),
        "gate-texts": float(_count(at.user.gate)),
        "test-texts": float(_count(at.user.test)),
    }
    if settings.drafts:
        del ways["hard"]
        figures |= _exam(settings, at, nothing, ways, figures["nll-none"])
    for kind in ("nll", "best3", "style"):
        if f"{kind}-{kept}" in figures:
            figures[f"{kind}-kept"] = figures[f"{kind}-{kept}"]
    figures["kept"] = float(("none", "federated", "both").index(kept))
    figures |= {"user": float(number), "seconds": time.monotonic() - started, "peak-mb": peak_mb()}
    return {name: figures[name] for name in privacy.FIGURES if name in figures}


def _exam(
    settings: Settings, at: Desk, nothing: Arrays, ways: Mapping[str, Arrays], own_nats: float
) -> Figures:
    """Best-of-3 ROUGE-L and style distance of the drafts that each adapter writes.

    The style is that of the user's own last replies, to which the model without an adapter gives
    `own_nats` a token.
    """
    here = bench(settings)
    own = style_of([r.text for s in at.user.test for r in s.replies], own_nats)
    figures: Figures = {}
    wanted = at.user.test[-settings.drafts :]
    for way, found in written(settings, here, wanted, ways).items():
        nats = here.nll(nothing, here.prepare(found.moments, random.Random(0)))
        texts = [draft.text for moment in found.moments for draft in moment.replies]
        figures[f"best3-{way}"] = found.best3
        figures[f"style-{way}"] = distance(style_of(texts, nats), own)
    return figures


def _count(sents: Sequence[Sent]) -> int:
    return sum(len(s.replies) for s in sents)


def misbehave(settings: Settings, kind: str, update: Arrays) -> Arrays:
    """A trial's fault: the update as a broken or hostile client sends it.

    Raises `RuntimeError` for "crash", sleeps for "slow", and raises `ValueError` for no such fault.
    """
    first = next(iter(update))
    match kind:
        case "nan":
            return update | {first: np.full_like(update[first], np.nan)}
        case "shape":
            return update | {first: update[first][:-1]}
        case "norm":
            return plus(update, {n: np.ones_like(v) for n, v in update.items()}, 1e3)
        case "crash":
            raise RuntimeError("this client fails, as the trial asked for")
        case "slow":
            time.sleep(settings.timeout + 5)
            return update
    raise ValueError(f"no such fault: {kind}; there are nan, shape, norm, crash, slow")


def fault_of(settings: Settings, number: int) -> str | None:
    """What `settings.faults` says of this client."""
    pairs = (f.split(":") for f in settings.faults.split(",") if f)
    return next((kind.strip() for kind, who in pairs if int(who) == number), None)
