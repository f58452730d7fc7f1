"""Which conversations want a card, and the one model that writes them, one after the other.

A burst in one conversation gives one card: what arrives while a card is written makes it anew.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass

from device.inbox import Inbox
from device.language.quotes import quoted_ask, quoted_glance, quoted_summary
from device.logs import about
from device.messages import Card, Thread, Triage

log = logging.getLogger(__name__)

ANEW = 3
"""Times in a row that a card is written anew. In a chat that never rests the next one is shown
although it is overtaken; nothing can be answered before the one after it is there."""
WINDOW = 100
"""A card is written from this many to twice as many of the last messages. Its first one moves in
steps, so that what the model has read stays read."""


@dataclass(frozen=True, slots=True)
class Written:
    """A card, and what it was written from."""

    card: Card
    thread: Thread
    arrived: float | None
    """`time.monotonic` when the first message that it tells of came; None where nobody waited."""
    overtaken: bool = False
    """A newer message came meanwhile, and another card will follow: this one is not for showing."""
    failed: bool = False
    """The model could not write it; it holds quotes."""

    @property
    def last(self) -> str:
        """Id of the newest message that it tells of."""
        return self.thread.messages[-1].id or ""


class CardQueue:
    """Conversations that want a card, the one that waits longest first."""

    def __init__(self, name: str, inbox: Inbox, write: Callable[[Thread], Card], model: Executor):
        self._name = name
        self._inbox = inbox
        self._write = write
        self._model = model
        self._wanted: dict[str, float] = {}
        self._anew: dict[str, int] = {}
        self._work = asyncio.Event()

    def want(self, conversation: str) -> None:
        """Something new is there to tell."""
        self._wanted.setdefault(conversation, time.monotonic())
        self._work.set()

    def is_wanted(self, conversation: str) -> bool:
        """Whether a newer card than the last one will come."""
        return conversation in self._wanted

    async def run(self, tell: Callable[[Written], None]) -> None:
        """Write until cancelled. Raises `StoreError`."""
        loop = asyncio.get_running_loop()
        while True:
            await self._work.wait()
            if not self._wanted:
                self._work.clear()
                continue
            conversation = next(iter(self._wanted))
            arrived = self._wanted.pop(conversation)
            thread = await asyncio.to_thread(self._newest, conversation)
            if not thread.news:
                continue  # taken back or read meanwhile
            failed = False
            try:
                card = await loop.run_in_executor(self._model, self._write, thread)
            except Exception:
                # Whatever a model does, the sender's own words are there.
                log.exception("model", extra=about(conversation))
                card, failed = quoted_card(thread), True
            overtaken = conversation in self._wanted and self._anew.get(conversation, 0) < ANEW
            if overtaken:
                self._anew[conversation] = self._anew.get(conversation, 0) + 1
                self._wanted[conversation] = arrived
            else:
                self._anew.pop(conversation, None)
            tell(Written(card, thread, arrived, overtaken, failed))

    def _newest(self, conversation: str) -> Thread:
        whole = self._inbox.count(self._name, conversation)
        return self._inbox.thread(self._name, conversation, last=WINDOW + whole % WINDOW)


def quoted_card(thread: Thread) -> Card:
    """A card without a model: the senders' own words and no drafts."""
    return Card(
        thread_id=thread.id,
        glance=quoted_glance(thread),
        summary=quoted_summary(thread),
        asks=quoted_ask(thread),
        triage=Triage(needs_reply=False, urgency="low"),
        drafts=(),
        model="none",
        tokens=0,
    )
