"""Which conversations want a card, and the one model that writes them.

A card has two parts. Its glance, and how urgent it is, is told as soon as it is there; the rest
(summary, asks, drafts) is written when no glance is waited for. The newest conversation goes first.

A burst in one conversation gives one card: what arrives while a part is written makes it anew.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Literal, Protocol

from device.inbox import Inbox
from device.language.quotes import quoted_ask, quoted_glance, quoted_summary
from device.logs import about
from device.messages import Card, Thread, Triage

log = logging.getLogger(__name__)

ANEW = 3
"""Times in a row that a card is written anew. In a chat that never rests the next one is shown
although it is overtaken; nothing can be answered before the one after it is there."""
TURNS = 4
"""Every so many turns it is that of who waits longest, so that none waits for ever."""
WINDOW = 100
"""A card is written from this many to twice as many of the last messages. Its first one moves in
steps, so that what the model has read stays read."""


class Model(Protocol):
    """What writes cards. Called from one thread at a time."""

    def stages(self, thread: Thread) -> Iterator[Card]:
        """The card as far as it is written: with its glance first, the last one whole.

        Other threads' stages may come in between.
        """

    def keep_up(self, thread: Thread) -> None:
        """Read on in a thread that is in memory, before anything is asked of it."""

    def forget(self, thread_id: str) -> None:
        """Keep nothing of that thread, neither in memory nor on disk."""


@dataclass(frozen=True, slots=True)
class Written:
    """A card, and what it was written from."""

    card: Card
    thread: Thread
    arrived: float | None
    """`time.monotonic` when the first message that it tells of came; None where nobody waited."""
    part: Literal["glance", "rest", "whole"] = "whole"
    """"glance": the rest is still to come, quotes stand in its place. "rest": now it is there."""
    overtaken: bool = False
    """A newer message came meanwhile, and another card will follow: this one is not for showing."""
    failed: bool = False
    """The model could not write it; it holds quotes."""

    @property
    def last(self) -> str:
        """Id of the newest message that it tells of."""
        return self.thread.messages[-1].id or ""


@dataclass(frozen=True, slots=True)
class NoNews:
    """A conversation that a card was wanted of, and nothing is new in it: it was read meanwhile, or
    its news was taken back."""

    thread: Thread
    """As it is now."""


@dataclass(slots=True)
class _Wanted:
    """A conversation that waits for the model."""

    since: float
    """When the first message that its card will tell of came."""
    order: int
    """Higher, the newer its newest message."""
    begun: tuple[Written, Iterator[Card]] | None = None
    """The glance that was told, and how its card goes on."""


class CardQueue:
    """Conversations that want a card, the newest first."""

    def __init__(self, name: str, inbox: Inbox, model: Model, thread: Executor):
        """`name` is the connector's in the inbox; `thread` is where the model is called."""
        self._name = name
        self._inbox = inbox
        self._model = model
        self._thread = thread
        self._wanted: dict[str, _Wanted] = {}
        self._read: dict[str, None] = {}
        """Conversations in which the model is to read on."""
        self._anew: dict[str, int] = {}
        self._count = itertools.count(1)
        self._turns = itertools.count(1)
        self._writing = ""
        self._begins = False
        self._hurried = ""
        self._work = asyncio.Event()

    def want(self, conversation: str) -> None:
        """Something new is there to tell."""
        before = self._wanted.get(conversation)
        since = time.monotonic() if before is None or before.begun else before.since
        self._wanted[conversation] = _Wanted(since, next(self._count))
        self._work.set()

    def is_wanted(self, conversation: str) -> bool:
        """Whether a newer card than the last one will come."""
        wanted = self._wanted.get(conversation)
        begins = conversation == self._writing and self._begins
        return begins or (wanted is not None and wanted.begun is None)

    def has(self, conversation: str) -> bool:
        """Whether a card of it, or the rest of one, is still to come."""
        return bool(conversation) and conversation in (*self._wanted, self._writing)

    def hurry(self, conversation: str) -> None:
        """The wearer waits for the rest of that card."""
        self._hurried = conversation

    def was_read(self, conversation: str) -> None:
        """Nothing is new in it any more: the model takes note when there is nothing to write.

        The next message is then all that it has to read when it comes.
        """
        self._read[conversation] = None
        self._work.set()

    def forget(self, conversation: str) -> None:
        """The model is to keep nothing of it."""
        self._read.pop(conversation, None)
        if (wanted := self._wanted.get(conversation)) is not None and wanted.begun:
            del self._wanted[conversation]
        with suppress(RuntimeError):  # its thread has ended
            self._thread.submit(self._model.forget, conversation)

    async def run(self, tell: Callable[[Written | NoNews], None]) -> None:
        """Write until cancelled. Raises `StoreError`."""
        while True:
            await self._work.wait()
            if not self._wanted:
                if self._read:
                    await self._keep_up(self._read.popitem()[0])
                else:
                    self._work.clear()
                continue
            conversation = self._next()
            wanted = self._wanted.pop(conversation)
            self._writing, self._begins = conversation, wanted.begun is None
            if wanted.begun is None:
                await self._begin(conversation, wanted, tell)
            else:
                tell(await self._finished(*wanted.begun))
                if conversation == self._hurried:
                    self._hurried = ""
            self._writing = ""

    def _next(self) -> str:
        """Whose turn it is."""
        waiting = self._wanted
        if (hurried := waiting.get(self._hurried)) is not None and hurried.begun:
            return self._hurried
        if next(self._turns) % TURNS == 0:
            return min(waiting, key=lambda c: waiting[c].since)
        return max(waiting, key=lambda c: (waiting[c].begun is None, waiting[c].order))

    async def _begin(
        self, conversation: str, wanted: _Wanted, tell: Callable[[Written | NoNews], None]
    ) -> None:
        """Write a glance; its rest is wanted then."""
        loop = asyncio.get_running_loop()
        thread = await asyncio.to_thread(self._newest, conversation)
        if not thread.news:
            await loop.run_in_executor(self._thread, self._model.forget, thread.id)
            tell(NoNews(thread))
            return
        stages: Iterator[Card] = iter(())
        try:
            stages = self._model.stages(thread)
            card = await loop.run_in_executor(self._thread, next, stages)
            written = Written(card, thread, wanted.since, "glance")
        except Exception:
            # Whatever a model does, the sender's own words are there.
            log.exception("model", extra=about(conversation))
            written = Written(quoted_card(thread), thread, wanted.since, failed=True)
        newer = self._wanted.get(conversation)
        if newer is not None and self._anew.get(conversation, 0) < ANEW:
            self._anew[conversation] = self._anew.get(conversation, 0) + 1
            newer.since = wanted.since
            tell(replace(written, overtaken=True))
            return
        self._anew.pop(conversation, None)
        if newer is None and not written.failed:
            wanted.begun = (written, stages)
            self._wanted[conversation] = wanted
        tell(written)

    async def _finished(self, glance: Written, stages: Iterator[Card]) -> Written:
        """The rest of a card; where the model fails, what there is already is all."""
        loop = asyncio.get_running_loop()
        card, failed = glance.card, False
        try:
            card = await loop.run_in_executor(self._thread, next, stages, card)
        except Exception:
            log.exception("model", extra=about(glance.thread.id))
            failed = True
        return replace(glance, card=card, arrived=None, part="rest", failed=failed)

    async def _keep_up(self, conversation: str) -> None:
        """It only saves time later: whatever is in its way, the next card tells of it."""
        loop = asyncio.get_running_loop()
        try:
            thread = await asyncio.to_thread(self._newest, conversation)
            await loop.run_in_executor(self._thread, self._model.keep_up, thread)
        except Exception:
            log.exception("model", extra=about(conversation))

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
