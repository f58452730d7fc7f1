"""A wearer, a display, a connector and a model that a test holds in its hands."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from device.card_queue import Model, quoted_card
from device.connectors.connector import Able, Arrival, Receipt
from device.consent import Patience
from device.displays.scene import Scene
from device.errors import ConnectorError, DisplayError
from device.inbox import Inbox
from device.live import Live
from device.messages import Card, Draft, Line, Message, Thread, Triage
from device.outbox import Outbox

QUICK = Patience(answer=20, countdown=0.05, undo=20)
WHOLE = "summary, read, reply"
"""What a glance offers once its card is whole."""


class Glass:
    """A display that remembers every scene, and says what the test says."""

    def __init__(self) -> None:
        self.scenes: list[Scene] = []
        self.fails = False
        self._heard: asyncio.Queue[str | None] = asyncio.Queue()
        self._changed = asyncio.Condition()

    async def show(self, scene: Scene) -> None:
        if self.fails:
            raise DisplayError("the glass is out of reach; come nearer")
        async with self._changed:
            self.scenes.append(scene)
            self._changed.notify_all()

    async def utterances(self) -> AsyncIterator[str]:
        while (words := await self._heard.get()) is not None:
            yield words

    async def close(self) -> None:
        self._heard.put_nowait(None)

    def say(self, *words: str) -> None:
        for one in words:
            self._heard.put_nowait(one)

    @property
    def text(self) -> str:
        """All that is to be read now."""
        return text_of(self.scenes[-1]) if self.scenes else ""

    async def until(self, words: str) -> str:
        """Wait for a scene with these words from now on (the present one counts)."""
        async with self._changed, asyncio.timeout(30):
            await self._changed.wait_for(lambda: words in self.text)
        return self.text


def text_of(scene: Scene) -> str:
    rows = [f"{row.label} {row.text}".strip() for row in scene.rows]
    return "\n".join([scene.title, *rows, f"[{scene.hint}]"])


class Peer:
    """A connector with somebody at the other end; keeps what it was asked for, in order."""

    def __init__(self, *history: Thread) -> None:
        self.me = "Me"
        self.able = Able(frozenset({"send", "redact", "history", "receipts"}))
        self.done: list[tuple[str, ...]] = []
        self.refuses = ""
        self.answers = asyncio.Event()
        self.answers.set()
        self._history = history
        self._coming: asyncio.Queue[Arrival | None] = asyncio.Queue()

    def writes(self, text: str, id: str, conversation: str = "ben", sender: str = "Ben") -> None:
        self._coming.put_nowait(Arrival(conversation, Message(sender, text, id=id), sender))

    def brings(self, arrival: Arrival) -> None:
        self._coming.put_nowait(arrival)

    async def arrivals(self) -> AsyncIterator[Arrival]:
        while (arrival := await self._coming.get()) is not None:
            yield arrival

    async def acknowledge(self, arrival: Arrival) -> None:
        self.done.append(("acknowledged", arrival.message.id or ""))

    async def send(self, conversation: str, text: str, key: str) -> Receipt:
        self.done.append(("send", conversation, text))
        await self.answers.wait()
        if self.refuses:
            raise ConnectorError(self.refuses)
        return Receipt(conversation, f"sent-{key}")

    async def redact(self, receipt: Receipt) -> None:
        self.done.append(("redact", receipt.conversation, receipt.message_id))

    async def mark_read(self, conversation: str, message_id: str) -> None:
        self.done.append(("read", conversation, message_id))
        if self.refuses:
            raise ConnectorError(self.refuses)

    async def threads(self) -> tuple[Thread, ...]:
        return self._history

    async def close(self) -> None:
        self._coming.put_nowait(None)

    @property
    def sent(self) -> list[tuple[str, ...]]:
        return [what[1:] for what in self.done if what[0] == "send"]


class Clock:
    """Local time that a test moves."""

    def __init__(self) -> None:
        self.now = dt.datetime(2026, 3, 6, 12, 0)

    def __call__(self) -> dt.datetime:
        return self.now


def card(thread: Thread) -> Card:
    """What a quick model writes: how many are new, and the newest."""
    last = thread.messages[-1].text
    return Card(
        thread_id=thread.id,
        glance=Line(f"{len(thread.news)} new: {last[:40]}", "model"),
        summary=Line(f"about {last[:40]}", "model"),
        asks=None,
        triage=Triage(True, "normal"),
        drafts=(Draft("accept", "yes"), Draft("decline", "no"), Draft("ask", "when?")),
        model="quick",
        tokens=1,
    )


class Quick:
    """A model that writes what a test tells it to."""

    def __init__(self, write: Callable[[Thread], Card]):
        self._write = write
        self.forgotten: list[str] = []
        self.kept_up: list[Thread] = []

    def stages(self, thread: Thread) -> Iterator[Card]:
        whole = self._write(thread)
        yield replace(quoted_card(thread), glance=whole.glance, triage=whole.triage)
        yield whole

    def keep_up(self, thread: Thread) -> None:
        self.kept_up.append(thread)

    def forget(self, thread_id: str) -> None:
        self.forgotten.append(thread_id)


@asynccontextmanager
async def living(
    path: Path,
    glass: Glass,
    peer: Any,
    model: Model | Callable[[Thread], Card] = card,
    patience: Patience = QUICK,
    **options: Any,
) -> AsyncIterator[Live]:
    """A running `Live` that has ended when the block has."""
    with Inbox(path) as inbox, Outbox(path) as outbox:
        writes = Quick(model) if callable(model) else model
        live = Live("c", peer, inbox, outbox, glass, writes, patience, **options)
        running = asyncio.create_task(live.run())
        try:
            yield live
        finally:
            live.stop()
            await asyncio.wait_for(running, 30)


async def read_back(glass: Glass, peer: Peer, pick: str = "1", text: str = "yes") -> None:
    """A message has come, and a reply to it has been read back."""
    peer.writes("coming tonight?", "m0")
    await glass.until("1 new: coming tonight?")
    await glass.until(WHOLE)
    glass.say("reply")
    await glass.until("Reply to Ben")
    glass.say(pick)
    await glass.until("To Ben?")
    assert f"your reply {text}" in glass.text
