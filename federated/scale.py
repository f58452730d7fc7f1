"""How a round grows with its users, and what the server's own part costs.

    python -m federated.scale [--users 10 100 1000] [--updates 10 100 1000 10000] [--plot FILE]

Rounds: the whole simulation (`federated.simulate`) on the tests' model with made-up users, two
clients at a time, a step each: Flower's, Ray's and our own overhead, since the training itself is
next to nothing. Aggregation: updates of the default adapter's size, checked, summed and noised as
`federated.strategy` does, one core, no network. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import dataclasses
import gzip
import json
import random
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from device.errors import SidelongError
from federated import privacy
from federated.adapters import Arrays, clipped
from federated.aggregate import combined, split_valid, with_noise
from federated.base_model import config_of
from federated.flower import RunFailed
from federated.settings import ROOT, Settings
from federated.simulate import simulate

WORDS = ("milk", "home", "late", "train", "dinner", "sure", "thanks", "Friday", "cake", "eight")


def made_up(folder: Path, users: int, texts: int = 10) -> None:
    """A data folder with so many users of the SMS set's form, and no others."""
    (folder / "glancechat").mkdir(parents=True, exist_ok=True)
    (folder / "users").mkdir(exist_ok=True)
    (folder / "glancechat/splits.json").write_text('{"development": []}')
    draw = random.Random(0)

    def records() -> Iterator[str]:
        for user in range(users):
            for number in range(texts):
                text = f"{' '.join(draw.choices(WORDS, k=4))} {user} {number}"
                thread = [{"from": f"u{user}", "ts": None, "text": text}]
                yield json.dumps({"id": f"{user}-{number}", "user": f"u{user}", "thread": thread})

    with gzip.open(folder / "users/nus_sms.jsonl.gz", "wt") as file:
        file.writelines(f"{line}\n" for line in records())
    with gzip.open(folder / "users/gitter_user_replies.jsonl.gz", "wt") as file:
        file.write("")


def rounds(users: int, folder: Path, cpus: int) -> dict[str, Any]:
    """A simulation with so many users, one round. Raises `RunFailed`."""
    data, out = folder / f"data-{users}", folder / f"run-{users}"
    made_up(data, users)
    settings = dataclasses.replace(
        Settings(data=str(data), out=str(out), users=users).tiny(),
        texts=8, steps=1, local_steps=1, drafts=0, rounds=1, timeout=3600.0,
    )  # fmt: skip
    started = time.monotonic()
    report: Mapping[str, Any] = simulate(settings, cpus)
    (done,) = report["by_round"]
    return {
        "users": users,
        "taken": done["taken"],
        "round_s": round(done["seconds"], 1),
        "whole_s": round(time.monotonic() - started, 1),
        "client_mb": report["peak_mb"],
        "server_mb": report["server_mb"],
    }


def updates(count: int, settings: Settings) -> Iterator[tuple[int, Arrays]]:
    """So many updates of the default adapter's size; 64 different ones, again and again."""
    draw = np.random.default_rng(0)
    shapes = privacy.may_leave(config_of(settings.path("gguf")), settings)
    pool = [
        clipped(
            {n: draw.normal(size=s).astype(np.float32) for n, s in shapes.items()}, settings.clip
        )[0]
        for _ in range(min(64, count))
    ]
    for number in range(count):
        yield number, pool[number % len(pool)]


def aggregation(count: int) -> dict[str, Any]:
    """Seconds of one core to check and sum so many updates, and to noise the mean."""
    settings = Settings(noise=1.0)
    these = list(updates(count, settings))
    shapes = {name: value.shape for name, value in these[0][1].items()}
    start = {name: np.zeros(shape, np.float32) for name, shape in shapes.items()}
    began = time.process_time()
    valid, refused = split_valid(these, shapes, privacy.bound(settings, 0))
    with_noise(combined(start, valid, settings), count, settings)
    seconds = time.process_time() - began
    assert not refused
    size = sum(4 * value.size for value in start.values())
    return {"updates": count, "cpu_s": round(seconds, 3), "received_mb": round(count * size / 1e6)}


def draw(report: Mapping[str, Any], path: Path) -> None:
    """Seconds over users, and over updates."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 3.8), layout="tight")
    left, right = figure.subplots(1, 2)
    users = [r["users"] for r in report["rounds"]]
    left.plot(users, [r["round_s"] for r in report["rounds"]], "o-", label="the round, s")
    left.plot(users, [r["whole_s"] for r in report["rounds"]], "o-", label="all of the run, s")
    left.plot(users, [r["client_mb"] for r in report["rounds"]], "s--", label="a client, MB")
    left.plot(users, [r["server_mb"] for r in report["rounds"]], "s--", label="the server, MB")
    left.set_xlabel("simulated users, two at a time")
    right.plot([a["updates"] for a in report["aggregation"]],
               [a["cpu_s"] for a in report["aggregation"]], "o-", label="one core, s")  # fmt: skip
    right.set_xlabel("updates of 442,368 bytes, aggregated")
    for axes in (left, right):
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.grid(alpha=0.3)
        axes.legend(fontsize=8)
    figure.savefig(path, dpi=110)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--users", type=int, nargs="*", default=[10, 100, 1000])
    parser.add_argument("--updates", type=int, nargs="*", default=[10, 100, 1_000, 10_000])
    parser.add_argument("--cpus", type=int, default=2, help="clients that run at a time")
    parser.add_argument("--folder", type=Path, default=ROOT / "work/scale")
    parser.add_argument("--plot", type=Path)
    args = parser.parse_args()
    if any(count < 1 for count in (*args.users, *args.updates)):
        parser.error("--users and --updates: numbers from 1 on")
    if args.plot and not (args.users and args.updates and args.plot.parent.is_dir()):
        parser.error(f"--plot {args.plot}: needs users, updates, and a folder that is there")
    report: dict[str, Any] = {"aggregation": [], "rounds": []}
    try:
        for count in args.updates:
            report["aggregation"].append(aggregation(count))
            line = "{updates:6} updates: {cpu_s:8} s of one core"
            print(line.format(**report["aggregation"][-1]), flush=True)
        for users in args.users:
            report["rounds"].append(rounds(users, args.folder, args.cpus))
            line = (
                "{users:6} users: {taken} updates in {round_s} s, all {whole_s} s, "
                "a client {client_mb} MB, the server {server_mb} MB"
            )
            print(line.format(**report["rounds"][-1]), flush=True)
    except (RunFailed, SidelongError, ValueError, OSError) as error:
        print(f"federated: {error}", file=sys.stderr)
        raise SystemExit(2) from None
    if args.plot:
        draw(report, args.plot)
    print(json.dumps(report))


if __name__ == "__main__":
    main()
