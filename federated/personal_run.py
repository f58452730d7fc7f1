"""One run of `sidelong personalize`: the wearer's answers -> an adapter, if it deserves to be kept.

    1. answers are taken from the inbox, and the model finds an intent for each
    2. the model's GGUF becomes a checkpoint that can be trained
    3. stretches of training, until the gate's answers get no likelier
    4. the judgement; what passes is in use when the run ends

After each step, and each stretch of the third, everything is on disk: a killed run goes on from
there and comes to the same adapter. A finished one leaves nothing but the adapter.
"""

from __future__ import annotations

import itertools
import random
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path
from typing import Any

import numpy as np
import torch

from device.commands.demo import CHATS
from device.connectors.files import read_threads
from device.disk import erase
from device.language.adapter_choice import Adapters
from device.language.load import Model
from device.messages import Thread
from federated.adapters import Arrays, initial, read_npz, write_gguf, write_npz
from federated.base_model import config_of, unpacked, whole
from federated.deploy.shared import shared_for
from federated.personal_gate import engine_of, judge, with_intents
from federated.personal_verdict import Verdict
from federated.settings import Settings
from federated.task import LIMIT, LONGEST, Bench, memory_bound
from federated.users import Sent, User, read_partition, write_partitions

STRETCH = 40
"""Steps between two checkpoints; AdamW begins anew with each, as in a federation's rounds."""
MOST_STRETCHES = 10
PATIENCE = 2
"""Stretches in a row that may bring the gate's answers nothing, before training stops."""
OWN_THREADS = 12
"""Of the held-out answers' threads, so many stand beside the demo's when lines are counted."""

Say = Callable[[str, int, int], None]
"""(what is being done, how much of it is done, how much there is)."""


@dataclass(frozen=True, slots=True)
class Run:
    """A run for one model, in the folder where it keeps what it needs to go on."""

    model: Model
    folder: Path
    cores: int
    settings: Settings
    shared: Arrays
    """The adapter that all of the wearer's federation have made together; empty without one."""

    @property
    def base(self) -> str:
        """The model's SHA-256."""
        assert self.model.sha256 is not None  # every GGUF has one
        return self.model.sha256


def run_of(model: Model, folder: Path, cores: int, **changes: Any) -> Run:
    """A run with the federation's settings for learning alone; `changes` of them are for tests.

    Where the device has the adapter of all, it is one of that form. Raises `OSError`.
    """
    assert model.sha256 is not None  # every GGUF has one
    form, shared = shared_for(model.sha256)
    usual: dict[str, Any] = {
        "model": str(folder / "base"),
        "gguf": str(model.path.resolve()),
        "out": str(folder),
        "method": "local-only",
        "users": 1,
        "rank": 8,
        "alpha": 16.0,
        "steps": STRETCH,
    }
    return Run(model, folder, cores, Settings(**(usual | form | changes)), shared)


def megabytes(run: Run, user: User) -> float:
    """MB that a run holds at most (`task.memory_bound`). Raises `SidelongError` for no Llama."""
    config = config_of(run.model.path)
    arrays = initial(config, run.settings)
    kept = sum(len(s.replies) for s in (*user.train, *user.gate))
    tokens = kept * (LIMIT + LONGEST)
    return memory_bound(config, run.settings, arrays, tokens)


def begun(run: Run) -> User | None:
    """The moments of a run for this model that was broken off; None where there is none."""
    folder = run.folder / "examples"
    return read_partition(folder, 0) if folder.exists() else None


def learn(run: Run, user: User, adapters: Adapters, say: Say) -> Verdict:
    """Learn from the user's moments, or go on with those of a run that was broken off.

    What is kept is in use when this returns. Raises `SidelongError`, and `OSError` where the disk
    is full.
    """
    torch.set_num_threads(run.cores)
    run.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for other in run.folder.parent.iterdir():
        if other != run.folder:  # broken off with another model
            erase(other)
    mine = _examples(run, user, say)
    say("unpacking the model", 0, 1)
    config = unpacked(run.model.path, run.settings.path("model"))
    best = _trained(run, mine, say)

    def write(strength: float) -> Path:
        path = run.folder / f"adapter-{strength}.gguf"
        weaker = {n: v * np.float32(strength) for n, v in best.items() if n.endswith(".lora_b")}
        write_gguf(path, best | weaker, config, run.settings, "personal")
        return path

    say("judging what was learnt", 0, 1)
    before = adapters.follow(run.base)()
    verdict, file = judge(run.model, mine.test, _threads(mine.test), run.cores, before, write)
    if verdict.keeps:
        adapters.use(file, run.base)
    shutil.rmtree(run.folder / "base")
    erase(run.folder)
    return verdict


