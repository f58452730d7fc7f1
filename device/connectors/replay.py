"""A chat export played again: what was read is history, what is new arrives as it did then."""

from __future__ import annotations

import asyncio
import datetime as dt
import itertools
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

from device.connectors.connector import Able, Arrival, Receipt
from device.errors import ConnectorError
from device.messages import Message, Thread

LONGEST_PAUSE = 20.0
"""Seconds without a message at most, unless it runs in real time: a night is no news."""
UNTIMED = dt.timedelta(seconds=5)
"""After its predecessor comes a message that has no time of its own."""
NOBODY = "a replay has nobody at the other end: what you send is only noted here"


class Replay:
    """The conversations of exports as a `Connector`; it opens no connection.

    `speed` 1 is real time, 60 makes a minute a second, None leaves no pauses. What is sent is
    noted as the wearer's own message and goes nowhere.
    """

    def __init__(self, threads: Sequence[Thread], speed: float | None = 1.0):
        """Raises `ConnectorError` where nothing is new, or two conversations have one id."""
        if not any(thread.unread for thread in threads):
            raise ConnectorError(
                "nothing is new in what is to be replayed; --unread 5 makes the last five new"
            )
        ids = [thread.id for thread in threads]
        twice = next((id for i, id in enumerate(ids) if id in ids[:i]), None)
        if twice is not None:
            raise ConnectorError(f"two conversations have the id {twice!r}; replay them apart")
        self._threads = [_with_ids(thread) for thread in threads]
        self._speed = speed
        self._newest = {t.id: t.messages[max(t.unread_from - 1, 0)] for t in threads if t.messages}
        """The message up to which each conversation has come."""
        self._closed = asyncio.Event()
        self._sent: dict[str, Receipt] = {}
        self.acknowledged: list[str] = []

    @property
    def able(self) -> Able:
        """Everything but really sending."""
        return Able(
            frozenset({"redact", "history"}),
            {"send": NOBODY, "receipts": "a replay has nobody at the other end"},
        )

    @property
    def me(self) -> str:
        """The wearer's name in the first conversation; each thread has its own."""
        return self._threads[0].me

    async def threads(self) -> tuple[Thread, ...]:
        """What was read before the replay begins; for some that is nothing."""
        return tuple(replace(t, messages=t.messages[: t.unread_from]) for t in self._threads)

    async def arrivals(self) -> AsyncIterator[Arrival]:
        """The unread messages of all conversations, in the order of their times."""
        before: dt.datetime | None = None
        for when, thread, message in _in_order(self._threads):
            if before is not None and await self._closes_within(when - before):
                return
            before = when
            self._newest[thread.id] = message
            yield Arrival(thread.id, message, thread.title, thread.is_group)

    async def acknowledge(self, arrival: Arrival) -> None:
        """Nobody waits for that: a replay begins anew each time."""

    async def send(self, conversation: str, text: str, key: str) -> Receipt:
        """Note it, at the time of the message it follows: those after it are as old as that one.

        Raises `ConnectorError` for a conversation that isn't replayed.
        """
        if (last := self._newest.get(conversation)) is None:
            raise ConnectorError(f"no conversation {conversation!r} is replayed")
        receipt = Receipt(conversation, f"sent-{key}", last.date, last.time)
        return self._sent.setdefault(key, receipt)

    async def redact(self, receipt: Receipt) -> None:
        """Forget it. Raises `ConnectorError` for what was not sent here."""
        key = next((k for k, sent in self._sent.items() if sent == receipt), None)
        if key is None:
            raise ConnectorError("that was not sent in this replay")
        del self._sent[key]

    async def mark_read(self, conversation: str, message_id: str) -> None:
        """Always raises `ConnectorError`."""
        raise ConnectorError(NOBODY)

    async def close(self) -> None:
        """End the arrivals."""
        self._closed.set()

    async def _closes_within(self, pause: dt.timedelta) -> bool:
        """Wait as the speed says; whether the replay was closed meanwhile."""
        if self._speed is None:
            seconds = 0.0
        elif self._speed == 1:
            seconds = pause.total_seconds()
        else:
            seconds = min(pause.total_seconds() / self._speed, LONGEST_PAUSE)
        try:
            await asyncio.wait_for(self._closed.wait(), max(seconds, 0.0))
        except TimeoutError:
            await asyncio.sleep(0)  # without pauses, others have their turn here
        return self._closed.is_set()


def _with_ids(thread: Thread) -> Thread:
    """The same; a message without an id gets its place, which an export does not change."""
    messages = [m if m.id else replace(m, id=f"#{i}") for i, m in enumerate(thread.messages)]
    return replace(thread, messages=tuple(messages))


def _in_order(threads: Sequence[Thread]) -> list[tuple[dt.datetime, Thread, Message]]:
    """All that is new, by time; within a conversation the order stays as it is."""
    timed = [_timed(thread) for thread in threads]
    # Where only the time of day is known, it is the first day of those that have a date.
    dated = [when for thread in timed for when, _, message in thread if message.date]
    first = min(dated, default=dt.datetime.min).date()
    shifted = [
        [(when, t, m) for when, t, m in thread]
        if any(m.date for _, _, m in thread)
        else [(dt.datetime.combine(first, dt.time()) + (when - dt.datetime.min), t, m)
              for when, t, m in thread]
        for thread in timed
    ]  # fmt: skip
    return sorted(itertools.chain(*shifted), key=lambda event: event[0])


def _timed(thread: Thread) -> list[tuple[dt.datetime, Thread, Message]]:
    """The new messages with a moment each that never goes back.

    Without dates the days are counted from `datetime.min`: an earlier time of day is the next day.
    """
    events: list[tuple[dt.datetime, Thread, Message]] = []
    now = dt.datetime.min
    for message in thread.unread:
        when = now + (UNTIMED if events else dt.timedelta())
        if message.date:
            when = dt.datetime.combine(message.date, message.time or dt.time())
        elif message.time:
            when = dt.datetime.combine(now.date(), message.time)
            when += dt.timedelta(days=when < now)
        now = max(now, when)
        events.append((now, thread, message))
    return events
