"""The reply that is being made: from what was proposed until it is sent, or dropped.

`device.consent` says where each step leads; here its steps meet the desk, the cards and time. What
it orders is carried out by the caller's `carry_out`.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import replace

from device import consent, scenes
from device.card_queue import CardQueue
from device.consent import OPEN, Patience, Redact, Send, Sending, Sent, State
from device.consent_events import Choose, Event, Leave, Offer, Own, Propose, Unclear, WasReadBack
from device.desk import Desk
from device.dialog import Place
from device.displays.scene import Scene
from device.logs import about
from device.messages import Thread
from device.pauses import Pauses
from device.revise import revised, translated
from device.utterances import Utterance

log = logging.getLogger(__name__)


class Answering:
    """One reply at a time. `at` and `now` are `time.monotonic`. Methods raise `StoreError`."""

    def __init__(
        self,
        desk: Desk,
        queue: CardQueue,
        pauses: Pauses,
        patience: Patience,
        carry_out: Callable[[Send | Redact], None],
    ):
        self._desk = desk
        self._queue = queue
        self._pauses = pauses
        self._patience = patience
        self._carry_out = carry_out
        self.state: State = consent.Idle()
        self._thread: Thread | None = None
        self._wants_drafts = ""
        self._taken_back: Offer | None = None
        """What the last reply that was taken back had been chosen from."""

    @property
    def stands(self) -> bool:
        """Whether a reply stands before the wearer."""
        return isinstance(self.state, (*OPEN, Sending))

    @property
    def waits(self) -> bool:
        """Whether something that the wearer asked for is being written."""
        return any(map(self._queue.has, (self._wants_drafts, self._desk.asked_for)))

    @property
    def busy(self) -> bool:
        """Whether the glass is the wearer's: nothing else takes it by itself."""
        return self.stands or self.waits

    def step(self, event: Event, at: float | None = None) -> None:
        """Something has happened to the reply, now or at `at`."""
        now = time.monotonic() if at is None else at
        outcome = consent.step(self.state, event, now, self._patience)
        before, self.state = self.state, outcome.state
        if type(before) is not type(outcome.state):
            log.info("consent", extra=about(state=type(outcome.state).__name__))
        if outcome.told:
            self._tell(outcome.told)
        if outcome.order is not None:
            self._carry_out(outcome.order)
        if isinstance(before, Sent) and isinstance(outcome.order, Redact):
            self._taken_back = before.offer
        if isinstance(before, Sending) and isinstance(outcome.state, Sent):
            conversation = outcome.state.offer.conversation
            self._pauses.came_of(conversation, "answered")
            self._desk.clear(conversation)
            self._pauses.pause()
            self.show_chat(conversation)

    def answer(self, meant: Utterance, at: float) -> None:
        """A reply to what stands there: its drafts, one of them, or the wearer's own words."""
        if not isinstance(self.state, OPEN):
            if (written := self._desk.current) is None:
                if self._desk.asked_for and meant.act == "reply":
                    self._wait_for_drafts(self._desk.asked_for)
                elif meant.act == "reply" and (again := self._again()) is not None:
                    self.step(Propose(again), at)
                else:
                    self._desk.lacks("answer", at)
                return
            here = written.thread.id
            if self._queue.is_wanted(here):
                self._desk.asked_for = here
                self._tell("A newer message came.")
                return
            if written.part == "glance" and meant.act != "say" and self._queue.has(here):
                self._wait_for_drafts(here)
                return
            self._thread = written.thread
            drafts = tuple(draft.text for draft in written.card.drafts)
            offer = Offer(here, scenes.name_of(written.thread), written.last, drafts)
            self.step(Propose(offer), at)
        if meant.act == "pick":
            self.step(Choose(meant.number), at)
        elif meant.act == "say":
            self.step(Own(meant.text), at)

    def reply_to(self, place: Place | None, meant: Utterance, at: float) -> None:
        """A reply to a conversation that was named, or in words that were said with it."""
        here = self._desk.view.conversation
        if place is None or place.conversation == here:
            self.answer(replace(meant, act="say") if meant.text else meant, at)
            return
        self.step(Leave(), at)
        if meant.text or not (wanted := self._desk.go_to(place.conversation, at)):
            thread = self._thread = self._desk.thread(place.conversation)
            offer = Offer(thread.id, place.name, thread.messages[-1].id or "", ())
            self.step(Propose(self._again(thread.id) or offer), at)
            if meant.text:
                self.step(Own(meant.text), at)
        elif self._desk.view.conversation == place.conversation:
            self.answer(meant, at)
        else:
            self._wait_for_drafts(wanted)
            self._queue.want(wanted)

    def revise(self, meant: Utterance, at: float) -> None:
        """Change the text that stands there to be confirmed; it is read back again."""
        if not isinstance(self.state, consent.Chosen | consent.ReadBack):
            self.step(Unclear(), at)
            self._tell("There is no text to change. Pick one first.")
            return
        if meant.act == "restyle":
            text = self._translated(meant.text, self.state.text)
        else:
            text = revised(meant, self.state.text, self.state.offer.recipient)
        if text is None:
            self._tell("That can't be changed so. Say your own words.")
        else:
            self.step(Own(text), at)

    def card_came(self, conversation: str, now: float) -> None:
        """A whole card lies on the desk, or none will: the drafts that the wearer waits for may be
        in it."""
        if conversation != self._wants_drafts:
            return
        self._wants_drafts = ""
        if conversation == self._desk.view.conversation and not self.stands:
            self.answer(Utterance("reply"), now)

    def forget(self, conversation: str) -> None:
        """The store has lost it: nothing is offered to it again."""
        if self._taken_back is not None and self._taken_back.conversation == conversation:
            self._taken_back = None

    def turned(self) -> None:
        """The wearer has said something else: drafts are no longer waited for."""
        self._wants_drafts = ""

    def show_chat(self, conversation: str) -> None:
        """That conversation, as it is now, stands beside what is told of the reply."""
        self._thread = self._desk.thread(conversation)

    def was_drawn(self) -> None:
        """What `scene` gave stands before the wearer: a text in it has been read back."""
        if isinstance(state := self.state, consent.Chosen):
            self.step(WasReadBack(state.offer.conversation, state.text))

    def scene(self, now: float, remark: str = "") -> Scene:
        """What is to be seen: the reply where there is one, else the desk. `remark` is what a
        connector has to say about sending."""
        state = self.state
        if isinstance(state, (*OPEN, Sending)) and self._thread is not None:
            return scenes.answering(state, self._thread, now, remark)
        dark = scenes.DARK
        if self._desk.has_notes:
            undo = isinstance(state, Sent) and now < state.until and not state.fixed
            dark = replace(dark, hint="undo" if undo else "", thread=self._thread)
        return self._desk.scene(dark)

    def deadlines(self, now: float) -> list[float]:
        """When time changes something by itself."""
        whens = [] if (when := consent.deadline(self.state)) is None else [when]
        if isinstance(self.state, consent.Countdown):
            whens.append(now + ((self.state.ends - now) % 1 or 1.0))  # it is counted down
        return whens

    def _translated(self, how: str, text: str) -> str | None:
        written = self._desk.current
        if written is None or self._thread is None:
            return None
        return translated(how, text, written.card.drafts, self._thread)

    def _again(self, conversation: str = "") -> Offer | None:
        """What the last reply that was taken back had been chosen from, where nothing came since;
        its conversation then stands beside it. With a `conversation`, only one to that."""
        offer = self._taken_back
        if offer is None or conversation not in ("", offer.conversation):
            return None
        thread = self._desk.thread(offer.conversation)
        if not thread.messages or thread.messages[-1].id != offer.last:
            return None
        self._thread = thread
        return offer

    def _wait_for_drafts(self, conversation: str) -> None:
        self._wants_drafts = conversation
        self._queue.hurry(conversation)

    def _tell(self, note: str) -> None:
        self._desk.tell(time.monotonic(), note)
