"""How llama.cpp is run on this CPU: found by measuring, remembered for each model and CPU.

    tuning.json   {"version": 2,
                   "tunings": {"<model's SHA-256> <CPU> <llama-cpp-python>": {"threads": 4, ...}}}

A tuning changes how long the wearer waits, never what is said: whatever makes the model say other
words than untuned is out, however fast it is.
"""

from __future__ import annotations

import json
import math
import platform
import statistics
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, fields, replace
from importlib import metadata
from pathlib import Path
from typing import Any, Literal, get_args, get_type_hints

from device.cpu import cores, cpu_name
from device.disk import write_atomically
from device.errors import ModelError
from device.settings import default_data_dir

VERSION = 2
"""One more whenever what is untuned changes: what was found beside it holds no longer."""
GAIN = 0.03
"""A change must save this part of the time in three rounds of four; less may be chance."""
LEAST_ROUNDS = 3
"""With fewer it can't be told what is chance."""

MOST_ROWS = 512
"""The largest batch that can be told."""

Flash = Literal["on", "off"]
Keys = Literal["f16", "q8_0"]


@dataclass(frozen=True, slots=True)
class Tuning:
    """What llama.cpp is told; untuned by default."""

    threads: int | None = None
    """None is one a core."""
    batch: int = 128
    """Tokens that are computed in one go at most (llama.cpp's `n_ubatch`)."""
    flash: Flash = "off"
    """Flash attention. On a CPU its quick kernel begins at 64 rows, and a message has fewer
    (docs/performance.md)."""
    keys: Keys = "f16"
    """How the keys of the KV cache are kept. Values stay in f16: without flash attention they can't
    be had in less."""
    repack: bool = True
    """Whether weights are laid out anew for the CPU at load."""


UNTUNED = Tuning()


def knobs(n_cores: int) -> list[list[dict[str, Any]]]:
    """The changes that are tried, one group after the other, on the best that was found before."""
    threads = sorted({n for n in (1, 2, 3, 4, 6, 8, 12, 16, n_cores // 2) if 0 < n < n_cores})
    return [
        [{"threads": n} for n in threads[-4:]],
        [{"repack": False}],
        [{"flash": "on"}],
        [{"batch": 64}, {"batch": 256}, {"batch": MOST_ROWS}],
        [{"keys": "q8_0"}],
    ]


@dataclass(frozen=True, slots=True)
class Trial:
    """One measurement."""

    ms: float
    said: tuple[int, ...]
    """The tokens that the model chose meanwhile, greedily."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What became of one candidate."""

    tuning: Tuning
    ms: float
    """Median of its rounds; infinite where the model can't be run so."""
    saved: float
    """Part of the time of the best before it: the lower quartile over the rounds, each compared
    within itself."""
    same_words: bool

    @property
    def holds(self) -> bool:
        """Whether it is quicker by more than chance, and says the same."""
        return self.same_words and self.saved > GAIN


Measure = Callable[[Tuning], Trial]


def tune(
    measure: Measure, groups: Sequence[Sequence[dict[str, Any]]], rounds: int
) -> tuple[Tuning, list[list[Finding]]]:
    """The best tuning, and a group's findings, the best before it first.

    The candidates of a group are measured in turn, round after round (`LEAST_ROUNDS` or more), so
    that a machine that is slow for a while is slow for all of them. What is taken saves more than
    `GAIN` in its lower quartile: in all rounds of three, in four of five.

    Raises `ModelError` for a model that can't be run.
    """
    best, said = UNTUNED, measure(UNTUNED).said  # this one also reads the file into memory
    found = []
    for group in groups:
        candidates = [best, *(replace(best, **change) for change in group)]
        turns = [[_trial(measure, candidate) for candidate in candidates] for _ in range(rounds)]
        by_candidate = list(zip(*turns, strict=True))
        before = [trial.ms for trial in by_candidate[0]]
        findings = [
            _finding(candidate, trials, before, said)
            for candidate, trials in zip(candidates, by_candidate, strict=True)
        ]
        quicker = [finding for finding in findings if finding.holds]
        best = min(quicker, key=lambda f: f.ms, default=findings[0]).tuning
        found.append(findings)
    return best, found


def _finding(
    candidate: Tuning, trials: Sequence[Trial], before: Sequence[float], said: tuple[int, ...]
) -> Finding:
    """`before`: milliseconds of the best so far in the same rounds; `said`: its words."""
    saved = [1 - trial.ms / ms for trial, ms in zip(trials, before, strict=True)]
    return Finding(
        candidate,
        statistics.median(trial.ms for trial in trials),
        statistics.quantiles(saved, n=4, method="inclusive")[0],
        all(trial.said == said for trial in trials),
    )


def _trial(measure: Measure, candidate: Tuning) -> Trial:
    try:
        return measure(candidate)
    except ModelError:  # keys in 8 bits, say, of a head whose width is no multiple of 32
        return Trial(math.inf, ())


def words(tuning: Tuning) -> str:
    """A tuning for people."""
    threads = "a thread a core"
    if tuning.threads is not None:
        threads = f"{tuning.threads} thread{'s' * (tuning.threads > 1)}"
    repacked = "repacked" if tuning.repack else "as they are"
    return (
        f"{threads}, weights {repacked}, flash attention {tuning.flash}, "
        f"batches of {tuning.batch}, keys {tuning.keys}"
    )


class Tunings:
    """The tunings that this machine remembers."""

    def __init__(self, path: Path):
        self.path = path

    @classmethod
    def default(cls) -> Tunings:
        """Those in the wearer's data folder."""
        return cls(default_data_dir() / "tuning.json")

    def of(self, sha256: str) -> Tuning | None:
        """The tuning of a model on this CPU; None where there is none or none that makes sense."""
        return _tuning(self._all().get(_key(sha256)))

    def remember(self, sha256: str, tuning: Tuning) -> None:
        """Use this one for the model from now on, on this CPU. Raises `OSError`."""
        self._write(self._all() | {_key(sha256): asdict(tuning)})

    def forget(self, sha256: str) -> bool:
        """Run the model untuned again; whether anything was forgotten. Raises `OSError`."""
        tunings = self._all()
        known = tunings.pop(_key(sha256), None) is not None
        if known:
            self._write(tunings)
        return known

    def _all(self) -> dict[str, Any]:
        """What the file holds. Damaged or newer, it is as good as none: tuning is only speed."""
        try:
            record = json.loads(self.path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        if not isinstance(record, dict) or record.get("version") != VERSION:
            return {}
        tunings = record.get("tunings")
        return tunings if isinstance(tunings, dict) else {}

    def _write(self, tunings: dict[str, Any]) -> None:
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        record = {"version": VERSION, "tunings": tunings}
        write_atomically(self.path, json.dumps(record, indent=1) + "\n")


def _key(sha256: str) -> str:
    release = metadata.version("llama-cpp-python")  # another one has other kernels
    return f"{sha256} {platform.machine()} {cpu_name()} x{cores()} {release}"


def _tuning(record: object) -> Tuning | None:
    """A tuning as the file holds it; None for what llama.cpp could stumble over."""
    names = {field.name for field in fields(Tuning)}
    if not isinstance(record, dict) or set(record) != names:
        return None
    hints = get_type_hints(Tuning)
    threads, batch = record["threads"], record["batch"]
    sound = (
        (threads is None or (type(threads) is int and 0 < threads <= cores()))
        and (type(batch) is int and 32 <= batch <= MOST_ROWS)
        and all(record[name] in get_args(hints[name]) for name in ("flash", "keys"))
        and isinstance(record["repack"], bool)
    )
    return Tuning(**record) if sound else None
