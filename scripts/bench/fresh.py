"""What only a fresh process can tell: cold start to the first glance, and peak memory.

    python -m scripts.bench.fresh MODEL THREADS CONTEXT

The child loads the model, reads the thread, writes "glance" when it has one, then does the whole
card and writes the most memory that it ever held.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
_STATUS = Path("/proc/self/status")


def measure(model: Path, threads: int, context: int) -> dict[str, float]:
    """{"cold_start_ms", "rss_mb"}; the start of Python and all imports are part of it."""
    command = [sys.executable, "-m", "scripts.bench.fresh", str(model), str(threads), str(context)]
    started = time.perf_counter()
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        child.stdout.readline()
        glanced = (time.perf_counter() - started) * 1000
        rest = child.stdout.read()
    if child.returncode:
        raise subprocess.CalledProcessError(child.returncode, command)
    return {"cold_start_ms": glanced, "rss_mb": float(rest)}


def peak_mb() -> float:
    """The most memory that this process has held, in MB (10^6 bytes)."""
    if _STATUS.exists():
        lines = _STATUS.read_text().splitlines()
        return next(int(x.split()[1]) for x in lines if x.startswith("VmHWM")) * 1024 / 1e6
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # macOS counts bytes
    return used / 1e6 if sys.platform == "darwin" else used * 1024 / 1e6


def main() -> None:
    # Only here: the imports belong to what is measured, and the parent needs none of them.
    from device.language.load import Model, load_writer
    from scripts.bench.chat import arrived, read_thread
    from scripts.bench.watch import GlanceWatch

    model, threads, context = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    watch = GlanceWatch(lambda: print("glance", flush=True))
    # The hash is what the catalog remembers of a verified file.
    writer = load_writer(
        Model("bench", model, sha256="bench"), threads=threads, context=context, watch=watch
    )
    writer.card(arrived(read_thread()))
    print(peak_mb())


if __name__ == "__main__":
    main()
