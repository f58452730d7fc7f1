"""All that a federated run can be told, typed, from a flat table such as Flower's run config."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

ROOT = Path(__file__).resolve().parents[1]
"""Relative paths of a run's settings start here: Flower runs an app from a folder of its own."""

MARK = "[federated]"
"""Stands before each line of progress in Flower's log."""
Method = Literal["ffa", "avg", "svd", "local-only"]
LEARNING = (
    "method", "users", "texts", "steps", "lr", "batch_tokens", "layers", "targets", "rank", "alpha",
    "seed", "clip", "noise", "noise_at",
)  # fmt: skip
"""All that a device is told of a run; what it accepts of that, `federated.deploy.limits` says."""
FAULTS = r"((^|,)(nan|shape|norm|crash|slow):\d+)*"
"""What `Settings.faults` looks like."""


@dataclass(frozen=True, slots=True)
class Settings:
    """A run's settings; keys of the run config are the same words with "-" for "_"."""

    model: str = "work/shipped"
    """Folder of the checkpoint that everybody starts from; made of `gguf` where it is missing."""
    gguf: str = "models/sidelong-118m.gguf"
    """The same model as the device runs it; drafts are written with it."""
    data: str = "../shared/data"
    """Folder with glancechat/ and users/."""
    out: str = "work/federated"
    """Everything else that a run writes lies in here."""
    method: Method = "ffa"
    users: int = 9
    texts: int = 20
    """Texts of one user that are trained on, the latest ones."""
    rounds: int = 3
    steps: int = 8
    """Steps of one client in one round; one step is one batch."""
    local_steps: int = 64
    """Steps at most of the adapter that never leaves; where it stops, the gate says."""
    lr: float = 2e-3
    batch_tokens: int = 192
    layers: int = 4
    """How many of the last layers are adapted; those before are computed once a text."""
    targets: str = "q_proj,v_proj,o_proj,up_proj,down_proj"
    rank: int = 8
    alpha: float = 16.0
    seed: int = 5
    """Of A, of the choice of users, of the order of batches, and of simulated noise."""
    clip: float = 8.0
    """L2 norm that an update has at most when it leaves a client."""
    noise: float = 0.0
    """Noise multiplier: standard deviation of the sum's noise, over `clip`. 0 is no privacy."""
    noise_at: Literal["server", "client"] = "server"
    delta: float = 1e-5
    min_clients: int = 2
    """With fewer valid updates a round changes nothing."""
    timeout: float = 600.0
    """Seconds that a round may take at most; who is late is left out."""
    drafts: int = 2
    """Held-out replies of each user for which drafts are written (best of 3); 0 for none."""
    faults: str = ""
    """For trials: "nan:1,shape:2,norm:3,crash:4,slow:5", who misbehaves how."""
    resume: bool = False
    """Go on from the last round that `out` holds."""
    secure: bool = False
    """Secure aggregation (`federated/secure.py`): the server sees sums alone."""
    deployed: bool = False
    """Real devices take part (`federated/deploy/`): nobody's texts are read here, no figures are
    asked for, and a device is told no more than `LEARNING`."""

    def __post_init__(self) -> None:
        problems = {
            "method": self.method not in get_args(Method),
            "users": self.users < 1,
            "texts": self.texts < 1,
            "rounds": self.rounds < 0,
            "steps": self.steps < 1,
            "local_steps": self.local_steps < 1,
            "lr": not 0 < self.lr < math.inf,
            "batch_tokens": self.batch_tokens < 1,
            "rank": self.rank < 1,
            "layers": self.layers < 1,
            "alpha": not 0 < self.alpha < math.inf,
            "clip": not 0 < self.clip < math.inf,
            "noise": not 0 <= self.noise < math.inf,
            "noise_at": self.noise_at not in ("server", "client"),
            "delta": not 0 < self.delta < 1,
            "min_clients": self.min_clients < 1,
            "timeout": not 0 < self.timeout < math.inf,
            "drafts": self.drafts < 0,
            "faults": not re.fullmatch(FAULTS, self.faults),
            "targets": not 0 < len(self.target_names()) == len(set(self.target_names())),
            "seed": self.seed < 0,
            "secure": self.secure
            and (self.deployed or self.method not in ("ffa", "avg") or not 3 <= self.users <= 1024),
        }
        if wrong := [f"{key} = {getattr(self, key)!r}" for key, bad in problems.items() if bad]:
            raise ValueError(f"settings out of range: {', '.join(wrong)}")
        if self.noise and self.method == "svd":
            raise ValueError(
                "noise with method = 'svd' promises nothing: epsilon is for a noised sum, and what "
                "svd publishes is none; set method to ffa or avg"
            )

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Settings:
        """From a flat table; raises `ValueError` for a key that is none or a value out of range."""
        types = {f.name: type(f.default) for f in dataclasses.fields(cls)}
        values = {}
        for key, value in config.items():
            name = key.replace("-", "_")
            if name not in types:
                raise ValueError(f"no such setting: {key}; there are {', '.join(types)}")
            values[name] = _typed(key, value, types[name])
        return cls(**values)

    @classmethod
    def from_pairs(cls, pairs: Iterable[str], usual: Mapping[str, Any]) -> Settings:
        """From "key=value" as `--set` takes them, over what is usual; raises `ValueError`."""
        told = [pair.split("=", 1) for pair in pairs]
        if wrong := [pair for pair in told if len(pair) != 2]:
            raise ValueError(f"--set {wrong[0][0]}: write KEY=VALUE; federated/settings.py has all")
        return cls.from_config({**usual, **dict(told)})

    def to_config(self) -> dict[str, Any]:
        """The flat table that `from_config` reads."""
        return {k.replace("_", "-"): v for k, v in dataclasses.asdict(self).items()}

    def told(self) -> dict[str, Any]:
        """The part of `to_config` that clients are sent."""
        config = self.to_config()
        if not self.deployed:
            return config
        return {key: config[key] for key in (name.replace("_", "-") for name in LEARNING)}

    def path(self, name: Literal["model", "gguf", "data", "out"]) -> Path:
        """One of the paths, made absolute."""
        return ROOT / str(getattr(self, name))

    def tiny(self) -> Settings:
        """The tests' tiny model in the place of the shipped one: says whether everything runs."""
        folder, gguf = self.path("out") / "tiny", ROOT / "tests/tiny/tiny.gguf"
        return dataclasses.replace(
            self, model=str(folder), gguf=str(gguf), layers=1, steps=4, local_steps=6, texts=12
        )

    @property
    def trains_a(self) -> bool:
        """FFA-LoRA freezes A (Sun et al. 2024, arXiv:2403.12313); so does what stays local."""
        return self.method in ("avg", "svd")

    def target_names(self) -> tuple[str, ...]:
        """("q_proj", ...)"""
        return tuple(filter(None, (t.strip() for t in self.targets.split(","))))

    def digest(self) -> str:
        """Says whether a checkpoint was made with the same settings, those left out that no round
        asks for."""
        told = dataclasses.asdict(self)
        for free in ("rounds", "resume", "out", "timeout", "local_steps", "drafts", "faults"):
            del told[free]
        return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:16]


def _typed(key: str, value: Any, kind: type) -> Any:
    """A value as the setting's type; raises `ValueError` with the setting's name."""
    if kind is bool and value in ("true", "false"):
        return value == "true"
    try:
        if kind is bool and not isinstance(value, bool):
            raise ValueError
        if kind is int and isinstance(value, (bool, float)):  # int() would cut it short
            raise ValueError
        return kind(value)
    except (TypeError, ValueError):
        what = "true or false" if kind is bool else f"of type {kind.__name__}"
        raise ValueError(f"{key} = {value!r} is not {what}") from None
