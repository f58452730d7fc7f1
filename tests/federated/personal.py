"""A wearer whose inbox holds answers of their own, and a run of few steps."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Sequence
from pathlib import Path

from device.disk import sha256_of
from device.inbox import Inbox
from device.language.load import Model
from device.messages import Message, Thread
from device.settings import default_data_dir
from federated.own_texts import answers, wearer
from federated.personal_run import Run, run_of
from federated.users import User
from tests.federated.conftest import TINY, WORDS

GGUF = TINY / "tiny.gguf"
BASE = sha256_of(GGUF)
DAY = dt.date(2026, 3, 1)
WHEN = dt.time(9, 0)


def said(sender: str, text: str, day: int = 0) -> Message:
    return Message(sender, text, WHEN, DAY + dt.timedelta(days=day))


def chat(texts: Sequence[str], name: str = "Ben", first: int = 0) -> Thread:
    """A question a day and the wearer's answer to it."""
    messages: list[Message] = []
    for day, text in enumerate(texts, start=first):
        messages += [said(name, f"what about day {day}?", day), said("Ann", text, day)]
    return Thread(f"chat with {name}", "Ann", tuple(messages))


def alike(count: int, seed: int = 0) -> list[str]:
    """Answers in one voice."""
    draw = random.Random(seed)
    return [f"yes thanks, {n} {' '.join(draw.choices(WORDS, k=3))} sure" for n in range(count)]


def keep(*threads: Thread) -> None:
    """Into the wearer's inbox."""
    with Inbox(default_data_dir() / "inbox.sqlite") as inbox:
        for thread in threads:
            inbox.ingest("file", thread)


def user_of(*threads: Thread) -> User:
    keep(*threads)
    with Inbox(default_data_dir() / "inbox.sqlite") as inbox:
        return wearer(answers(inbox))


def quick(folder: Path, name: str = "tiny") -> Run:
    """A run with few steps."""
    return run_of(Model("tiny", GGUF, BASE), folder / "work" / name, 1, steps=8, lr=1e-2)


def silent(doing: str, done: int, of: int) -> None:
    pass
