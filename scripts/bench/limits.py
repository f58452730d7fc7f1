"""What this machine could do at most: memory read a second, multiplications a second.

In a process of its own, so that numpy's BLAS starts with as many threads as the engine has:

    python -m scripts.bench.limits THREADS MEGABYTES
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[2]
MEGABYTES = 256
"""Of the array that is read: many times the last cache of most machines."""
WIDTH = 1024
"""Rows and columns of the matrices that are multiplied."""
_BLAS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
_CACHES = Path("/sys/devices/system/cpu/cpu0/cache")


@dataclass(frozen=True, slots=True)
class Limit:
    """What one token of decoding costs at least, by the two ceilings that were measured."""

    memory_ms: float
    """Every byte of the weights read once from memory."""
    arithmetic_ms: float
    """Two operations a weight."""
    fits_cache: bool
    """Whether all weights fit the last cache, so that memory is no limit."""

    @property
    def ms(self) -> float:
        return self.arithmetic_ms if self.fits_cache else max(self.memory_ms, self.arithmetic_ms)

    @property
    def binds(self) -> str:
        return "memory" if self.ms == self.memory_ms else "arithmetic"


def limit(
    weight_bytes: int, weights: int, gb_s: float, gflops: float, cache_bytes: int | None
) -> Limit:
    """For a model of so many weights in so many bytes, on a machine with these ceilings."""
    return Limit(
        memory_ms=weight_bytes / gb_s / 1e6,
        arithmetic_ms=2 * weights / gflops / 1e6,
        fits_cache=cache_bytes is not None and weight_bytes <= cache_bytes,
    )


def last_cache_bytes() -> int | None:
    """Size of the last cache; None where the system doesn't say."""
    sizes = [
        int(found[1]) << {"K": 10, "M": 20}[found[2]]
        for file in sorted(_CACHES.glob("index*/size"))
        if (found := re.fullmatch(r"(\d+)([KM])", file.read_text().strip()))
    ]
    return max(sizes, default=None)


def measure(threads: int, megabytes: int = MEGABYTES) -> dict[str, float]:
    """{"bandwidth_gb_s", "gflops"}: the best of a few tries in a fresh process."""
    # A workaround for the BLAS of some machines makes the one inside numpy slow.
    env = {k: v for k, v in os.environ.items() if not k.startswith("OPENBLAS_")}
    done = subprocess.run(
        [sys.executable, "-m", "scripts.bench.limits", str(threads), str(megabytes)],
        cwd=ROOT,
        env=env | dict.fromkeys(_BLAS, str(threads)),
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, float] = json.loads(done.stdout)
    return found


def _best(act: Callable[[], object], tries: int) -> float:
    """Seconds of the fastest try."""
    seconds = []
    for _ in range(tries):
        started = time.perf_counter()
        act()
        seconds.append(time.perf_counter() - started)
    return min(seconds)


def _bandwidth(threads: int, megabytes: int) -> float:
    """GB/s of float32 read by `threads` at once: the largest of each part is looked for."""
    whole = np.ones(megabytes * 250_000, np.float32)
    parts = np.array_split(whole, threads)
    with ThreadPoolExecutor(threads) as pool:
        seconds = _best(lambda: list(pool.map(np.max, parts)), 6)
    return whole.nbytes / seconds / 1e9


def _gflops() -> float:
    """GFLOP/s of numpy's float32 matrix product, a multiplication and an addition being two."""
    draw = np.random.default_rng(0)
    a, b = draw.random((2, WIDTH, WIDTH), np.float32)
    return 2 * WIDTH**3 / _best(lambda: a @ b, 6) / 1e9


def main() -> None:
    threads, megabytes = map(int, sys.argv[1:])
    print(json.dumps({"bandwidth_gb_s": _bandwidth(threads, megabytes), "gflops": _gflops()}))


if __name__ == "__main__":
    main()
