"""Notifications that come and change -> arrivals, each message once; and which can be answered.

A notification is a window on a conversation: each packet shows its messages whole, with one more
at the end, or with the oldest gone, or one edited. What is new is what can't be matched, in order,
with what was shown before.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from difflib import SequenceMatcher

from device.connectors.connector import Arrival
from device.connectors.kdeconnect_journal import Journal
from device.connectors.kdeconnect_notifications import Line, Notification
from device.messages import Message

MOST_SHOWN = 500
"""Notifications of which is remembered what they show; Android shows fewer."""


@dataclass(slots=True)
class Shown:
    """A notification as it stands on the phone now."""

    device: str
    conversation: str
    notification: Notification
    digests: list[str]
    """Of its messages, in order."""
    kept: set[int]
    """Which of them need not come again: acknowledged, or the wearer's own answer."""
    reply: str
    """As in the notification; empty once it was used."""
    own: str = ""
    """What the wearer just answered: once it is shown, it is no news."""
    current: bool = True
    """False once the phone was disconnected and hasn't shown it again."""


@dataclass(slots=True)
class _Waiting:
    """A message that was passed on and not acknowledged."""

    conversation: str
    day: str
    digest: str
    place: str


@dataclass(slots=True)
class News:
    """What phones show. `apps` as in `Notification.is_message`; nobody is called `me`."""

    journal: Journal
    apps: Collection[str]
    me: str
    _shown: dict[str, Shown] = field(default_factory=dict)
    _waiting: dict[str, _Waiting] = field(default_factory=dict)

    def take(self, device: str, notification: Notification) -> list[Arrival]:
        """What is new in it. One that is no message is nothing."""
        place = self._place(device, notification.key)
        if not notification.is_message(self.apps):
            return []
        conversation = notification.conversation(device)
        before = self._shown.pop(place, None)
        if before is not None and before.conversation != conversation:
            before = None
        lines = notification.lines
        digests = [self.journal.digest(conversation, line.sender, line.text) for line in lines]
        old = before.digests if before else self.journal.shown(place)
        kept = before.kept if before else set(range(len(old)))
        now = Shown(device, conversation, notification, digests, set(), notification.reply)
        known = dict(_matched(old, digests))
        now.kept = {new for new, position in known.items() if position in kept}
        self._shown[place] = now  # the newest last
        arrivals = []
        for position in (n for n in range(len(lines)) if n not in known):
            if before is not None and _is_own(before, lines[position]):
                before.own = ""
                now.kept.add(position)
                continue
            arrivals.append(self._arrival(place, now, position))
        now.own = before.own if before else ""
        self.journal.show(place, _digests_kept(now))
        if len(self._shown) > MOST_SHOWN:
            del self._shown[next(iter(self._shown))]
        return arrivals

    def cancel(self, device: str, key: str) -> Shown | None:
        """The phone shows it no more; what it showed last."""
        place = self._place(device, key)
        self.journal.show(place, [])
        return self._shown.pop(place, None)

    def acknowledge(self, message_id: str) -> None:
        """It is on the wearer's disk. One that isn't waited for is fine."""
        waiting = self._waiting.pop(message_id, None)
        if waiting is None:
            return
        shown = self._shown.get(waiting.place)
        digests = None
        if shown is not None and shown.conversation == waiting.conversation:
            for position, digest in enumerate(shown.digests):
                if digest == waiting.digest and position not in shown.kept:
                    shown.kept.add(position)
                    break
            digests = _digests_kept(shown)
        self.journal.acknowledge(
            waiting.conversation, waiting.day, waiting.digest, waiting.place, digests
        )

    def of(self, conversation: str) -> Shown | None:
        """The notification that shows a conversation now."""
        return next(
            (s for s in self._shown.values() if s.current and s.conversation == conversation), None
        )

    def disconnected(self, device: str) -> None:
        """Nobody knows what this phone shows now; when it is back it will show all anew."""
        for shown in self._shown.values():
            if shown.device == device:
                shown.current = False

    def _place(self, device: str, key: str) -> str:
        return self.journal.digest(device, key)

    def _arrival(self, place: str, shown: Shown, position: int) -> Arrival:
        notification, digest = shown.notification, shown.digests[position]
        line, last = notification.lines[position], position == len(notification.lines) - 1
        when = notification.posted
        day = (when or dt.datetime.now()).date().isoformat()
        times = self.journal.times(shown.conversation, day, digest)
        times += sum(
            (w.conversation, w.day, w.digest) == (shown.conversation, day, digest)
            for w in self._waiting.values()
        )
        # The same in another run, as long as it isn't acknowledged: so nothing is kept twice.
        message_id = f"{day}-{digest}-{times}"
        self._waiting[message_id] = _Waiting(shown.conversation, day, digest, place)
        time = when.time().replace(second=0, microsecond=0) if when and last else None
        message = Message(
            self._name(line.sender, notification.app),
            line.text,
            time,  # only the last one's is known
            when.date() if when else None,
            message_id,
        )
        return Arrival(
            shown.conversation, message, notification.title, is_group=notification.is_group
        )

    def _name(self, sender: str, app: str) -> str:
        """A sender's name. Nobody can pass for the wearer by taking their name."""
        if " ".join(sender.casefold().split()) == " ".join(self.me.casefold().split()):
            return f"{sender} ({app or 'not you'})"
        return sender


def _matched(old: list[str], new: list[str]) -> Iterator[tuple[int, int]]:
    """Positions in `new` and `old` that hold the same message, order kept."""
    for block in SequenceMatcher(None, old, new, autojunk=False).get_matching_blocks():
        for offset in range(block.size):
            yield block.b + offset, block.a + offset


def _is_own(before: Shown, line: Line) -> bool:
    """Whether a line that is new is what the wearer just answered. Somebody who has already
    written here, and the person a conversation is with, is not the wearer."""
    others = {old.sender for old in before.notification.lines} | {before.notification.title}
    return bool(before.own) and line.text == before.own and line.sender not in others


def _digests_kept(shown: Shown) -> list[str]:
    return [digest for n, digest in enumerate(shown.digests) if n in shown.kept]
