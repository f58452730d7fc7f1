"""The live flow: arrivals -> inbox -> card -> display; utterances -> what is done.

One task decides: all that happens comes through one queue, so consent sees every event in its
order. Beside it run the intake, the listener, the model in a thread of its own, and a send.

A message pushes nothing from the glass that the wearer is busy with: its card waits.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

from device import scenes
from device.answering import Answering
from device.asides import Asides
from device.card_queue import CardQueue, Model, NoNews, Written
from device.connectors.connector import Connector, KnowsActivity
from device.consent import Patience, Redact, Send
from device.consent_events import Accepted, Arrived, Leave, Refused, Tick
from device.desk import Desk
from device.dispatch import Dispatch
from device.displays.scene import Display, Scene
from device.errors import DisplayError
from device.figures import Figures
from device.happenings import Happened, Moved, Said, Stop, TakenBack
from device.inbox import Inbox
from device.intake import Changed, Intake
from device.interruptions import Interruptions
from device.logs import about
from device.outbox import Outbox
from device.pauses import Pauses
from device.settings import Activity
from device.wearer import Wearer

log = logging.getLogger(__name__)

LEAVING = 5.0
"""Seconds that a send under way is waited for when the wearer leaves."""


class Live:
    """One wearer, one connector, one display. `run` it once."""

    def __init__(
        self,
        name: str,
        connector: Connector,
        inbox: Inbox,
        outbox: Outbox,
        display: Display,
        model: Model,
        patience: Patience | None = None,
        figures: Figures | None = None,
        counted: Callable[[], None] = lambda: None,
        interruptions: Interruptions | None = None,
        receipts: bool = False,
    ):
        """`name` is the connector's in the inbox; `model` is called in a thread of its own;
        `counted` is called when the figures may have changed; without `interruptions` everything
        is shown as soon as the glass is free; `receipts`: others are told what was read."""
        self._name = name
        self._connector = connector
        self._inbox = inbox
        self._display = display
        self._figures = figures or Figures(name)
        self._counted = counted
        self._intake = Intake(name, connector, inbox)
        self._dispatch = Dispatch(name, connector, inbox, outbox, receipts)
        self._receipts = receipts
        self._thread = ThreadPoolExecutor(1, "model")
        self._queue = CardQueue(name, inbox, model, self._thread)
        self._desk = Desk(name, inbox)
        self._pauses = Pauses(self._desk, interruptions)
        self._answering = Answering(
            self._desk, self._queue, self._pauses, patience or Patience(), self._carry_out
        )
        asides = Asides(name, inbox, interruptions)
        self._wearer = Wearer(
            self._desk, self._queue, self._answering, self._pauses, asides, self.stop
        )
        self._events: asyncio.Queue[Happened | Stop] = asyncio.Queue()
        self._drawn: Scene | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._sends: set[asyncio.Task[None]] = set()

    def stop(self) -> None:
        """End `run`; for signals."""
        self._events.put_nowait(Stop())

    def tell(self, *notes: str) -> None:
        """Notes for the wearer, from now on for a while."""
        self._desk.tell(time.monotonic(), *notes)

    def forget(self, conversation: str) -> None:
        """What the store has lost of it is lost here too; nothing where the flow has ended."""
        self._queue.forget(conversation)
        self._answering.forget(conversation)
        self._desk.clear(conversation)

    def moved(self, activity: Activity) -> None:
        """What the wearer does now, by a connector or a sensor that knows; on the loop's thread."""
        self._events.put_nowait(Moved(activity))

    async def run(self) -> None:
        """Until the wearer quits, the display closes, or `stop`.

        Raises `ConnectorError` or `StoreError` when messages can no longer be taken in.
        """
        try:
            await self._intake.history()
            self.tell(*self._lacks())
            self.tell(*(scenes.maybe_sent(entry.text) for entry in self._dispatch.unsure()))
            for info in reversed(self._inbox.due()):
                if info.connector == self._name:
                    self._queue.want(info.id)
            for work in (
                self._intake.run(self._events.put_nowait),
                self._queue.run(self._events.put_nowait),
                self._listen(),
                self._sense(),
            ):
                self._spawn(work, self._tasks)
            await self._draw()
            while await self._go_on():
                now = time.monotonic()
                self._answering.step(Tick(), now)
                passed = self._desk.pass_time(now, self._answering.busy)
                self._pauses.came_of(passed, "ignored")
                self._pauses.pass_time()
                await self._draw()
                self._counted()
        finally:
            await self._leave()

    async def _go_on(self) -> bool:
        """Handle all that has happened, or find that it is time to look at the clock; False at the
        end. What has happened comes before what time brings: no send overtakes a "cancel"."""
        events = []
        with suppress(TimeoutError):
            events.append(await asyncio.wait_for(self._events.get(), self._rest()))
        while not self._events.empty():
            events.append(self._events.get_nowait())
        for event in events:
            if isinstance(event, Stop):
                if event.error is not None:
                    raise event.error
                return False
            self._handle(event)
        return True

    def _rest(self) -> float | None:
        """Seconds until something changes by itself."""
        now = time.monotonic()
        whens = self._desk.deadlines(self._answering.busy) + self._answering.deadlines(now)
        if (left := self._pauses.batch_in()) is not None:
            whens.append(now + left)
        return max(0.0, min(whens) - now) if whens else None

    def _spawn(self, work: Coroutine[Any, Any, None], among: set[asyncio.Task[None]]) -> None:
        async def watched() -> None:
            try:
                await work
            except Exception as error:
                self._events.put_nowait(Stop(error))

        task = asyncio.create_task(watched())
        among.add(task)
        task.add_done_callback(among.discard)

    async def _listen(self) -> None:
        async for words in self._display.utterances():
            self._events.put_nowait(Said(words, time.monotonic()))
        self.stop()

    async def _sense(self) -> None:
        if isinstance(self._connector, KnowsActivity):
            async for activity in self._connector.activities():
                self.moved(activity)

    async def _leave(self) -> None:
        """Let everything go; a send under way may finish."""
        self._answering.step(Leave())
        if self._sends:
            await asyncio.wait(self._sends, timeout=LEAVING)
        tasks = self._tasks | self._sends
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._thread.shutdown(wait=False)  # what it has yet to forget, it still forgets
        await self._display.close()
        await self._connector.close()
        self._counted()

    # What happens

    def _handle(self, event: Happened) -> None:
        match event:
            case Changed():
                self._changed(event)
            case Written():
                self._was_written(event)
            case Said(words, at):
                self._wearer.says(words, at)
            case Moved(activity):
                self._pauses.move(activity)
            case NoNews(thread):
                self._desk.settle(thread, time.monotonic())
                self._answering.card_came(thread.id, time.monotonic())
            case TakenBack(conversation, note, done):
                self._figures.undone += done
                self._figures.errors += not done
                self._answering.show_chat(conversation)
                self._queue.want(conversation)  # what the model has read of it goes
                self.tell(note)
            case Accepted():
                self._figures.sent += 1
                self._answering.step(event)
            case Refused():
                self._figures.errors += 1
                self._answering.step(event)

    def _changed(self, event: Changed) -> None:
        self._figures.messages += event.messages
        log.info("arrived", extra=about(event.conversation, messages=event.messages))
        self._answering.step(Arrived(event.conversation))
        if event.wants_card:
            self._queue.want(event.conversation)
        else:  # the wearer's own word, from another device perhaps
            self._pauses.came_of(event.conversation, "answered")
            self._desk.clear(event.conversation)
            self._queue.was_read(event.conversation)

    def _was_written(self, written: Written) -> None:
        """A glance, the rest of a card, or both. It is shown at once where the glass is free."""
        if written.overtaken:
            self._figures.written_anew += 1
            return
        card, conversation, now = written.card, written.thread.id, time.monotonic()
        self._figures.errors += written.failed
        facts = {"glance": card.glance.source, "tokens": card.tokens, "model": card.model}
        log.info("card", extra=about(conversation, card.glance.text, part=written.part, **facts))
        at_once, busy = self._pauses.may_show(written), self._answering.busy
        self._figures.held += self._desk.lay(written, now, busy, at_once)
        self._figures.wrote(written)
        if written.part == "glance":
            return
        self._answering.card_came(conversation, now)

    # What follows from it

    def _carry_out(self, order: Send | Redact) -> None:
        """What consent orders."""
        tell = self._events.put_nowait
        if isinstance(order, Send):
            self._spawn(self._send(order), self._sends)
        else:
            self._spawn(self._dispatch.take_back(order, tell), self._sends)

    async def _send(self, order: Send) -> None:
        await self._dispatch.send(order, self._events.put_nowait)
        self._queue.was_read(order.conversation)

    def _lacks(self) -> Iterator[str]:
        """What the wearer may expect of the connector in vain."""
        if self._receipts and (why := self._connector.able.lacks("receipts")):
            yield f"No read receipts: {why}."
        known = any(info.connector == self._name for info in self._inbox.threads())
        if not known and (why := self._connector.able.lacks("history")):
            yield f"Nothing from before: {why}."

    async def _draw(self) -> None:
        """Show what has changed. What could not be drawn was not read back."""
        remark = self._connector.able.lacks("send")
        answering = self._answering
        scene = self._desk.with_notes(answering.scene(time.monotonic(), remark), answering.waits)
        if scene != self._drawn:
            started = time.monotonic()
            try:
                await self._display.show(scene)
            except DisplayError as error:
                log.warning("display", extra=about(text=str(error)))
                self._figures.errors += 1
                self._desk.was_not_drawn()
                return
            self._drawn = scene
            shown = time.monotonic()
            self._figures.drawing_ms.append((shown - started) * 1000)
            if not answering.stands:
                if (arrived := self._desk.was_drawn()) is not None:
                    self._figures.glance_ms.append((shown - arrived) * 1000)
                if (read := self._desk.was_read()) is not None:
                    self._queue.was_read(read[0])
                    self._spawn(self._dispatch.read(*read), self._sends)
        answering.was_drawn()
