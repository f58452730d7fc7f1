"""What the wearer asks beside the card that stands there: who, what was said, silence for a group.

Each method returns what the wearer is told.
"""

from __future__ import annotations

import datetime as dt

from device import answers
from device.ask import ask
from device.dialog import Place
from device.inbox import Inbox
from device.interruptions import Interruptions
from device.messages import Thread
from device.scenes import name_of
from device.text import neutralise


class Asides:
    """Of one connector's conversations. Methods raise `StoreError`."""

    def __init__(self, name: str, inbox: Inbox, interruptions: Interruptions | None):
        """`name` is the connector's in the inbox; without interruptions nothing can be muted."""
        self._name = name
        self._inbox = inbox
        self._interruptions = interruptions

    def places(self) -> list[Place]:
        """The conversations that can be named, the one with the newest message first."""
        return [
            Place(info.id, neutralise(info.title or info.last.sender))
            for info in self._inbox.threads()
            if info.connector == self._name
        ]

    def who(self, thread: Thread | None) -> str:
        """Whose message stands there."""
        if thread is None:
            return "Nobody has written."
        last = (thread.news or thread.messages)[-1]
        sender, place = neutralise(last.sender), name_of(thread)
        return f"{sender}." if sender == place else f"{sender}, in {place}."

    def asked(self, question: str) -> str:
        """The message that answers, cited, with what changed it later; or that there is none."""
        return answers.spoken(ask(self._inbox, question, limit=1), dt.date.today())

    def mute(self, place: Place, until: dt.time | None) -> str:
        """Nothing is told of a conversation until that time, tomorrow's where today's is past;
        without a time it is told of again."""
        if self._interruptions is None:
            return "Nothing can be muted here."
        if until is None:
            self._interruptions.unmute(place.conversation)
            return f"{place.name} is heard again."
        now = dt.datetime.now()
        when = dt.datetime.combine(now.date(), until)
        if when <= now and until.hour < 12 and when + dt.timedelta(hours=12) > now:
            when += dt.timedelta(hours=12)  # "half past six", said in the afternoon
        elif when <= now:
            when += dt.timedelta(days=1)
        self._interruptions.mute(place.conversation, when)
        return f"{place.name} is muted until {when:%H:%M}."
