"""The client: a message in, clipped adapter tensors out and nothing beside them."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

from flwr.app import Context, Error, Message, MetricRecord, RecordDict
from flwr.clientapp import ClientApp
from flwr.common.constant import ErrorCode

from federated import client, privacy
from federated.settings import Settings
from federated.strategy import from_record, to_record

app = ClientApp()
Handler = Callable[[Message, Context], Message]


def nameless(handler: Handler) -> Handler:
    """What goes wrong leaves the device as one of a few words (`privacy.ERRORS`).

    Flower would send the error's own words, and those can quote a text.
    """

    @wraps(handler)
    def safe(message: Message, context: Context) -> Message:
        try:
            return handler(message, context)
        except Exception as error:
            code = ErrorCode.CLIENT_APP_RAISED_EXCEPTION
            return Message(Error(code=code, reason=privacy.kind_of(error)), reply_to=message)

    return safe


def _told(message: Message) -> tuple[Settings, int]:
    """(settings, number of the round), as the server sent them."""
    config = dict(message.content.config_records["config"])
    return Settings.from_config({k: v for k, v in config.items() if k != "round"}), config["round"]


def _user(context: Context) -> int:
    """Whose texts this node has. Raises `RuntimeError` where it is no simulated one."""
    if "partition-id" not in context.node_config:
        raise RuntimeError("this app's nodes are simulated ones: `flwr run`, or make federated")
    return int(context.node_config["partition-id"])


@app.train()
@nameless
def train(message: Message, context: Context) -> Message:
    """One round on this node's own user."""
    settings, number = _told(message)
    user = _user(context)
    received = from_record(message.content.array_records["arrays"])
    update = client.train_round(settings, user, received, number)
    if fault := client.fault_of(settings, user):
        update = client.misbehave(settings, fault, update)
    return Message(content=RecordDict({"update": to_record(update)}), reply_to=message)


@app.evaluate()
@nameless
def evaluate(message: Message, context: Context) -> Message:
    """Figures of this node's own user; only a simulation asks for them."""
    settings, _ = _told(message)
    received = from_record(message.content.array_records["arrays"])
    figures = client.examine(settings, _user(context), received)
    return Message(content=RecordDict({"figures": MetricRecord(figures)}), reply_to=message)
