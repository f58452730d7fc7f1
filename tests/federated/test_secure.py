"""Secure aggregation: the sum is the plain one's, single updates are masked, some may be lost."""

from __future__ import annotations

import copy
import dataclasses
import warnings
from collections.abc import Iterable

import numpy as np
import pytest

pytest.importorskip("flwr", reason="flwr is in the extra `federated`")
with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # while others are imported: not ours to mend
    from flwr.app import Context, Error, Message, RecordDict
    from flwr.common import bytes_to_ndarray

    from federated.client import train_round
    from federated.flower_app.client_app import app
    from federated.secure import LEVELS, secure_round
    from federated.strategy import AdapterStrategy

from export.to_gguf import read_config
from federated.adapters import initial, sent
from federated.aggregate import mean
from federated.settings import Settings
from federated.users import split, write_partitions
from tests.federated.conftest import sents

pytestmark = pytest.mark.usefixtures("inside_a_run")
USERS = 4
STAGES = 4


class Here:
    """A grid whose nodes are in this process; `lost` fail from that stage (0 to 3) on, or, where
    `silent`, say nothing any more."""

    def __init__(self, lost: dict[int, int], silent: bool):
        self._contexts = {
            n + 1: Context(1, n + 1, {"partition-id": n}, RecordDict(), {}) for n in range(USERS)
        }
        self._lost, self._silent, self._stage = lost, silent, 0
        self.replies: list[Message] = []

    def get_node_ids(self) -> Iterable[int]:
        return list(self._contexts)

    def send_and_receive(
        self, messages: Iterable[Message], *, timeout: float | None = None
    ) -> list[Message]:
        out = []
        for message in messages:
            node = message.metadata.dst_node_id
            # Each node has a copy of its own, as it has behind a network.
            reply = app(copy.deepcopy(message), self._contexts[node])
            if self._stage >= self._lost.get(node, STAGES):
                if self._silent:
                    continue
                reply = Message(Error(code=1, reason="lost"), reply_to=message)
            reply.metadata.__dict__["_src_node_id"] = node
            out.append(reply)
        self._stage += 1
        self.replies += out
        return out


def secured(
    settings: Settings, lost: dict[int, int], silent: bool = False
) -> tuple[AdapterStrategy, Here]:
    """A round with these nodes lost, after the plain clients' texts are written."""
    people = [split(name, sents(name, 20), 12) for name in ("ann", "ben", "cid", "dee")]
    write_partitions([p for p in people if p], settings.path("out") / "users")
    start = initial(read_config(settings.path("model")), settings)
    strategy = AdapterStrategy(settings, start, settings.path("out"), [], lambda text: None)
    grid = Here(lost, silent)
    secure_round(grid, settings, strategy)  # type: ignore[arg-type]
    return strategy, grid


@pytest.fixture
def secure(settings: Settings) -> Settings:
    return dataclasses.replace(settings, secure=True, users=USERS, steps=2)


@pytest.mark.parametrize("lost", [{}, {2: 2}, {3: 3}], ids=["nobody", "before", "after"])
def test_the_mean_is_the_plain_one(secure: Settings, lost: dict[int, int]) -> None:
    """`before` loses a client before its update is there, `after` behind that."""
    strategy, _ = secured(secure, lost)
    shared = sent(initial(read_config(secure.path("model")), secure), secure)
    there = [n for n in range(USERS) if lost.get(n + 1) != 2]
    plain = mean([train_round(secure, n, shared, 1) for n in there])
    assert strategy.rounds[0].taken == len(there)
    assert list(strategy.rounds[0].refused) == [str(n) for n in lost if lost[n] == 2]
    for name, value in plain.items():
        step = 2 * secure.clip / LEVELS
        np.testing.assert_allclose(strategy.arrays[name], value, atol=2 * step, rtol=0)
    assert max(float(np.abs(v).max()) for v in plain.values()) > 1e-3, "something was learnt"


def test_what_a_client_sends_is_masked(secure: Settings) -> None:
    """Uniform over 32 bits, whatever the update is."""
    _, grid = secured(secure, {})
    masked = [
        np.concatenate([bytes_to_ndarray(b).ravel() for b in list(raw)[1:]])
        for reply in grid.replies
        for record in reply.content.config_records.values()
        if (raw := record.get("masked_params")) is not None
    ]
    assert len(masked) == USERS
    for values in masked:
        share = values / 2**32
        assert 0 <= share.min() <= share.max() < 1
        assert abs(share.mean() - 0.5) < 6 / np.sqrt(12 * len(share))
    assert all(not reply.content.array_records for reply in grid.replies[:STAGES])


@pytest.mark.parametrize(
    ("silent", "why"), [(False, "failed: lost"), (True, "lost, or no answer within 5 s")]
)
def test_too_many_lost_change_nothing(secure: Settings, silent: bool, why: str) -> None:
    strategy, _ = secured(secure, {1: 2, 2: 1, 3: 2}, silent)
    assert strategy.rounds[0].taken == 0
    assert strategy.rounds[0].refused == {str(node): why for node in (1, 2, 3)}
    assert all(not v.any() for n, v in strategy.arrays.items() if n.endswith("lora_b"))


@pytest.mark.parametrize("more", [{"method": "svd"}, {"users": 2}, {"users": 1025}])
def test_what_it_can_not_do_is_refused(more: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="secure = True"):
        Settings(secure=True, **more)  # type: ignore[arg-type]
