"""A run with real devices, on the server's side: rounds, then the adapter for everybody.

The server reads no texts and asks for no figures. The checkpoint is written every round; a run that
was broken off, with the server or without, goes on from it with `resume=true`.
"""

from __future__ import annotations

import json
from dataclasses import asdict

from flwr.app.message_type import MessageType
from flwr.serverapp import Grid

from device.disk import sha256_of, write_atomically
from federated import privacy
from federated.adapters import initial, sent, write_gguf
from federated.base_model import config_of
from federated.processes import alone, watch_parent
from federated.settings import Settings
from federated.strategy import AdapterStrategy, info, load, messages, nodes, save


def serve(grid: Grid, settings: Settings) -> None:
    """All of a run. Writes `checkpoint.npz`, `federated.gguf` and `rounds.json` in `settings.out`.

    Raises `ValueError` for a checkpoint of other settings, and `RuntimeError` where another run
    writes to the same folder, fewer than `min_clients` devices are there, or no round was taken.
    """
    watch_parent()
    with alone(settings.path("out")):
        _serve(grid, settings)


def _serve(grid: Grid, settings: Settings) -> None:
    folder = settings.path("out")
    gguf = settings.path("gguf")
    base = sha256_of(gguf)
    config = config_of(gguf)
    found = load(folder, settings) if settings.resume else None
    arrays, rounds = found if found is not None else (initial(config, settings), [])
    before = len(rounds)
    if found is not None:
        info(f"resumed behind round {before}")
    save(folder, settings, arrays, rounds)
    there = nodes(grid, settings.users, settings.timeout, settings.min_clients)
    info(f"{len(there)} devices are there")
    strategy = AdapterStrategy(settings, arrays, folder, rounds, info, base)
    if (left := settings.rounds - before) > 0:
        strategy.go_on(grid, left)
    write_gguf(folder / "federated.gguf", strategy.arrays, config, settings, "federated")
    write_atomically(folder / "rounds.json", json.dumps([asdict(r) for r in rounds], indent=1))
    if left > 0 and not any(r.taken for r in rounds[before:]):
        raise RuntimeError("no round was taken; the lines above say why")
    multipliers = [r.multiplier for r in rounds if r.taken]
    epsilon = privacy.epsilon(multipliers, settings.delta)
    info("epsilon: none, since there is no noise" if epsilon is None else
         f"epsilon {epsilon:.2f} at delta {settings.delta:g}")  # fmt: skip
    _give(grid, settings, strategy, base)


def _give(grid: Grid, settings: Settings, strategy: AdapterStrategy, base: str) -> None:
    """Send the adapter to the devices that are there; who is not gets it with the next run."""
    there = sorted(grid.get_node_ids())
    shared = sent(strategy.arrays, settings)
    asked = messages(there, MessageType.QUERY, settings, shared, len(strategy.rounds), base)
    replies = grid.send_and_receive(asked, timeout=settings.timeout)
    taken = sum(not reply.has_error() for reply in replies)
    info(f"{taken} of {len(there)} devices have taken the adapter")
