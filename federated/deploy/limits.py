"""What a device accepts of what a server tells it: the wearer's limits, which no server can raise.

A server that is hostile, or was broken into, can ask for anything. It gets an update clipped to the
device's own bound, from few steps on few texts, a bounded number of times, or a refusal.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from federated.settings import LEARNING, Settings


@dataclass(frozen=True, slots=True)
class Limits:
    """What one device allows."""

    clip: float = 8.0
    """L2 norm that an update has at most when it leaves."""
    noise: float = 0.0
    """Standard deviation, in units of the clipping norm, that the noise on this device's own update
    has at least. 0 allows updates without noise of their own."""
    rounds: int = 100
    """Rounds that this device takes part in altogether."""
    steps: int = 64
    """Steps of a round."""
    texts: int = 200
    """Texts that a round learns from."""
    rank: int = 32
    layers: int = 8
    batch_tokens: int = 1024

    def __post_init__(self) -> None:
        if not 0 < self.clip < math.inf or not 0 <= self.noise < math.inf or self.rounds < 1:
            raise ValueError(
                f"limits out of range: clip {self.clip}, noise {self.noise}, rounds {self.rounds}"
            )


def agreed(told: Mapping[str, Any], limits: Limits, **own: str) -> Settings:
    """The settings of a round: what the server told, in the device's own folders (`own`).

    Raises `ValueError` where the server tells something else than `LEARNING`, or asks for more than
    the limits allow.
    """
    names = {key.replace("-", "_"): value for key, value in told.items()}
    if set(names) != set(LEARNING):
        raise ValueError(f"told {sorted(set(names) ^ set(LEARNING))} too much or too little")
    settings = Settings.from_config(names | own | {"deployed": True})
    too_much = [
        f"{name} {getattr(settings, name):g} (at most {getattr(limits, name):g})"
        for name in ("clip", "steps", "texts", "rank", "layers", "batch_tokens")
        if getattr(settings, name) > getattr(limits, name)
    ]
    if own_noise(settings) < limits.noise:
        too_much.append(f"noise {own_noise(settings):g} (at least {limits.noise:g})")
    if too_much:
        raise ValueError(f"the server asks for more than is allowed: {', '.join(too_much)}")
    return settings


def own_noise(settings: Settings) -> float:
    """Noise multiplier of one device's update by itself: its share of the sum's."""
    if settings.noise_at == "server":
        return 0.0
    return settings.noise / math.sqrt(settings.users)
