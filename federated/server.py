"""A whole run on the server's side: users, rounds, figures, report."""

from __future__ import annotations

import time
from logging import INFO

from flwr.app import Message
from flwr.app.message_type import MessageType
from flwr.common.logger import log
from flwr.serverapp import Grid

from device.memory import peak_mb
from federated.adapters import Arrays, initial, sent, write_gguf
from federated.base_model import unpacked
from federated.processes import alone, watch_parent
from federated.report import lines, report_of, summary, write_report
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
)
from federated.task import LIMIT, LONGEST, memory_bound
from federated.users import load_users, write_partitions


def run(grid: Grid, settings: Settings) -> None:
    """Rounds, then figures, then the report: in Flower's log, and `report.json` and `report.png` in
    `settings.out`.

    Raises `ValueError` where there are fewer users than asked for, the checkpoint of the model is
    of another one (`base_model.unpacked`) or the one to resume from of other settings, and
    `RuntimeError` where no client can be examined or another run writes to the same folder.
    """
    watch_parent()
    with alone(settings.path("out")):
        _run(grid, settings)


def _run(grid: Grid, settings: Settings) -> None:
    started = time.monotonic()
    folder = settings.path("out")
    gguf, model = settings.path("gguf"), settings.path("model")
    if not model.exists():
        info(f"writing the weights of {gguf} to {model}")
    config = unpacked(gguf, model)
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
            strategy.go_on(grid, left)
        arrays = strategy.arrays
    write_gguf(folder / "federated.gguf", arrays, config, settings, "federated")
    figures = _examine(grid, settings, arrays)
    report = report_of(settings, names, rounds, figures, arrays)
    report |= {"seconds": round(time.monotonic() - started, 1), "memory_bound_mb": round(bound)}
    report["server_mb"] = round(peak_mb())
    write_report(folder, report)
    # Unmarked: who runs the app by `flwr run` reads it here, `federated.simulate` prints it itself.
    for line in (*"\n".join(lines(report)).splitlines(), summary(report)):
        log(INFO, "%s", line)


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
    record = reply.content.metric_records["figures"]
    return {k: float(v) for k, v in record.items() if not isinstance(v, list)}
