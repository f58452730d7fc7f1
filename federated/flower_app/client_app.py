"""The client: a message in, clipped adapter tensors out and nothing beside them."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from flwr.app import Context, Message, MetricRecord, RecordDict
from flwr.clientapp import ClientApp

from federated import client, privacy, secure
from federated.adapters import Arrays
from federated.handlers import nameless
from federated.settings import Settings
from federated.strategy import from_record, to_record

app = ClientApp()


def _told(config: dict[str, Any]) -> tuple[Settings, int]:
    """(settings, number of the round), as the server sent them."""
    number = config.pop("round")
    config.pop("base", None)
    return Settings.from_config(config), number


def _user(context: Context) -> int:
    """Whose texts this node has. Raises `RuntimeError` where it is no simulated one."""
    if "partition-id" not in context.node_config:
        raise RuntimeError("this app's nodes are simulated ones: `flwr run`, or make federated")
    return int(context.node_config["partition-id"])


@app.train()
@nameless
def train(message: Message, context: Context) -> Message:
    """One round on this node's own user."""
    if secure.is_secure(message):
        return secure.answered(message, context, partial(_secure_update, _user(context)))
    settings, number = _told(dict(message.content.config_records["config"]))
    received = from_record(message.content.array_records["arrays"])
    update = _update(settings, _user(context), received, number)
    return Message(content=RecordDict({"update": to_record(update)}), reply_to=message)


def _update(settings: Settings, user: int, received: Arrays, number: int) -> Arrays:
    """A user's update, or what a trial's fault makes of it."""
    update = client.train_round(settings, user, received, number)
    if fault := client.fault_of(settings, user):
        return client.misbehave(settings, fault, update)
    return update


def _secure_update(user: int, config: dict[str, Any], tensors: list[np.ndarray]) -> Arrays:
    """See `secure.Train`."""
    settings, number = _told(config)
    names = privacy.may_leave(client.bench(settings).config, settings)
    return _update(settings, user, dict(zip(names, tensors, strict=True)), number)


@app.evaluate()
@nameless
def evaluate(message: Message, context: Context) -> Message:
    """Figures of this node's own user; only a simulation asks for them."""
    settings, _ = _told(dict(message.content.config_records["config"]))
    received = from_record(message.content.array_records["arrays"])
    figures = client.examine(settings, _user(context), received)
    return Message(content=RecordDict({"figures": MetricRecord({**figures})}), reply_to=message)
