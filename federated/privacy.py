"""What may leave a client, as one list; what clipping and noise promise; and the noise itself.

In a round a client sends the tensors of `may_leave` and nothing beside them: no figure, no count,
no time. Where it fails it sends one word of `ERRORS`. `FIGURES` leave only in a simulation, once,
at the end.

The promise is about one user's whole part in the training (add or remove one user), and about the
adapters that the server publishes. It is for the tensors: who takes part, and that a client failed,
is seen by the server. Everybody takes part in every round, so no sampling makes it better.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from federated.adapters import Arrays, places, problem
from federated.settings import Settings

ERRORS = (MemoryError, OSError, ValueError, RuntimeError)
"""Kinds of error that a client tells; any other is called "Exception"."""

WAYS = ("none", "local", "federated", "both", "kept")
FIGURES = (
    "user", *(f"{kind}-{way}" for kind in ("nll", "best3", "style") for way in WAYS), "nll-hard",
    "kept", "train-texts", "gate-texts", "test-texts", "seconds", "peak-mb",
)  # fmt: skip
"""All that a simulated client answers when it is examined, a number each; a device never is."""

ORDERS: tuple[float, ...] = (*(1 + x / 100 for x in range(1, 1000)), *range(11, 513))
"""Orders of Rényi divergence that are tried."""


def may_leave(config: Mapping[str, Any], settings: Settings) -> dict[str, tuple[int, ...]]:
    """Everything that a client sends in a round: name -> shape, in this order, all float32.

    `config` is the base model's config.json. Values are clipped together to an L2 norm of
    `settings.clip`, and noised where `settings.noise_at` is "client". Raises `ValueError` for a
    target that a Llama doesn't have.
    """
    shapes: dict[str, tuple[int, ...]] = {}
    for place in places(config, settings):
        if settings.trains_a:
            shapes[place.a] = (settings.rank, place.n_in)
        shapes[place.b] = (place.n_out, settings.rank)
    return shapes


def outgoing(
    update: Mapping[str, np.ndarray[Any, Any]], config: Mapping[str, Any], settings: Settings
) -> Arrays:
    """`update`, where it is what may leave; the last thing that a client does before it sends.

    Raises `ValueError` with the reason for any other name, shape, type, NaN or a larger norm.
    """
    shapes = may_leave(config, settings)
    values = sum(math.prod(shape) for shape in shapes.values())
    if reason := problem(update, shapes, bound(settings, values)):
        raise ValueError(f"this update must not leave: {reason}")
    return dict(update)


def kind_of(error: BaseException) -> str:
    """All that a client tells of an error: its words could quote a text."""
    return next((kind.__name__ for kind in ERRORS if isinstance(error, kind)), "Exception")


def deviation(settings: Settings, clients: int) -> float:
    """Standard deviation of the noise on each value of the mean update: noise * clip / clients."""
    return settings.noise * settings.clip / clients


def bound(settings: Settings, values: int) -> float:
    """The largest norm that an honest update of so many values has when it leaves a client.

    Its own noise, where the client adds it, has a norm close to its deviation times
    sqrt(values); it exceeds that by 6 deviations with probability below 1e-8 (Laurent & Massart
    2000).
    """
    if settings.noise_at == "server" or not settings.noise:
        return settings.clip
    return settings.clip + client_deviation(settings) * (math.sqrt(values) + 6)


def client_deviation(settings: Settings) -> float:
    """Noise on each value of a client's own update, so that all of `users` make the sum's.

    Where some are missing the sum has less noise than was asked for; `multiplier` says how much.
    """
    return settings.noise * settings.clip / math.sqrt(settings.users)


def multiplier(settings: Settings, clients: int) -> float:
    """The noise multiplier that a round with so many updates really had."""
    if settings.noise_at == "server":
        return settings.noise
    return settings.noise * math.sqrt(clients / settings.users)


def noised(arrays: Arrays, deviation: float, rng: np.random.Generator) -> Arrays:
    """Each value with Gaussian noise of that standard deviation."""
    return {
        name: (value + rng.normal(0.0, deviation, value.shape)).astype(np.float32)
        for name, value in arrays.items()
    }


def epsilon(multipliers: list[float], delta: float) -> float | None:
    """Epsilon at `delta` after rounds with these noise multipliers; None where one had no noise.

    A Gaussian release of multiplier z has Rényi divergence a / (2 z²) at order a (Mironov 2017,
    arXiv:1702.07476, Prop. 7), rounds add up, and the conversion is Theorem 21 of Balle et al. 2020
    (arXiv:1905.09982), which dp-accounting uses too.
    """
    if not multipliers:
        return 0.0
    if min(multipliers) <= 0:
        return None
    slope = sum(0.5 / z**2 for z in multipliers)
    return max(
        0.0,
        min(
            a * slope + math.log1p(-1 / a) - (math.log(delta) + math.log(a)) / (a - 1)
            for a in ORDERS
        ),
    )


def flower_epsilon(multipliers: list[float], clients: int, delta: float) -> float | None:
    """The same by Flower's RdpAccountant; None without noise.

    Raises `ImportError` where Flower or dp-accounting, on which it stands, is not installed.
    """
    from flwr.supercore import privacy_accounting as accounting
    from flwr.supercore.privacy_accounting.rdp_accountant import RdpAccountant

    config = accounting.PrivacyConfig(
        target_delta=delta,
        population_size=clients,
        neighboring_relation=accounting.NeighboringRelation.ADD_OR_REMOVE_ONE,
        sampling_method=accounting.SamplingMethod.NO_AMPLIFICATION,
    )
    if not multipliers or min(multipliers) <= 0:
        return None if multipliers else 0.0
    accountant = RdpAccountant(config)
    for z in multipliers:
        accountant.compose(accounting.GaussianPrivacyEvent(z, clients, clients))
    return float(accountant.get_privacy_spent().epsilon)


def statement(settings: Settings, report: Mapping[str, Any]) -> str:
    """One line that says what the figure is worth."""
    eps, clients = report["epsilon"], report["users"]
    if not report["rounds_taken"]:
        return "nothing was learnt together: no round changed the shared adapter."
    if eps is None:
        return (
            "no differential privacy: updates are clipped but not noised (noise=0). Clipping "
            "alone bounds one user's influence and hides nobody."
        )
    share = deviation(settings, clients) * math.sqrt(report["values"]) / settings.clip
    worth = "useful" if share < 1 else f"the noise is {share:.0f} times the largest mean update"
    return (
        f"epsilon {eps:.2f} at delta {settings.delta:g} for one user's whole part, towards whoever "
        f"sees the published adapters; with {clients} users: {worth}."
    )
