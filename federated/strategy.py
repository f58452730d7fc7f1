"""The server's side of a round in Flower: whom to ask, what to refuse, noise, checkpoint.

Flower's FedAvg would average a NaN and wait for ever for nodes that are gone; here each is bounded.
A round that has too few valid updates changes nothing, and the next one goes on from the same
adapter.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from logging import INFO
from pathlib import Path
from typing import Any

import numpy as np
from flwr.app import Array, ArrayRecord, ConfigRecord, Error, Message, MetricRecord, RecordDict
from flwr.app.message_type import MessageType
from flwr.common.constant import SUPERLINK_NODE_ID
from flwr.common.logger import log
from flwr.serverapp import Grid
from flwr.serverapp.strategy import Strategy

from device.text import neutralise
from federated import privacy
from federated.adapters import Arrays, nbytes, norm, read_npz, sent, write_npz
from federated.aggregate import combined, split_valid, with_noise
from federated.settings import MARK, Settings

Say = Callable[[str], None]


@dataclass(slots=True)
class Round:
    """What a round came to."""

    number: int
    asked: int
    taken: int
    refused: dict[str, str]
    """Node -> why."""
    bytes_up: int
    """Of one client's values; Flower's framing comes on top."""
    bytes_down: int
    seconds: float
    multiplier: float
    """The noise multiplier that it really had; 0 without noise."""
    norms: list[float] = field(default_factory=list)
    """Of the updates as they came, which is after clipping."""


def to_record(arrays: Arrays) -> ArrayRecord:
    """Arrays as Flower sends them."""
    return ArrayRecord({name: Array(np.ascontiguousarray(v)) for name, v in arrays.items()})


def from_record(record: ArrayRecord) -> dict[str, np.ndarray[Any, Any]]:
    """Arrays as Flower brought them; raises `ValueError` for what is no array."""
    return {name: array.numpy() for name, array in record.items()}


class AdapterStrategy(Strategy):
    """Rounds over one adapter; `ffa`, `avg` and `svd` differ in `federated.aggregate.combined`."""

    def __init__(
        self,
        settings: Settings,
        arrays: Arrays,
        folder: Path,
        done: list[Round],
        say: Say,
        base: str = "",
    ):
        """`arrays` are A and B at the start, `done` the rounds that they have behind them.

        `base` is the SHA-256 of the model's GGUF, by which a device knows its own.
        """
        self._base = base
        self._settings = settings
        self.arrays = arrays
        self.rounds = done
        self._folder = folder
        self._say = say
        self._started = time.monotonic()
        self._asked: list[int] = []

    def summary(self) -> None:
        s = self._settings
        self._say(f"strategy {s.method}: rank {s.rank}, alpha {s.alpha:g}, clip {s.clip:g}, "
                  f"noise {s.noise:g} at the {s.noise_at}")  # fmt: skip

    def go_on(self, grid: Grid, rounds: int) -> None:
        """So many rounds more. Raises `RuntimeError` where nobody is there."""
        shared = to_record(sent(self.arrays, self._settings))
        self.start(grid, shared, num_rounds=rounds, timeout=self._settings.timeout)

    def configure_train(
        self, server_round: int, arrays: ArrayRecord, config: ConfigRecord, grid: Grid
    ) -> Iterable[Message]:
        return messages(
            self.begin(grid),
            MessageType.TRAIN,
            self._settings,
            sent(self.arrays, self._settings),
            len(self.rounds) + 1,
            self._base,
        )

    def begin(self, grid: Grid) -> list[int]:
        """Whom a new round asks. Raises `RuntimeError` where nobody is there."""
        self._started = time.monotonic()
        self._asked = nodes(grid, self._settings.users, self._settings.timeout)
        return self._asked

    def aggregate_train(
        self, server_round: int, replies: Iterable[Message]
    ) -> tuple[ArrayRecord | None, MetricRecord | None]:
        s = self._settings
        shared = sent(self.arrays, s)
        shapes = {name: v.shape for name, v in shared.items()}
        values = sum(v.size for v in shared.values())
        updates, refused = _read(replies)
        for node in set(self._asked) - set(updates) - set(refused):
            refused[node] = no_answer(s)
        valid, wrong = split_valid(updates.items(), shapes, privacy.bound(s, values))
        enough = len(valid) >= max(1, s.min_clients)
        after = combined(self.arrays, valid, s) if enough else None
        self.end(after, len(valid), refused | wrong, [norm(update) for update in valid])
        return to_record(sent(self.arrays, s)), None

    def end(
        self,
        after: Arrays | None,
        valid: int,
        refused: dict[int, str],
        norms: list[float],
        bytes_up: int | None = None,
    ) -> None:
        """Take the adapter that so many valid updates made, noised where the server does that.

        None where they are too few: nothing changes then. `bytes_up` is for updates that do not
        travel as they are. The checkpoint is written.
        """
        s = self._settings
        size = nbytes(sent(self.arrays, s))
        moved = 0.0
        if after is not None:
            before = self.arrays
            self.arrays = with_noise(after, valid, s)
            moved = norm({n: self.arrays[n] - before[n] for n in sent(before, s)})
        self.rounds.append(
            Round(
                number=len(self.rounds) + 1,
                asked=len(self._asked),
                taken=0 if after is None else valid,
                refused={str(node): why for node, why in refused.items()},
                bytes_up=size if bytes_up is None else bytes_up,
                bytes_down=size,
                seconds=time.monotonic() - self._started,
                multiplier=0.0 if after is None else privacy.multiplier(s, valid),
                norms=norms,
            )
        )
        self._tell(self.rounds[-1], moved, after is not None)
        save(self._folder, s, self.arrays, self.rounds)

    def _tell(self, done: Round, moved: float, enough: bool) -> None:
        for node, why in done.refused.items():
            self._say(f"  refused client {node}: {why}")
        if enough:
            seen = done.norms  # none where sums alone are seen
            norms = f"{min(seen):.2f} to {max(seen):.2f}" if seen else "not known"
            what = f"moved by {moved:.3f} (norms of the updates: {norms})"
        else:
            what = f"fewer than {self._settings.min_clients} valid updates: nothing changed"
        self._say(
            f"round {done.number}: {done.taken} of {done.asked} updates taken in "
            f"{done.seconds:.0f} s, {what}"
        )

    def configure_evaluate(
        self, server_round: int, arrays: ArrayRecord, config: ConfigRecord, grid: Grid
    ) -> Iterable[Message]:
        """Nothing: users are examined once, behind the last round."""
        return []

    def aggregate_evaluate(
        self, server_round: int, replies: Iterable[Message]
    ) -> MetricRecord | None:
        return None


def _read(
    replies: Iterable[Message],
) -> tuple[dict[int, dict[str, Any]], dict[int, str]]:
    """(update by node, why by node where there is none that can be read)."""
    updates: dict[int, dict[str, Any]] = {}
    refused: dict[int, str] = {}
    for reply in replies:
        node = reply.metadata.src_node_id
        if node == SUPERLINK_NODE_ID:  # says that a node is lost, and not which
            continue
        if reply.has_error():
            refused[node] = failure(reply.error)
            continue
        if more := set(reply.content) - {"update"}:
            refused[node] = f"sends more than its update: {len(more)} unknown records"
            continue
        try:
            updates[node] = from_record(reply.content.array_records["update"])
        except Exception as error:  # of a stranger's bytes, which must end nothing but their part
            refused[node] = f"unreadable: {type(error).__name__}: {error}"[:200]
    return updates, refused


def failure(error: Error) -> str:
    """Why a client that failed is refused: the last line of what it says, safe for a terminal."""
    said = (error.reason or "").strip().splitlines()
    return f"failed: {neutralise(said[-1])[:200] if said else 'no reason given'}"


def no_answer(settings: Settings) -> str:
    """Why a client that was asked and is silent is refused."""
    return f"lost, or no answer within {settings.timeout:g} s"


def messages(
    to: Iterable[int], kind: str, settings: Settings, arrays: Arrays, number: int, base: str = ""
) -> list[Message]:
    """One message a node, all with the same content."""
    config = ConfigRecord(settings.told() | {"round": number, "base": base})
    content = RecordDict({"arrays": to_record(arrays), "config": config})
    return [Message(content=content, message_type=kind, dst_node_id=node) for node in to]


def nodes(grid: Grid, wanted: int, timeout: float, enough: int = 1) -> list[int]:
    """The nodes that are there, as soon as `wanted` are, or after `timeout` seconds as they are.

    Raises `RuntimeError` for fewer than `enough`.
    """
    until = time.monotonic() + timeout
    while len(there := sorted(grid.get_node_ids())) < wanted and time.monotonic() < until:
        time.sleep(0.5)
    if len(there) < enough:
        raise RuntimeError(f"{len(there)} nodes after {timeout:g} s")
    return there


def save(folder: Path, settings: Settings, arrays: Arrays, rounds: list[Round]) -> None:
    """Write `checkpoint.npz`: whole or not at all, whenever the server is killed."""
    folder.mkdir(parents=True, exist_ok=True)
    told = {"digest": settings.digest(), "rounds": [asdict(r) for r in rounds]}
    write_npz(folder / "checkpoint.npz", arrays, told)


def load(folder: Path, settings: Settings) -> tuple[Arrays, list[Round]] | None:
    """The last checkpoint, or None where there is none.

    Raises `ValueError` for one of a run with other settings, and for a file that is none.
    """
    path = folder / "checkpoint.npz"
    if not path.exists():
        return None
    try:
        arrays, told = read_npz(path)
        digest, rounds = told["digest"], [Round(**r) for r in told["rounds"]]
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f"{path} is no checkpoint of this version; move it away, or run without resume=true"
        ) from error
    if digest != settings.digest():
        raise ValueError(
            f"{path} is of a run with other settings; set them as they were, move it away, or run "
            "without resume=true"
        )
    return arrays, rounds


def info(text: str) -> None:
    """Progress where Flower's own log goes, marked so that it can be told from Flower's."""
    log(INFO, "%s %s", MARK, text)
