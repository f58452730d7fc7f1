"""What the wearer says is found out and done. Only here, and only by the wearer's own word, is a
reply moved on."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from device.answering import Answering
from device.asides import Asides
from device.card_queue import CardQueue
from device.consent import Countdown
from device.consent_events import Cancel, Confirm, Leave, Unclear, Undo
from device.desk import Desk
from device.dialog import Dialog, Meant, Place, Question
from device.logs import about
from device.pauses import Pauses
from device.utterances import Act, Utterance

log = logging.getLogger(__name__)

BESIDE: frozenset[Act] = frozenset({"who", "why", "riding", "walking", "seated"})
"""What is no answer to a text that was read back, and leaves it standing there."""


class Wearer:
    """One who speaks or types. `at` is when words were heard, as `time.monotonic`."""

    def __init__(
        self,
        desk: Desk,
        queue: CardQueue,
        answering: Answering,
        pauses: Pauses,
        asides: Asides,
        stop: Callable[[], None],
    ):
        """`stop` ends the flow."""
        self._desk = desk
        self._queue = queue
        self._answering = answering
        self._pauses = pauses
        self._asides = asides
        self._stop = stop
        self._dialog = Dialog()

    def says(self, words: str, at: float) -> None:
        """Find out what is meant and do it, or ask. Raises `StoreError`."""
        match self._dialog.take(words, self._asides.places()):
            case Question(text):
                self._desk.heard(at)
                self._stop_countdown(at)
                self._tell(text)
            case Meant(said, place):
                self._do(said, at, place)

    def _do(self, meant: Utterance, at: float, place: Place | None) -> None:
        answering, desk = self._answering, self._desk
        here = desk.view.conversation
        log.info("said", extra=about(here or None, meant.text, act=meant.act))
        desk.heard(at)
        answering.turned()
        if meant.act in BESIDE:
            self._stop_countdown(at)
        match meant.act:
            case "quit":
                self._stop()
            case "confirm":
                answering.step(Confirm(), at)
            case "undo":
                answering.step(Undo(), at)
            case "cancel" | "later" if answering.stands:
                answering.step(Cancel(), at)
                self._pauses.pause()
            case "cancel" | "later":
                self._pauses.came_of(here, "dismissed")
                desk.put_off()
            case "reply" if place is not None or meant.text:
                answering.reply_to(place, meant, at)
            case "reply" | "pick" | "say":
                answering.answer(meant, at)
            case "shorter" | "friendlier" | "restyle" | "change":
                answering.revise(meant, at)
            case "who":
                self._tell(self._asides.who(desk.current.thread if desk.current else None))
            case "ask":
                answering.step(Leave(), at)
                self._tell(self._asides.asked(meant.text))
            case "mute" | "unmute" if place is not None:
                answering.step(Leave(), at)
                self._tell(self._asides.mute(place, meant.until))
            case "summary" | "read" | "help":
                answering.step(Leave(), at)
                if not desk.turn_to("reader" if meant.act == "read" else meant.act):
                    desk.lacks("read", at)
                self._queue.hurry(here)
                if meant.act != "help":
                    self._pauses.came_of(here, "read")
            case "riding" | "walking" | "seated":
                self._pauses.move(meant.act, meant.text)
            case "why" if because := self._pauses.why(here):
                self._tell(because)
            case "next":
                answering.step(Leave(), at)
                if wanted := desk.next_one(at):
                    self._queue.want(wanted)
            case _:
                answering.step(Unclear(), at)
                if not desk.has_notes:
                    self._tell('Not understood. "help" says what there is.')

    def _stop_countdown(self, at: float) -> None:
        """Whatever else is said in it stops it."""
        if isinstance(self._answering.state, Countdown):
            self._answering.step(Unclear(), at)

    def _tell(self, note: str) -> None:
        self._desk.tell(time.monotonic(), note)
