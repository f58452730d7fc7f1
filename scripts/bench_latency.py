"""How long the wearer waits on this machine, how far that is from what the machine allows, and how
long others would take with the same weights, prompt and threads.

    python scripts/bench_latency.py [--quick] [--onnx-int8 DIR] [--checkpoint DIR] ...

The physics. To write one token every weight is needed once, and is used once: two operations for
the half byte of memory that a weight in 4 bits takes. So decoding is bound by

    bytes of weights / memory bandwidth        where they don't fit the last cache
    2 * weights / arithmetic                   where they do

whichever takes longer, and more drafts in one batch cost little as long as memory binds: the
weights that were fetched serve all of them. Reading a prompt uses each fetched weight for every
token of a batch, so that arithmetic binds it: 500 tokens take hundreds of times the arithmetic of
one. That is what the plain way pays for every task of every message, and what Sidelong pays once,
when a message arrives, for that message alone.

Both ceilings are measured here: memory by looking for the largest number of an array many times
the cache, read by as many threads as the engine has; arithmetic by numpy's float32 matrix product
on as many. The product of 4-bit weights and 8-bit activations, which the engine computes, can in
principle go beyond the latter (more numbers fit a register), so that the arithmetic ceiling is a
yardstick and no law; the memory ceiling is one. Of both the best round counts, as in STREAM: what
disturbs only ever makes a machine look slower than it is. Where a token takes less than its ceiling
allows nevertheless, no share of it is told. Where a model's embedding and head are two
matrices, both are counted, although only a row of the former is read.

Everything is measured in turn, round after round, because a machine that does other things too is
slow for seconds at a time. Figures are medians with quartiles; ratios are taken within a round,
and the median of those is told. The last line is one JSON object: figures, null for what can't be
measured here; then the ceilings, which targets of issue 4 are met, and every sample's spread.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from rich.console import Console

from device.cpu import cores, cpu_name
from device.disk import sha256_of
from device.errors import ModelError
from device.language.tuning import UNTUNED, Tunings, words
from scripts.bench.figures import document
from scripts.bench.ours import Sizes
from scripts.bench.peers import Absent
from scripts.bench.report import disturbed, show
from scripts.bench.run import KINDS, PEERS, Bench, Files

ROOT = Path(__file__).resolve().parents[1]
QUICK, FULL = (3, 1), (5, 3)
"""Rounds of everything, and of the slow peers."""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--quick",
        action="store_true",
        help="less than a minute without others' ways; what takes seconds is measured once",
    )
    parser.add_argument("--model", type=Path, default=ROOT / "models/sidelong-118m.gguf")
    parser.add_argument("--threads", type=int, help="(default: as tuned, else one a core)")
    parser.add_argument(
        "--untuned", action="store_true", help="leave out what `sidelong tune` remembers of MODEL"
    )
    for kind in KINDS:
        parser.add_argument(f"--onnx-{kind}", type=Path, metavar="DIR", help="from `make onnx`")
    parser.add_argument(
        "--checkpoint", type=Path, metavar="DIR", help="the same weights for torch (`make onnx`)"
    )
    parser.add_argument("--llama-bench", type=Path, metavar="PATH", help="llama.cpp's own tool")
    parser.add_argument(
        "--plot", type=Path, metavar="FILE", help="a PNG (default: work/latency.png)"
    )
    return parser


def _problem(args: argparse.Namespace) -> str | None:
    """What is wrong with the arguments, on one line."""
    if args.threads is not None and not 0 < args.threads <= cores():
        return f"--threads {args.threads}: from 1 to {cores()}, the cores of this machine"
    for name, path, what in (
        ("--model", args.model, "a .gguf file"),
        ("--llama-bench", args.llama_bench, "the program of that name in llama.cpp's build/bin"),
    ):
        if path is not None and path.is_dir():
            return f"{name} {path}: a folder; give {what}"
        if path is not None and not path.is_file():
            return f"{name} {path}: no such file; give {what}"
    if args.llama_bench and not os.access(args.llama_bench, os.X_OK):
        return f"--llama-bench {args.llama_bench}: no program (it may not be executed)"
    for name, file in (
        *((f"onnx_{kind}", "model.onnx") for kind in KINDS),
        ("checkpoint", "config.json"),
    ):
        path = getattr(args, name)
        if path is not None and not (path / file).is_file():
            lacks = f"no {file} in it" if path.is_dir() else "no such folder"
            return f"--{name.replace('_', '-')} {path}: {lacks}; `make onnx` makes one"
    if args.plot and not args.plot.parent.is_dir():
        return f"--plot {args.plot}: no such folder"
    if args.plot and args.plot.is_dir():
        return f"--plot {args.plot}: a folder; name a file in it"
    if args.plot and not find_spec("matplotlib"):
        return "--plot: matplotlib isn't installed (pip install -e '.[bench]')"
    return None


def _plot(bench: Bench, path: Path | None, title: str) -> str:
    """Draw the picture; says where it is, or why there is none."""
    if not find_spec("matplotlib"):
        return "no plot: matplotlib isn't installed (pip install -e '.[bench]')"
    from scripts.bench.plot import draw

    if path is None:
        path = ROOT / "work/latency.png"
        path.parent.mkdir(exist_ok=True)
    try:
        draw(path, bench.samples, bench.sizes.histories, PEERS, title)
    except OSError as error:  # what was measured for minutes is told all the same
        return f"no plot: {path} can't be written ({error.strerror})"
    return f"plot: {path}"


def main(arguments: list[str] | None = None, sizes: Sizes | None = None) -> int:
    """`sizes` other than the usual ones are for tests."""
    parser = _parser()
    args = parser.parse_args(arguments)
    if problem := _problem(args):
        print(problem, file=sys.stderr)
        return 2
    console, status = Console(width=100), Console(stderr=True)
    onnx = {k: v for k in KINDS if (v := getattr(args, f"onnx_{k}"))}
    sha256 = "untuned" if args.untuned else sha256_of(args.model)
    tuning = Tunings.default().of(sha256) or UNTUNED
    threads = args.threads or tuning.threads or cores()
    files = Files(args.model.resolve(), onnx, args.checkpoint, args.llama_bench, sha256, tuning)
    rounds, slow = QUICK if args.quick else FULL
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None  # Windows has none
    with tempfile.TemporaryDirectory() as folder, status.status("loading") as line:
        try:
            bench = Bench(files, threads, sizes or Sizes(), Path(folder))
        except (ModelError, Absent) as error:
            print(error, file=sys.stderr)
            return 2
        found = bench.measure(rounds, slow, line.update)
    show(console, bench.samples, found, bench.limit, bench.sizes.histories, PEERS, bench.absent)
    console.print(disturbed(bench.samples, load, cores()), soft_wrap=True, highlight=False)
    about = {
        "model": args.model.name,
        "threads": threads,
        "tuning": words(tuning),
        "machine": platform.machine(),
        "processor": cpu_name(),
        "cores": cores(),
        "load_before": load,
        "rounds": rounds,
        "quick": args.quick,
    }
    tuned = "untuned" if tuning == UNTUNED else "tuned"
    title = f"{args.model.name}, {tuned}, {threads} threads, {about['processor']}"
    console.print(f"{args.model.name}: {tuned}, {words(tuning)}", soft_wrap=True, highlight=False)
    console.print(_plot(bench, args.plot, title), soft_wrap=True, highlight=False)
    print(json.dumps(document(found, bench.samples, bench.limit, bench.absent, about)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
