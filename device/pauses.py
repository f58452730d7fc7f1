"""Attention in the live flow: which card may show itself, and when the wearer has a moment.

What waits lies on the desk; a pause of the wearer's, or too long a time without one, lets it free.
"""

from __future__ import annotations

import time

from device.bandit import Outcome
from device.card_queue import Written
from device.desk import Desk
from device.interruptions import Interruptions
from device.settings import Activity


class Pauses:
    """Of one flow. Methods raise `StoreError`."""

    def __init__(self, desk: Desk, interruptions: Interruptions | None):
        """Without `interruptions` everything is shown as soon as the glass is free."""
        self._desk = desk
        self._interruptions = interruptions
        if interruptions is not None:
            desk.activity = interruptions.activity

    def may_show(self, written: Written) -> bool:
        """Whether a card may show itself as soon as the glass is free; asked once a card."""
        if self._interruptions is None or written.part == "rest":
            return True
        return self._interruptions.judge(written) == "now"

    def came_of(self, conversation: str, outcome: Outcome) -> None:
        """What the wearer did about it."""
        if self._interruptions is not None:
            self._interruptions.came_of(conversation, outcome)

    def pause(self, by_itself: bool = False) -> None:
        """The wearer has a moment, or there was none for long: what waited for it may be shown."""
        if self._interruptions is not None:
            shown = self._desk.release(self._interruptions.may_show)
            self._interruptions.paused(shown, self._desk.holds, by_itself)

    def pass_time(self) -> None:
        """Let free what has waited long enough."""
        if self.batch_in() == 0:
            self.pause(by_itself=True)

    def batch_in(self) -> float | None:
        """Seconds until `pass_time` has something to do; None where nothing waits."""
        return None if self._interruptions is None else self._interruptions.batch_in()

    def move(self, activity: Activity, said: str = "") -> None:
        """What the wearer does now, and their own word for it. They are told, and what waited may
        be shown."""
        if self._interruptions is not None:
            self._interruptions.activity = self._desk.activity = activity
            self._desk.tell(time.monotonic(), f"You are {said or activity} now.")
            self.pause()

    def why(self, conversation: str) -> str:
        """Why that conversation was told or kept, in a sentence; "" where nothing decides."""
        return "" if self._interruptions is None else self._interruptions.why(conversation)
