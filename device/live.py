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
from device.asides import Asides
from device.bandit import Outcome
from device.card_queue import CardQueue, Model, Written
from device.connectors.connector import Connector
from device.consent import OPEN, Offer, Patience, Sending, Sent, State
from device.desk import Desk
from device.dialog import Dialog, Meant, Place, Question
from device.dispatch import Dispatch
from device.displays.scene import Display, Scene
from device.errors import DisplayError
from device.figures import Figures
from device.happenings import Happened, Moved, Said, Stop, TakenBack
from device.inbox import Inbox
from device.intake import Changed, Intake
from device.interruptions import Interruptions
from device.logs import about
from device.messages import Thread
from device.outbox import Outbox
from device.revise import revised
from device.settings import Activity
from device.utterances import Utterance

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
        counted: Callable[[Figures], None] = lambda figures: None,
        interruptions: Interruptions | None = None,
    ):
        """`name` is the connector's in the inbox; `model` is called in a thread of its own;
        `counted` is called when the figures may have changed; without `interruptions` everything
        is shown as soon as the glass is free."""
        self._name = name
        self._connector = connector
        self._inbox = inbox
        self._display = display
        self._patience = patience or Patience()
        self._figures = figures or Figures(name)
        self._counted = counted
        self._intake = Intake(name, connector, inbox)
        self._dispatch = Dispatch(name, connector, inbox, outbox)
        self._thread = ThreadPoolExecutor(1, "model")
        self._queue = CardQueue(name, inbox, model, self._thread)
        self._desk = Desk(name, inbox)
        self._asides = Asides(name, inbox, interruptions)
        self._interruptions = interruptions
        if interruptions is not None:
            self._desk.activity = interruptions.activity
        self._dialog = Dialog()
        self._events: asyncio.Queue[Happened | Stop] = asyncio.Queue()
        self._state: State = consent.Idle()
        self._answered: Thread | None = None
        self._wants_drafts = ""
        self._drawn: Scene | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._sends: set[asyncio.Task[None]] = set()

    def stop(self) -> None:
        """End `run`; for signals."""
        self._events.put_nowait(Stop())

    def forget(self, conversation: str) -> None:
        """What the store has lost of it is lost here too."""
        self._queue.forget(conversation)
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
                self._came_of(self._desk.pass_time(now, self._busy), "ignored")
                self._batch()
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
        if self._interruptions is not None and (left := self._interruptions.batch_in()) is not None:
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

    async def _leave(self) -> None:
        """Let everything go; a send under way may finish."""
        self._step(consent.Leave())
        if self._sends:
            await asyncio.wait(self._sends, timeout=LEAVING)
        tasks = self._tasks | self._sends
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._thread.shutdown(wait=False, cancel_futures=True)
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
                self._heard(words, at)
            case Moved(activity):
                self._move(activity)
            case TakenBack(conversation, note):
                self._figures.undone += 1
                self._answered = self._desk.thread(conversation)
                self._queue.want(conversation)  # what the model has read of it goes
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
        """A glance, the rest of a card, or both. It is shown at once where the glass is free."""
        if written.overtaken:
            self._figures.written_anew += 1
            return
        card, conversation, now = written.card, written.thread.id, time.monotonic()
        self._figures.errors += written.failed
        facts = {"glance": card.glance.source, "tokens": card.tokens, "model": card.model}
        log.info("card", extra=about(conversation, card.glance.text, part=written.part, **facts))
        self._figures.held += self._desk.lay(written, now, self._busy, self._tells(written))
        if written.part == "glance":
            return
        self._figures.wrote(card)
        if conversation == self._wants_drafts == self._desk.view.conversation and not self._busy:
            self._answer(Utterance("reply"), now)

    def _heard(self, words: str, at: float) -> None:
        """Find out what is meant, or ask."""
        match self._dialog.take(words, self._asides.places()):
            case Question(text):
                self._desk.heard(at)
                if isinstance(self._state, consent.Countdown):
                    self._step(consent.Unclear(), at)
                self._tell(text)
            case Meant(said, place):
                self._said(said, at, place)

    def _said(self, meant: Utterance, at: float, place: Place | None = None) -> None:
        """Do what the wearer wants. Only here, and only by the wearer, is consent moved on."""
        where = self._desk.view.conversation or None
        log.info("said", extra=about(where, meant.text, act=meant.act))
        self._desk.heard(at)
        self._wants_drafts = ""
        match meant.act:
            case "quit":
                self.stop()
            case "confirm":
                self._step(consent.Confirm(), at)
            case "undo":
                self._step(consent.Undo(), at)
            case "cancel" | "later" if self._busy:
                self._step(consent.Cancel(), at)
                self._pause()
            case "cancel" | "later":
                self._came_of(self._desk.view.conversation, "dismissed")
                self._desk.put_off()
            case "reply" if place is not None or meant.text:
                self._reply_to(place, meant, at)
            case "reply" | "pick" | "say":
                self._answer(meant, at)
            case "shorter" | "friendlier" | "change":
                self._revise(meant, at)
            case "who":
                written = self._desk.current
                self._tell(self._asides.who(written.thread if written else None))
            case "ask":
                self._step(consent.Leave(), at)
                self._tell(self._asides.asked(meant.text))
            case "mute" | "unmute" if place is not None:
                self._step(consent.Leave(), at)
                self._tell(self._asides.mute(place, meant.until))
            case "summary" | "read" | "help":
                self._step(consent.Leave(), at)
                if not self._desk.turn_to("reader" if meant.act == "read" else meant.act):
                    self._tell("There is nothing to read.")
                self._queue.hurry(self._desk.view.conversation)
                if meant.act != "help":
                    self._came_of(self._desk.view.conversation, "read")
            case "riding" | "walking" | "seated":
                self._move(meant.act)
            case "why" if self._interruptions is not None:
                self._tell(self._interruptions.why(self._desk.view.conversation))
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
            if written.part == "glance" and meant.act != "say":
                self._wants_drafts = written.thread.id
                self._queue.hurry(written.thread.id)
                self._tell("One moment …")
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

    def _reply_to(self, place: Place | None, meant: Utterance, at: float) -> None:
        """A reply to a conversation that was named, or in words that were said with it."""
        here = self._desk.view.conversation
        if place is None or place.conversation == here:
            self._answer(replace(meant, act="say") if meant.text else meant, at)
            return
        self._step(consent.Leave(), at)
        if meant.text or not (wanted := self._desk.go_to(place.conversation, at)):
            thread = self._desk.thread(place.conversation)
            self._answered = thread
            offer = Offer(thread.id, place.name, thread.messages[-1].id or "", ())
            self._step(consent.Propose(offer), at)
            if meant.text:
                self._step(consent.Own(meant.text), at)
        elif self._desk.view.conversation == place.conversation:
            self._answer(meant, at)
        else:
            self._wants_drafts = wanted
            self._queue.want(wanted)

    def _revise(self, meant: Utterance, at: float) -> None:
        """Change the text that stands there to be confirmed; it is read back again."""
        if not isinstance(self._state, consent.Chosen | consent.ReadBack):
            self._step(consent.Unclear(), at)
            self._tell("There is no text to change. Pick one first.")
            return
        text = revised(meant, self._state.text, self._state.offer.recipient)
        if text is None:
            self._tell("That can't be changed so. Say your own words.")
        else:
            self._step(consent.Own(text), at)

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
            self._came_of(outcome.state.offer.conversation, "answered")
            self._desk.clear(outcome.state.offer.conversation)
            self._pause()
            self._answered = self._desk.thread(outcome.state.offer.conversation)

    async def _take_back(self, order: consent.Redact) -> None:
        note = await self._dispatch.take_back(order)
        self._events.put_nowait(TakenBack(order.conversation, note))

    def _tell(self, *notes: str) -> None:
        self._desk.tell(time.monotonic(), *notes)

    # Attention: whether a card may show itself, and what is learnt from what the wearer does

    def _tells(self, written: Written) -> bool:
        """Whether a card may show itself as soon as the glass is free."""
        if self._interruptions is None or written.part == "rest":
            return True
        return self._interruptions.judge(written) == "now"

    def _came_of(self, conversation: str, outcome: Outcome) -> None:
        if self._interruptions is not None:
            self._interruptions.came_of(conversation, outcome)

    def _pause(self, by_itself: bool = False) -> None:
        """The wearer has a moment, or there was none for long: what waited for it may be shown."""
        if self._interruptions is not None:
            shown = self._desk.release(self._interruptions.may_show)
            self._interruptions.paused(shown, self._desk.holds, by_itself)

    def _batch(self) -> None:
        if self._interruptions is not None and self._interruptions.batch_in() == 0:
            self._pause(by_itself=True)

    def _move(self, activity: Activity) -> None:
        if self._interruptions is not None:
            self._interruptions.activity = self._desk.activity = activity
            self._tell(f"You are {activity} now.")
            self._pause()

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
