"""Joules, where the machine tells: RAPL on PCs, the power chip of a Raspberry Pi 5."""

from __future__ import annotations

import re
import shutil
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

POWERCAP = Path("/sys/class/powercap")
EVERY = 0.1
"""Seconds between two readings of a Pi."""
_RAIL = re.compile(r"(\w+)_(A|V) (?:current|volt)\(\d+\)=([\d.]+)[AV]")


def joules(act: Callable[[], object], powercap: Path = POWERCAP) -> float | None:
    """What the whole machine uses while `act` runs; None where nothing tells."""
    packages = _packages(powercap)
    if packages:
        before = [_microjoules(p) for p in packages]
        act()
        used = zip(packages, before, strict=True)
        return sum(_difference(p, b, _microjoules(p)) for p, b in used) / 1e6
    if shutil.which("vcgencmd") and watts(_pmic()):
        return _sampled(act)
    return None


def watts(reading: str) -> float:
    """Sum over the rails of `vcgencmd pmic_read_adc`: amperes times volts."""
    rails: dict[str, dict[str, float]] = {}
    for rail, unit, value in _RAIL.findall(reading):
        rails.setdefault(rail, {})[unit] = float(value)
    return sum(r["A"] * r["V"] for r in rails.values() if len(r) == 2)


def _packages(powercap: Path) -> list[Path]:
    """RAPL's counters of whole packages that may be read."""
    found = []
    for folder in sorted(powercap.glob("*-rapl:*")):
        try:
            if (folder / "name").read_text().startswith("package"):
                _microjoules(folder)
                found.append(folder)
        except OSError:  # since 2020 for root only
            continue
    return found


def _microjoules(folder: Path) -> int:
    return int((folder / "energy_uj").read_text())


def _difference(folder: Path, before: int, after: int) -> int:
    """Microjoules between two readings of a counter that starts again at its end."""
    if after >= before:
        return after - before
    return after - before + int((folder / "max_energy_range_uj").read_text())


def _pmic() -> str:
    command = ["vcgencmd", "pmic_read_adc"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


def _sampled(act: Callable[[], object]) -> float:
    """Mean of the readings while `act` runs, times its seconds."""
    readings = [watts(_pmic())]
    ended = threading.Event()

    def read() -> None:
        while not ended.wait(EVERY):
            readings.append(watts(_pmic()))

    reader = threading.Thread(target=read)
    reader.start()
    started = time.perf_counter()
    try:
        act()
    finally:
        seconds = time.perf_counter() - started
        ended.set()
        reader.join()
    return sum(readings) / len(readings) * seconds
