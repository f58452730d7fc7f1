"""Secure aggregation: the server learns the sum of a round's updates and no single one.

SecAgg+ (Bell et al. 2020, ePrint 2020/704) hides each update under masks that cancel in the sum.
Flower has it in its older API only: a workflow on the server and a modifier on the client, which
exchange four messages a round. What it does not do here is told in docs/federated.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
from flwr.app import ConfigRecord, Context, Message, RecordDict
from flwr.client.mod import secaggplus_mod
from flwr.common import (
    Code,
    FitIns,
    FitRes,
    Status,
    ndarrays_to_parameters,
    parameters_to_ndarrays,
)
from flwr.common.secure_aggregation.secaggplus_constants import RECORD_KEY_CONFIGS
from flwr.compat.common import recorddict_compat as compat
from flwr.server.client_manager import SimpleClientManager
from flwr.server.compat.legacy_context import LegacyContext
from flwr.server.strategy import FedAvg
from flwr.server.workflow import SecAggPlusWorkflow
from flwr.server.workflow.constant import MAIN_CONFIGS_RECORD, MAIN_PARAMS_RECORD, Key
from flwr.serverapp import Grid

from federated.adapters import Arrays, plus, sent
from federated.settings import Settings
from federated.strategy import AdapterStrategy, failure, no_answer

THRESHOLD = 2 / 3
"""Of a client's shares, so many together take a mask off: a third may be lost in a round, and less
than two thirds who conspire with the server learn no update."""
LEVELS = 2**22
"""Steps between -clip and clip to which a value is rounded; with 32 bits 1,024 clients can be
summed."""

Train = Callable[[dict[str, Any], list[np.ndarray]], Arrays]
"""(what the server told, the tensors it sent in their order) -> this client's update."""


class _Mean(FedAvg):
    """What the workflow asks of an older strategy: whom to ask, and where the mean goes."""

    def __init__(self, nodes: list[int], config: dict[str, Any]):
        super().__init__()
        self._nodes, self._config = nodes, config
        self.mean: list[np.ndarray] | None = None
        self.taken: set[int] = set()
        """The nodes whose updates are in the mean."""

    def configure_fit(self, server_round, parameters, client_manager):  # type: ignore[no-untyped-def]
        return [
            (SimpleNamespace(node_id=node), FitIns(parameters, self._config))
            for node in self._nodes
        ]

    def aggregate_fit(self, server_round, results, failures):  # type: ignore[no-untyped-def]
        self.taken = {proxy.node_id for proxy, _ in results}
        if results:
            self.mean = parameters_to_ndarrays(results[0][1].parameters)  # all hold the mean
        return None, {}


class _Watched:
    """A grid that remembers who fell away on the way: the workflow itself only counts them."""

    def __init__(self, grid: Grid, settings: Settings):
        self._grid, self._settings = grid, settings
        self.gone: dict[int, str] = {}
        """Node -> why."""

    def send_and_receive(
        self, messages: Iterable[Message], *, timeout: float | None = None
    ) -> list[Message]:
        asked = list(messages)
        replies = list(self._grid.send_and_receive(asked, timeout=timeout))
        failed = {r.metadata.src_node_id: failure(r.error) for r in replies if r.has_error()}
        answered = {r.metadata.src_node_id for r in replies if not r.has_error()}
        for node in {message.metadata.dst_node_id for message in asked} - answered:
            self.gone[node] = failed.get(node, no_answer(self._settings))
        return replies


def secure_round(grid: Grid, settings: Settings, strategy: AdapterStrategy) -> None:
    """One round; where too few clients are left to take the masks off, nothing changes."""
    shared = sent(strategy.arrays, settings)
    number = len(strategy.rounds) + 1
    asked = strategy.begin(grid)
    watched = _Watched(grid, settings)
    once = _Mean(asked, settings.told() | {"round": number})
    fresh = Context(0, 0, {}, RecordDict(), {})
    context = LegacyContext(fresh, strategy=once, client_manager=SimpleClientManager())
    context.state.config_records[MAIN_CONFIGS_RECORD] = ConfigRecord({Key.CURRENT_ROUND: number})
    parameters = ndarrays_to_parameters(list(shared.values()))
    context.state.array_records[MAIN_PARAMS_RECORD] = compat.parameters_to_arrayrecord(
        parameters, True
    )
    SecAggPlusWorkflow(
        num_shares=1.0,
        reconstruction_threshold=THRESHOLD,
        max_weight=1.0,
        clipping_range=settings.clip,
        quantization_range=LEVELS,
        timeout=settings.timeout,
    )(cast(Grid, watched), context)
    after = None
    if once.mean is not None and len(once.taken) >= max(1, settings.min_clients):
        mean = dict(zip(shared, once.mean, strict=True))
        after = plus(strategy.arrays, mean)
    # Whoever fell away when its update had come is in the mean all the same.
    refused = {node: why for node, why in watched.gone.items() if node not in once.taken}
    masked = 8 * sum(value.size for value in shared.values())  # they travel as int64
    strategy.end(after, len(once.taken), refused, [], masked)


def is_secure(message: Message) -> bool:
    """Whether a message belongs to the protocol."""
    return RECORD_KEY_CONFIGS in message.content.config_records


def answered(message: Message, context: Context, train: Train) -> Message:
    """The client's part of the protocol; `train` is called in the third of its four steps."""

    def fit(asked: Message, _: Context) -> Message:
        ins = compat.recorddict_to_fitins(asked.content, True)
        update = train(dict(ins.config), parameters_to_ndarrays(ins.parameters))
        parameters = ndarrays_to_parameters(list(update.values()))
        result = FitRes(Status(Code.OK, ""), parameters, 1, {})
        return Message(content=compat.fitres_to_recorddict(result, True), reply_to=asked)

    return secaggplus_mod(message, context, fit)
