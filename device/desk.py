"""What lies before the wearer: the page looked at, the cards that wait, and short notes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

from device import scenes
from device.card_queue import Written
from device.displays.scene import Scene
from device.inbox import Inbox
from device.messages import Thread
from device.settings import Activity

GLANCE_LEAST = 4.0
"""Seconds that a glance stands before another conversation's takes its place."""
GLANCE_MOST = 20.0
"""Seconds after which a glance that nobody answers is taken off the lens."""
LOOKING = 60.0
"""Seconds without a word after which a page is taken off too."""
NOTE = 6.0
"""Seconds that a note stands."""
NOTES = 3

Page = Literal["dark", "glance", "summary", "reader", "help"]


@dataclass(slots=True)
class View:
    """What the wearer looks at."""

    page: Page = "dark"
    conversation: str = ""
    """What words refer to; it stays when the lens has gone dark."""
    since: float = 0.0


class Desk:
    """Times are seconds of one steady clock, the caller's. Methods that ask or mark the inbox raise
    `StoreError`."""

    def __init__(self, name: str, inbox: Inbox):
        """`name` is the connector's in the inbox."""
        self._name = name
        self._inbox = inbox
        self._written: dict[str, Written] = {}
        self._waiting: list[str] = []
        self._held: list[str] = []
        self._notes: tuple[str, ...] = ()
        self._notes_until = 0.0
        self._read = ("", "")
        self.asked_for = ""
        """The conversation that the wearer waits for: its card is being written."""
        self.view = View()
        self.activity: Activity = "walking"

    @property
    def current(self) -> Written | None:
        """The card that words refer to."""
        return self._written.get(self.view.conversation)

    def tell(self, now: float, *notes: str) -> None:
        """Notes that stand above the page for a while."""
        if notes:
            self._notes = (*self._notes, *notes)[-NOTES:]
            self._notes_until = now + NOTE

    @property
    def has_notes(self) -> bool:
        """Whether any stands there."""
        return bool(self._notes)

    def heard(self, at: float) -> None:
        """The wearer has spoken: has seen the notes, and still looks at the page."""
        self._notes = ()
        self.view.since = at

    def lay(self, written: Written, now: float, busy: bool, at_once: bool = True) -> bool:
        """A card is ready; whether it has to wait until the wearer is free.

        Not `at_once`, it is held until `release`.
        """
        conversation = written.thread.id
        before = self._written.get(conversation)
        if written.part == "rest":
            if before is not None and before.last == written.last:  # neither answered nor newer
                self._written[conversation] = replace(written, arrived=before.arrived)
            return False
        self._written[conversation] = written
        if conversation == self.asked_for:
            self.asked_for = ""
            self._look_at(conversation, now)
            return False
        if self.view.page != "dark" and self.view.conversation == conversation:
            self._claim(written)
            return False  # what stands there is drawn again from the new card
        if conversation in self._held:
            self._held.remove(conversation)
        if conversation not in self._waiting:
            (self._waiting if at_once else self._held).append(conversation)
        if at_once and self._free(now, busy):
            return False
        self._written[conversation] = replace(written, arrived=None)  # we aren't slow: it waits
        return True

    def release(self, may: Callable[[str], bool] = lambda conversation: True) -> bool:
        """Let what is held be shown where it `may`; whether anything was."""
        free = [conversation for conversation in self._held if may(conversation)]
        self._held = [conversation for conversation in self._held if conversation not in free]
        self._waiting += free
        return bool(free)

    @property
    def holds(self) -> bool:
        """Whether anything is held."""
        return bool(self._held)

    def lacks(self, act: str, now: float) -> None:
        """No card stands there to "read" or to "answer": say so, or what leads to one."""
        waits = bool(self._unread())
        self.tell(now, 'A message waits; say "next".' if waits else f"There is nothing to {act}.")

    def clear(self, conversation: str) -> None:
        """Nothing is left to tell of it: the wearer has answered."""
        if conversation == self.asked_for:
            self.asked_for = ""
        self._written.pop(conversation, None)
        self._take_up(conversation)
        if self.view.conversation == conversation:
            self.view = View(since=self.view.since)

    def settle(self, thread: Thread, now: float) -> None:
        """Nothing of it is new: where the message that its card ends with was taken back, the card
        goes; one that was only read stays. Who waits for it is told."""
        if thread.id == self.asked_for:
            self.asked_for = ""
            self.tell(now, "Nothing is new there any more.")
        written = self._written.get(thread.id)
        if written is not None and written.last not in {m.id for m in thread.messages}:
            self.clear(thread.id)

    def put_off(self) -> None:
        """Off the lens, and waited for no more; it stays unread."""
        self.view.page = "dark"
        self.asked_for = ""

    def turn_to(self, page: Literal["summary", "reader", "help"]) -> bool:
        """Another page; False where there is no card to read."""
        if page != "help" and self.current is None:
            return False
        self.view.page = page
        return True

    def next_one(self, now: float) -> str:
        """Turn to what waits, then to what is unread since before.

        Returns the conversation whose card has to be written first, "" where it needs none.
        """
        self.release()
        if self._waiting:
            self._look_at(self._waiting.pop(0), now)
            return ""
        others = [i for i in self._unread() if i != self.view.conversation]
        if not others:
            self.tell(now, "Nothing else is waiting.")
        elif others[-1] in self._written:
            self._look_at(others[-1], now)
        else:
            self.asked_for = others[-1]
        return self.asked_for

    def go_to(self, conversation: str, now: float) -> str:
        """Turn to a conversation that was named; its id where it has news, else "".

        Where its card has to be written first, the page stays.
        """
        if conversation in self._written:
            self._take_up(conversation)
            self._look_at(conversation, now)
            return conversation
        if conversation not in self._unread():
            return ""
        self.asked_for = conversation
        return conversation

    def pass_time(self, now: float, busy: bool) -> str:
        """Take off what stood long enough, and show what waits where the wearer is free.

        Returns the conversation whose glance passed without a word, "" for none.
        """
        passed = ""
        if self._notes and now >= self._notes_until:
            self._notes = ()
        if not busy and now >= self.view.since + _stays(self.view.page):
            passed = self.view.conversation if self.view.page == "glance" else ""
            self.view.page = "dark"
        while self._waiting and self._free(now, busy):
            written = self._written[self._waiting.pop(0)]
            if self._claim(written):
                self.view = View("glance", written.thread.id, now)
        return passed

    def deadlines(self, busy: bool) -> list[float]:
        """When `pass_time` may have something to do."""
        whens = [self._notes_until] if self._notes else []
        if self.view.page != "dark" and not busy:
            whens.append(self.view.since + _stays(self.view.page))
            if self._waiting and self.view.page == "glance":
                whens.append(self.view.since + GLANCE_LEAST)
        return whens

    def scene(self, dark: Scene) -> Scene:
        """The page without the notes; `dark` where there is none."""
        if self.view.page == "help":
            return scenes.HELP
        written = self.current
        if written is None or self.view.page == "dark":
            return dark
        if self.view.page == "summary":
            return scenes.summary(written.card, written.thread, written.part == "glance")
        if self.view.page == "reader":
            return scenes.reader(written.thread)
        pending = written.part == "glance"
        if self.activity == "seated" and not pending:
            return scenes.seated(written.card, written.thread, len(self._waiting))
        return scenes.glance(written.card, written.thread, len(self._waiting), pending)

    def with_notes(self, scene: Scene, waits: bool) -> Scene:
        """A scene under the notes; `waits`: what the wearer asked for is being written."""
        return scenes.with_notes(scene, (*self._notes, scenes.MOMENT) if waits else self._notes)

    def was_drawn(self) -> float | None:
        """The scene is on the glass; when what its new glance tells of arrived, or None."""
        written = self.current
        if written is None or self.view.page != "glance":
            return None
        self._inbox.mark_shown(self._name, written.thread.id, written.last)
        self._written[written.thread.id] = replace(written, arrived=None)
        return written.arrived

    def was_read(self) -> tuple[str, str] | None:
        """The scene is on the glass; what the wearer reads there word for word since now: the
        conversation, and the id of its newest message."""
        written = self.current
        if written is None or self.view.page != "reader":
            return None
        read = (written.thread.id, written.last)
        if read == self._read:
            return None
        self._read = read
        self._inbox.mark_read(self._name, *read)
        return read

    def was_not_drawn(self) -> None:
        """The display failed: the next run shows it again, if this one can't."""
        if self.view.page == "glance":
            self._inbox.release_claim(self._name, self.view.conversation)

    def thread(self, conversation: str) -> Thread:
        """A conversation as it is now, for the chat beside the glass."""
        return self._inbox.thread(self._name, conversation, last=100)

    def _unread(self) -> list[str]:
        """The conversations with unread messages, the newest first."""
        return [i.id for i in self._inbox.threads() if i.connector == self._name and i.unread]

    def _free(self, now: float, busy: bool) -> bool:
        """Whether another conversation may take the glass by itself."""
        if busy or self.view.page not in ("dark", "glance"):
            return False
        return self.view.page == "dark" or now - self.view.since >= GLANCE_LEAST

    def _take_up(self, conversation: str) -> None:
        """It waits no more."""
        for those in (self._waiting, self._held):
            if conversation in those:
                those.remove(conversation)

    def _look_at(self, conversation: str, now: float) -> None:
        """The wearer wants it: whether it was shown before doesn't matter."""
        self._claim(self._written[conversation])
        self.view = View("glance", conversation, now)

    def _claim(self, written: Written) -> bool:
        return self._inbox.claim_unshown(self._name, written.thread.id, written.last)


def _stays(page: Page) -> float:
    """Seconds that a page is left standing without a word."""
    return GLANCE_MOST if page == "glance" else LOOKING
