"""The live flow: arrivals -> inbox -> card -> display; utterances -> what is done.

One task decides: all that happens comes through one queue, so consent sees every event in its
order. Beside it run the intake, the listener, the model in a thread of its own, and a send.

A message pushes nothing from the glass that the wearer is busy with: its card waits.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from typing import Any

from device import consent, scenes
from device.card_queue import CardQueue, Written
from device.connectors.connector import Connector
from device.consent import OPEN, Offer, Patience, Sending, Sent, State
from device.desk import Desk
from device.dispatch import Dispatch
from device.displays.scene import Display, Scene
from device.errors import DisplayError
from device.figures import Figures
from device.happenings import Happened, Said, Stop, TakenBack
from device.inbox import Inbox
from device.intake import Changed, Intake
from device.logs import about
from device.messages import Card, Thread
from device.outbox import Outbox
from device.utterances import Utterance, understand

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
        write: Callable[[Thread], Card],
        patience: Patience | None = None,
        figures: Figures | None = None,
        counted: Callable[[Figures], None] = lambda figures: None,
    ):
        """`name` is the connector's in the inbox; `write` makes a card, in a thread of its own;
        `counted` is called when the figures may have changed."""
        self._name = name
        self._connector = connector
        self._inbox = inbox
        self._display = display
        self._patience = patience or Patience()
        self._figures = figures or Figures(name)
        self._counted = counted
        self._intake = Intake(name, connector, inbox)
        self._dispatch = Dispatch(name, connector, inbox, outbox)
        self._model = ThreadPoolExecutor(1, "model")
        self._queue = CardQueue(name, inbox, write, self._model)
        self._desk = Desk(name, inbox)
        self._events: asyncio.Queue[Happened | Stop] = asyncio.Queue()
        self._state: State = consent.Idle()
        self._answered: Thread | None = None
        self._drawn: Scene | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._sends: set[asyncio.Task[None]] = set()

    def stop(self) -> None:
        """End `run`; for signals."""
        self._events.put_nowait(Stop())

    async def run(self) -> None:
        """Until the wearer quits, the display closes, or `stop`.

        Raises `ConnectorError` or `StoreError` when messages can no longer be taken in.
        """
        try:
            await self._intake.history()
            self._tell(*(scenes.maybe_sent(entry.text) for entry in self._dispatch.unsure()))
            for info in reversed(self._inbox.due()):
                if info.connector == self._name:
                    self._queue.want(info.id)
            for work in (
                self._intake.run(self._events.put_nowait),
                self._queue.run(self._events.put_nowait),
                self._listen(),
            ):
                self._spawn(work, self._tasks)
            await self._draw()
            while await self._go_on():
                now = time.monotonic()
                self._step(consent.Tick(), now)
                self._desk.pass_time(now, self._busy)
                await self._draw()
                self._counted(self._figures)
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
        whens = self._desk.deadlines(self._busy)
        if (when := consent.deadline(self._state)) is not None:
            whens.append(when)
        if isinstance(self._state, consent.Countdown):
            whens.append(now + ((self._state.ends - now) % 1 or 1.0))  # it is counted down
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

    async def _leave(self) -> None:
        """Let everything go; a send under way may finish."""
        self._step(consent.Leave())
        if self._sends:
            await asyncio.wait(self._sends, timeout=LEAVING)
        tasks = self._tasks | self._sends
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._model.shutdown(wait=False, cancel_futures=True)
        await self._display.close()
        await self._connector.close()
        self._counted(self._figures)

    # What happens

    def _handle(self, event: Happened) -> None:
        match event:
            case Changed():
                self._changed(event)
            case Written():
                self._was_written(event)
            case Said(words, at):
                self._said(understand(words), at)
            case TakenBack(conversation, note):
                self._figures.undone += 1
                self._answered = self._desk.thread(conversation)
                self._tell(note)
            case consent.Accepted():
                self._figures.sent += 1
                self._step(event)
            case consent.Refused():
                self._figures.errors += 1
                self._step(event)

    def _changed(self, event: Changed) -> None:
        self._figures.messages += event.messages
        log.info("arrived", extra=about(event.conversation, messages=event.messages))
        self._step(consent.Arrived(event.conversation))
        if event.wants_card:
            self._queue.want(event.conversation)
        else:  # the wearer's own word, from another device perhaps
            self._desk.clear(event.conversation)

    def _was_written(self, written: Written) -> None:
        """A card is ready. It is shown at once where the glass is free."""
        if written.overtaken:
            self._figures.written_anew += 1
            return
        card, conversation = written.card, written.thread.id
        self._figures.wrote(card)
        self._figures.errors += written.failed
        facts = {"glance": card.glance.source, "tokens": card.tokens, "model": card.model}
        log.info("card", extra=about(conversation, card.glance.text, **facts))
        self._figures.held += self._desk.lay(written, time.monotonic(), self._busy)

    def _said(self, meant: Utterance, at: float) -> None:
        """Do what the wearer wants. Only here, and only by the wearer, is consent moved on."""
        where = self._desk.view.conversation or None
        log.info("said", extra=about(where, meant.text, act=meant.act))
        self._desk.heard(at)
        match meant.act:
            case "quit":
                self.stop()
            case "confirm":
                self._step(consent.Confirm(), at)
            case "undo":
                self._step(consent.Undo(), at)
            case "cancel" | "later" if self._busy:
                self._step(consent.Cancel(), at)
            case "cancel" | "later":
                self._desk.put_off()
            case "reply" | "pick" | "say":
                self._answer(meant, at)
            case "summary" | "read" | "help":
                self._step(consent.Leave(), at)
                if not self._desk.turn_to("reader" if meant.act == "read" else meant.act):
                    self._tell("There is nothing to read.")
            case "next":
                self._step(consent.Leave(), at)
                if wanted := self._desk.next_one(at):
                    self._queue.want(wanted)
            case _:
                self._step(consent.Unclear(), at)
                if not self._desk.has_notes:
                    self._tell('Not understood. "help" says what there is.')

    def _answer(self, meant: Utterance, at: float) -> None:
        """A reply to what stands there: its drafts, one of them, or the wearer's own words."""
        if not isinstance(self._state, OPEN):
            if (written := self._desk.current) is None:
                self._tell("There is nothing to answer.")
                return
            if self._queue.is_wanted(written.thread.id):
                self._tell("A newer message came; its card is being written.")
                return
            self._answered = written.thread
            drafts = tuple(draft.text for draft in written.card.drafts)
            name = scenes.name_of(written.thread)
            offer = Offer(written.thread.id, name, written.last, drafts)
            self._step(consent.Propose(offer), at)
        if meant.act == "pick":
            self._step(consent.Choose(meant.number), at)
        elif meant.act == "say":
            self._step(consent.Own(meant.text), at)

    # Consent and what follows from it

    @property
    def _busy(self) -> bool:
        """Whether the wearer is answering."""
        return isinstance(self._state, (*OPEN, Sending))

    def _step(self, event: consent.Event, at: float | None = None) -> None:
        now = time.monotonic() if at is None else at
        outcome = consent.step(self._state, event, now, self._patience)
        before, self._state = self._state, outcome.state
        if type(before) is not type(outcome.state):
            log.info("consent", extra=about(state=type(outcome.state).__name__))
        if outcome.told:
            self._tell(outcome.told)
        match outcome.order:
            case consent.Send() as order:
                self._spawn(self._dispatch.send(order, self._events.put_nowait), self._sends)
            case consent.Redact() as order:
                self._spawn(self._take_back(order), self._sends)
        if isinstance(before, Sending) and isinstance(outcome.state, Sent):
            self._desk.clear(outcome.state.offer.conversation)
            self._answered = self._desk.thread(outcome.state.offer.conversation)

    async def _take_back(self, order: consent.Redact) -> None:
        note = await self._dispatch.take_back(order)
        self._events.put_nowait(TakenBack(order.conversation, note))

    def _tell(self, *notes: str) -> None:
        self._desk.tell(time.monotonic(), *notes)

    # What is seen

    def _scene(self) -> Scene:
        state, now = self._state, time.monotonic()
        if isinstance(state, (*OPEN, Sending)) and self._answered is not None:
            remark = self._connector.able.why_not.get("send", "")
            return scenes.answering(state, self._answered, now, remark)
        dark = scenes.DARK
        if self._desk.has_notes:
            undo = isinstance(state, Sent) and now < state.until
            dark = replace(dark, hint="undo" if undo else "", thread=self._answered)
        return self._desk.scene(dark)

    async def _draw(self) -> None:
        """Show what has changed. What could not be drawn was not read back."""
        scene = self._desk.with_notes(self._scene())
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
            if not self._busy and (arrived := self._desk.was_drawn()) is not None:
                self._figures.glance_ms.append((shown - arrived) * 1000)
        if isinstance(self._state, consent.Chosen):
            state = self._state
            self._step(consent.WasReadBack(state.offer.conversation, state.text))
