"""What only a fresh process can tell: cold start to the first glance, and peak memory.

    python -m scripts.bench.fresh MODEL SHA256 THREADS CONTEXT

The child loads the model, reads the thread, writes "glance" when there is one to show, then does
the whole card and writes the most memory that it ever held.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]


def measure(model: Path, sha256: str, threads: int, context: int) -> dict[str, float]:
    """{"cold_start_ms", "rss_mb"}; the start of Python and all imports are part of it.

    `sha256` is the model's, as the catalog remembers it of a verified file: by it its tuning is
    found.
    """
    asked = (model, sha256, threads, context)
    command = [sys.executable, "-m", "scripts.bench.fresh", *map(str, asked)]
    started = time.perf_counter()
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        child.stdout.readline()
        glanced = (time.perf_counter() - started) * 1000
        rest = child.stdout.read()
    if child.returncode:
        raise subprocess.CalledProcessError(child.returncode, command)
    return {"cold_start_ms": glanced, "rss_mb": float(rest)}


def main() -> None:
    # Only here: the imports belong to what is measured, and the parent needs none of them.
    from device.language.load import Model, load_writer
    from device.memory import peak_mb
    from scripts.bench.chat import arrived, read_thread

    model, sha256, threads, context = Path(sys.argv[1]), sys.argv[2], *map(int, sys.argv[3:])
    writer = load_writer(Model("bench", model, sha256), threads=threads, context=context)
    stages = writer.stages(arrived(read_thread()))
    next(stages)
    print("glance", flush=True)
    next(stages)
    print(peak_mb())


if __name__ == "__main__":
    main()
