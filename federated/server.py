"""A whole run on the server's side: users, rounds, figures, report."""

from __future__ import annotations

import shutil
import time

import numpy as np
from flwr.app import ConfigRecord, Message
from flwr.app.message_type import MessageType
from flwr.serverapp import Grid
from gguf import GGUFReader
from safetensors import safe_open

from export.from_gguf import from_gguf
from export.to_gguf import read_config
from federated.adapters import Arrays, initial, sent, write_gguf
from federated.processes import alone, watch_parent
from federated.report import report_of, write_report
from federated.secure import secure_round
from federated.settings import Settings
from federated.strategy import (
    AdapterStrategy,
    Round,
    info,
    load,
    messages,
    nodes,
    save,
    to_record,
)
from federated.task import LIMIT, LONGEST, memory_bound, peak_mb
from federated.users import load_users, write_partitions


def run(grid: Grid, settings: Settings) -> None:
    """Rounds, then figures, then `report.json` and `report.png` in `settings.out`.

    Raises `ValueError` where there are fewer users than asked for, or a checkpoint to resume from
    is of other settings, and `RuntimeError` where no client can be examined or another run writes
    to the same folder.
    """
    watch_parent()
    with alone(settings.path("out")):
        _run(grid, settings)


def _run(grid: Grid, settings: Settings) -> None:
    started = time.monotonic()
    folder = settings.path("out")
    _checkpoint(settings)
    config = read_config(settings.path("model"))
    arrays, rounds = _start(settings, initial(config, settings))
    names = _partitions(settings)
    tokens = settings.texts * 2 * (LIMIT + LONGEST)
    bound = memory_bound(config, settings, arrays, tokens)
    info(f"{len(names)} users; each process of clients needs at most {bound:.0f} MB")
    if not rounds:
        save(folder, settings, arrays, rounds)
    left = 0 if settings.method == "local-only" else settings.rounds - len(rounds)
    if left > 0:
        strategy = AdapterStrategy(settings, arrays, folder, rounds, info)
        if settings.secure:
            for _ in range(left):
                secure_round(grid, settings, strategy)
        else:
            strategy.start(
                grid=grid,
                initial_arrays=to_record(sent(arrays, settings)),
                num_rounds=left,
                timeout=settings.timeout,
                train_config=ConfigRecord(),
            )
        arrays = strategy.arrays
    write_gguf(folder / "federated.gguf", arrays, config, settings, "federated")
    figures = _examine(grid, settings, arrays)
    report = report_of(settings, names, rounds, figures, arrays)
    report |= {"seconds": round(time.monotonic() - started, 1), "memory_bound_mb": round(bound)}
    report["server_mb"] = round(peak_mb())
    write_report(folder, report)


def _checkpoint(settings: Settings) -> None:
    """The shipped model's own weights as a checkpoint, where there is none yet.

    Raises `ValueError` where there is one of another model.
    """
    folder, model = settings.path("model"), settings.path("gguf")
    if not folder.exists():
        info(f"writing the weights of {model} to {folder}")
        fresh = folder.with_name(f"{folder.name}.new")
        shutil.rmtree(fresh, ignore_errors=True)
        from_gguf(model, fresh)
        fresh.rename(folder)
    with safe_open(folder / "model.safetensors", framework="np") as weights:
        norm = weights.get_tensor("model.norm.weight")
    (same,) = (t.data for t in GGUFReader(model).tensors if t.name == "output_norm.weight")
    if not np.array_equal(norm.astype(np.float32), same):
        raise ValueError(f"{folder} has other weights than {model}; remove it, or set model=")


def _start(settings: Settings, fresh: Arrays) -> tuple[Arrays, list[Round]]:
    """(adapter, rounds behind it): the last checkpoint's where the run resumes."""
    found = load(settings.path("out"), settings) if settings.resume else None
    if found is None:
        return fresh, []
    info(f"resumed behind round {len(found[1])}")
    return found


def _partitions(settings: Settings) -> list[str]:
    """The users' names; writes each one's own file. Only a simulation's server sees any text."""
    users = load_users(settings)
    if len(users) < settings.users:
        raise ValueError(
            f"{settings.path('data')} has {len(users)} users with enough texts, not "
            f"{settings.users}; set users={len(users)}"
        )
    write_partitions(users, settings.path("out") / "users")
    return [user.name for user in users]


def _examine(grid: Grid, settings: Settings, arrays: Arrays) -> list[dict[str, float]]:
    """Figures of every user whose client answered."""
    there = nodes(grid, settings.users, settings.timeout)
    info(f"examining {len(there)} users: no adapter, local only, federated, federated + local")
    asked = messages(there, MessageType.EVALUATE, settings, sent(arrays, settings), 0)
    waiting = set(grid.push_messages(asked))
    # It trains every user twice more, so it may take longer than a round.
    until = time.monotonic() + 3 * settings.timeout
    found: list[dict[str, float]] = []
    while waiting and time.monotonic() < until:
        time.sleep(1)
        replies = list(grid.pull_messages(waiting))
        waiting -= {reply.metadata.reply_to_message_id for reply in replies}
        found += filter(None, map(_figures, replies))
        if replies:
            info(f"  {len(found)} of {len(there)} examined")
    if waiting:
        info(f"  {len(waiting)} did not answer within {3 * settings.timeout:g} s")
    if not found:
        raise RuntimeError(
            "no client could be examined; the lines above say why, or raise timeout="
        )
    return sorted(found, key=lambda f: f["user"])


def _figures(reply: Message) -> dict[str, float]:
    if reply.has_error():
        info(f"  client {reply.metadata.src_node_id} could not be examined: {reply.error.reason}")
        return {}
    return {k: float(v) for k, v in dict(reply.content.metric_records["figures"]).items()}
