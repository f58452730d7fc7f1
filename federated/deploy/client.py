"""The client of a real device: its own inbox in, clipped adapter tensors out.

This is the code that runs, as it is installed on the device. What the server sends as the run's app
is stored by Flower and never opened (`federated.deploy.worker`).
"""

from __future__ import annotations

import random
from typing import Any

import torch
from flwr.app import Context, Message, RecordDict
from flwr.clientapp import ClientApp

from device.commands.inbox import wearers_inbox
from device.cpu import cores
from export.to_gguf import read_config
from federated import privacy
from federated.adapters import Arrays, initial, nbytes, problem
from federated.base_model import unpacked
from federated.client import update_of
from federated.deploy import shared
from federated.deploy.limits import agreed
from federated.deploy.membership import Membership, membership
from federated.handlers import nameless
from federated.own_texts import answers, wearer
from federated.personalize import free_mb
from federated.settings import Settings
from federated.strategy import from_record, to_record
from federated.task import LIMIT, LONGEST, Bench, memory_bound

app = ClientApp()


@app.train()
@nameless
def train(message: Message, context: Context) -> Message:
    """One round on the wearer's own texts."""
    mine = membership()
    settings, number = told(message, mine)
    if mine.sent() >= mine.limits.rounds:
        raise ValueError(f"this device has taken part in {mine.limits.rounds} rounds, its limit")
    update = update_from_inbox(settings, mine, received(message, settings, mine))
    mine.note(number, len(update), nbytes(update))
    return Message(content=RecordDict({"update": to_record(update)}), reply_to=message)


@app.query()
@nameless
def take(message: Message, context: Context) -> Message:
    """Keep the adapter that all have made together; nothing is answered."""
    mine = membership()
    settings, _ = told(message, mine)
    arrays = received(message, settings, mine)
    config = read_config(mine.checkpoint)
    shared.keep(mine, initial(config, settings) | arrays, settings)
    return Message(content=RecordDict(), reply_to=message)


def told(message: Message, mine: Membership) -> tuple[Settings, int]:
    """(settings, number of the round). Raises `ValueError` for what this device doesn't do."""
    config: dict[str, Any] = dict(message.content.config_records["config"])
    number, base = int(config.pop("round")), config.pop("base")
    if base != mine.base:
        raise ValueError("the server learns for another model than this device has")
    own = {"model": str(mine.checkpoint), "gguf": str(mine.model), "out": str(mine.folder)}
    return agreed(config, mine.limits, **own), number


def received(message: Message, settings: Settings, mine: Membership) -> Arrays:
    """The adapter that the server sent. Raises `ValueError` where it is none of these settings."""
    arrays = from_record(message.content.array_records["arrays"])
    shapes = privacy.may_leave(unpacked(mine.model, mine.checkpoint), settings)
    if reason := problem(arrays, shapes, bound=float("inf")):
        raise ValueError(f"the server sent another adapter: {reason}")
    return arrays


def update_from_inbox(settings: Settings, mine: Membership, start: Arrays) -> Arrays:
    """A round's update from the answers that are in the inbox now.

    Raises `MemoryError` where the machine has too little, and `SidelongError` for too few texts.
    """
    with wearers_inbox() as inbox:
        texts = wearer(answers(inbox)).train[-settings.texts :]
    config = read_config(mine.checkpoint)
    needed = memory_bound(config, settings, start, len(texts) * (LIMIT + LONGEST))
    free = free_mb()
    if free is not None and free < needed:
        raise MemoryError(f"{needed:.0f} MB are needed, {free:.0f} MB are free")
    torch.set_num_threads(max(1, cores() // 2))
    here = Bench(settings)
    draw = random.SystemRandom()  # what nobody else can compute tells nobody what came first
    return update_of(settings, here, here.prepare(texts, draw), start, draw)