def _examples(run: Run, user: User, say: Say) -> User:
    """The wearer's moments with the model's intents: those of the broken run, or fresh ones."""
    if there := begun(run):
        return there
    total = sum(len(part) for part in (user.train, user.gate, user.test))
    done = itertools.count(1)
    with engine_of(run.model, run.cores) as engine:
        train, gate, test = (
            tuple(
                with_intents(engine, part, lambda: say("reading your answers", next(done), total))
            )
            for part in (user.train, user.gate, user.test)
        )
    guessed = User(user.name, train, gate, test)
    with whole(run.folder / "examples") as unfinished:
        write_partitions([guessed], unfinished)
    return guessed


def _trained(run: Run, user: User, say: Say) -> Arrays:
    """The adapter of all stretches that the gate's answers like best."""
    state = load_state(run)
    if state is None or not state.finished:
        bench = Bench(run.settings)
        rng = random.Random(run.settings.seed)
        train, gate = (bench.prepare(part, rng) for part in (user.train, user.gate))
        if state is None:
            nothing = initial(bench.config, run.settings)
            starts = [nothing, nothing | run.shared] if run.shared else [nothing]
            least, start = min(
                ((bench.nll(arrays, gate), arrays) for arrays in starts), key=itemgetter(0)
            )
            state = State(0, 0, least, start, start)
        while not state.finished:
            say("training", state.stretch, MOST_STRETCHES)
            order = random.Random(f"{run.settings.seed} {state.stretch}")
            (last,) = bench.train(state.last, train, run.settings.steps, order)
            state = state.after(last, bench.nll(last, gate))
            save_state(run, state)
    return state.best


def _threads(held_out: Sequence[Sent]) -> list[Thread]:
    """Threads whose lines are counted: the demo's and the wearer's own."""
    demo = [t for t in read_threads(CHATS) if isinstance(t, Thread)]
    return demo + [sent.thread for sent in held_out[-OWN_THREADS:]]


@dataclass(frozen=True, slots=True)
class State:
    """How far training is, between two stretches."""

    stretch: int
    """Stretches done."""
    stale: int
    """How many of them, the last ones, brought the gate nothing."""
    least: float
    """Nats a token of the gate's answers under `best`."""
    last: Arrays
    best: Arrays

    @property
    def finished(self) -> bool:
        return self.stretch >= MOST_STRETCHES or self.stale >= PATIENCE

    def after(self, last: Arrays, nll: float) -> State:
        """With one stretch more, whose adapter gives the gate's answers so many nats a token."""
        if nll < self.least:
            return State(self.stretch + 1, 0, nll, last, last)
        return State(self.stretch + 1, self.stale + 1, self.least, last, self.best)


def save_state(run: Run, state: State) -> None:
    """Write the checkpoint: whole or not at all, whenever the run is killed."""
    numbers = [state.stretch, state.stale, state.least]
    arrays = {f"{which} {name}": value for which in ("last", "best")
              for name, value in getattr(state, which).items()}  # fmt: skip
    told = {"digest": run.settings.digest(), "numbers": numbers}
    write_npz(run.folder / "checkpoint.npz", arrays, told)


def load_state(run: Run) -> State | None:
    """The last checkpoint; None where there is none, or none of this version and these settings."""
    try:
        arrays, told = read_npz(run.folder / "checkpoint.npz")
        stretch, stale, least = told["numbers"]
        last, best = (
            {n.partition(" ")[2]: v for n, v in arrays.items() if n.startswith(f"{which} ")}
            for which in ("last", "best")
        )
        if told["digest"] == run.settings.digest():
            return State(stretch, stale, least, last, best)
    except (OSError, KeyError, TypeError, ValueError):
        pass
    return None
