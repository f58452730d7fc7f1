"""Arrivals -> the inbox. A connector hears that a message is taken once it is on disk."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from device.connectors.connector import Arrival, Connector
from device.inbox import Inbox
from device.messages import Thread

AT_ONCE = 500
"""Arrivals that are written to disk in one go at most; a burst of thousands comes in such steps."""


@dataclass(frozen=True, slots=True)
class Changed:
    """A conversation is no longer what it was."""

    conversation: str
    messages: int = 0
    """How many are new."""
    wants_card: bool = False
    """Whether somebody else wrote or changed something."""


class Intake:
    """Takes what a connector brings and tells what has changed."""

    def __init__(self, name: str, connector: Connector, inbox: Inbox):
        """`name` is the connector's in the inbox."""
        self._name = name
        self._connector = connector
        self._inbox = inbox
        self._me: dict[str, str] = {}

    def me(self, conversation: str) -> str:
        """The wearer's name in that conversation."""
        return self._me.get(conversation, self._connector.me)

    async def history(self) -> None:
        """Keep what was known before anything arrives. Raises `ConnectorError`, `StoreError`."""
        for thread in await self._connector.threads():
            self._me[thread.id] = thread.me
            await asyncio.to_thread(self._inbox.ingest, self._name, thread)

    async def run(self, tell: Callable[[Changed], None]) -> None:
        """Until the connector is closed. Raises `ConnectorError`, `StoreError`."""
        queue: asyncio.Queue[Arrival | None] = asyncio.Queue(maxsize=2 * AT_ONCE)

        async def listen() -> None:
            try:
                async for arrival in self._connector.arrivals():
                    await queue.put(arrival)
            finally:
                await queue.put(None)

        listener = asyncio.create_task(listen())
        try:
            ended = False
            while not ended:
                batch = [await queue.get()]
                while not queue.empty() and len(batch) < AT_ONCE:
                    batch.append(queue.get_nowait())
                ended = None in batch
                arrivals = [arrival for arrival in batch if arrival is not None]
                for changed in await asyncio.to_thread(self._keep, arrivals):
                    tell(changed)
                for arrival in arrivals:
                    await self._connector.acknowledge(arrival)
            await listener
        finally:
            listener.cancel()

    def _keep(self, arrivals: Sequence[Arrival]) -> list[Changed]:
        """Write them down, each conversation's in their order and as many as can be in one go."""
        told: list[Changed] = []
        runs: dict[str, list[Arrival]] = {}
        for arrival in arrivals:
            if not arrival.replaces and not arrival.redacts:
                runs.setdefault(arrival.conversation, []).append(arrival)
                continue
            if before := runs.pop(arrival.conversation, None):
                told.append(self._ingest(before))
            told.append(self._revise(arrival))
        told += map(self._ingest, runs.values())
        return [changed for changed in told if changed.messages or changed.wants_card]

    def _ingest(self, run: Sequence[Arrival]) -> Changed:
        first, me = run[0], self.me(run[0].conversation)
        thread = Thread(first.conversation, me, (), run[-1].title, first.is_group)
        new = self._inbox.ingest(self._name, thread, [arrival.message for arrival in run])
        own = [a.message.id for a in run if a.message.sender == me and a.message.id]
        if own:  # written on another device, perhaps: who answers has read
            self._inbox.mark_read(self._name, first.conversation, own[-1])
        # Of what came together, nothing is new that the wearer's own word followed.
        return Changed(first.conversation, new, bool(new) and run[-1].message.sender != me)

    def _revise(self, arrival: Arrival) -> Changed:
        where = (self._name, arrival.conversation)
        message = arrival.message
        if arrival.redacts:
            changed = self._inbox.take_back(*where, arrival.redacts)
        else:
            assert arrival.replaces
            changed = self._inbox.edit(*where, arrival.replaces, message.sender, message.text)
        return Changed(arrival.conversation, wants_card=changed)
