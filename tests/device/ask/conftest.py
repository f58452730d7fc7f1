"""An inbox to ask, and what to put into it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest

from device.ask import ask
from device.inbox import Inbox
from device.messages import Message, Thread

TODAY = dt.date(2026, 3, 6)


@pytest.fixture
def inbox(tmp_path: Path) -> Iterator[Inbox]:
    with Inbox(tmp_path / "inbox.sqlite") as inbox:
        yield inbox


def keep(
    inbox: Inbox, *lines: tuple[str, str], thread: str = "t", title: str | None = None
) -> None:
    messages = tuple(
        Message(sender, text, dt.time(9, i), TODAY, f"{thread}{i}")
        for i, (sender, text) in enumerate(lines)
    )
    inbox.ingest("c", Thread(thread, "Me", messages, title, len(lines) > 2))


def answer(inbox: Inbox, question: str) -> str | None:
    found = ask(inbox, question)
    return found[0].message.text if found else None
