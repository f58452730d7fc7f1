"""Whether and when to interrupt. Pure: no clock, no store, no model.

    decide(news, moment, manners, learnt) -> Decision(when, why)

Rules first, in the order of `decide`; what they leave open is learnt from what the wearer dismisses
and answers (`device.bandit`). Messages that may be a fraud, speak to the machine, or come from
nobody the wearer knows wait for a pause: no rule, choice or learning promotes them.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from device.language.fraud import accuses, may_be_fraud
from device.language.injection import has_injection
from device.language.triage import calmed, from_strangers
from device.messages import Card, Thread, Triage
from device.settings import Activity, Settings
from device.text import neutralise

When = Literal["now", "pause", "asked"]
"""At once; at the next pause of the wearer's; only when the wearer asks, or the silence ends."""
Doubt = Literal["", "stranger", "fraud", "injected"]
Why = Literal[
    "stranger", "fraud", "injected", "muted", "quiet", "urgent", "person", "group", "riding",
    "reply", "chatter", "learnt", "limit",
]  # fmt: skip

HOUR = dt.timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class News:
    """What has come in one conversation, as far as attention looks at it: no text."""

    conversation: str
    name: str
    """The conversation's title; in a chat of two the other one's name."""
    senders: tuple[str, ...]
    is_group: bool
    triage: Triage
    doubt: Doubt = ""


@dataclass(frozen=True, slots=True)
class Moment:
    """How things stand with the wearer. Times are local and without a zone."""

    now: dt.datetime
    activity: Activity
    told: tuple[dt.datetime, ...] = ()
    """When the wearer was interrupted lately, in any order."""
    muted: Mapping[str, dt.datetime] = field(default_factory=dict)
    """Conversation -> until when it is silent."""

    def is_muted(self, conversation: str) -> bool:
        """Whether the wearer wants to hear nothing of it now."""
        until = self.muted.get(conversation)
        return until is not None and self.now < until


@dataclass(frozen=True, slots=True)
class Manners:
    """What the wearer chose."""

    people: frozenset[str] = frozenset()
    """Names as `plain` leaves them; so are `groups`."""
    groups: frozenset[str] = frozenset()
    quiet: tuple[dt.time, dt.time] | None = None
    most: int = 6
    """Interruptions in any hour."""

    @classmethod
    def from_settings(cls, settings: Settings) -> Manners:
        """As the settings have it."""
        return cls(
            frozenset(map(plain, settings.people)),
            frozenset(map(plain, settings.groups)),
            settings.quiet_hours,
            settings.interruptions,
        )

    def is_quiet(self, now: dt.datetime) -> bool:
        """Whether the quiet hours are on; they may pass midnight."""
        if self.quiet is None:
            return False
        start, end = self.quiet
        if start <= end:
            return start <= now.time() < end
        return now.time() >= start or now.time() < end


@dataclass(frozen=True, slots=True)
class Decision:
    """When to tell, and the rule that says so."""

    when: When
    why: Why


def plain(name: str) -> str:
    """A name as names are compared."""
    return " ".join(neutralise(name).casefold().split())


def news_of(thread: Thread, card: Card) -> News:
    """What attention looks at; texts are read here only to doubt them."""
    new = thread.news or thread.messages[-1:]
    senders = tuple(dict.fromkeys(m.sender for m in new if m.sender != thread.me))
    name = thread.title or (senders[-1] if senders else thread.id)
    return News(thread.id, name, senders, thread.is_group, card.triage, _doubt(thread, card))


def _doubt(thread: Thread, card: Card) -> Doubt:
    """A sign of a fraud alone (a sum, a link) is in every fifth thread; with pressure, in 1 %."""
    if has_injection(thread):
        return "injected"
    pressed = calmed(thread) != thread
    if accuses(card.glance.text) or (
        pressed and may_be_fraud(replace(thread, messages=thread.news))
    ):
        return "fraud"
    return "stranger" if from_strangers(thread) else ""


def decide(news: News, moment: Moment, manners: Manners, learnt: bool | None = None) -> Decision:
    """When to tell of it.

    `learnt` is what learning would do: True to tell at once, False to wait, None where it has not
    seen enough. It is asked only where no rule speaks (`is_open`).
    """
    urgent = news.triage.urgency == "high"
    person = any(plain(name) in manners.people for name in _names(news))
    group = news.is_group and plain(news.name) in manners.groups
    if moment.is_muted(news.conversation):
        return Decision("asked", "muted")
    if manners.is_quiet(moment.now) and not (person and urgent and not news.doubt):
        return Decision("asked", "quiet")
    if news.doubt:
        return Decision("pause", news.doubt)
    why: Why
    if urgent or person or group:
        wanted, why = True, "urgent" if urgent else "person" if person else "group"
    elif moment.activity == "riding":
        wanted, why = False, "riding"
    elif learnt is not None:
        wanted, why = learnt, "learnt"
    else:
        wanted, why = news.triage.needs_reply, "reply" if news.triage.needs_reply else "chatter"
    if wanted and interruptions(moment) >= manners.most:
        return Decision("pause", "limit")
    return Decision("now" if wanted else "pause", why)


def is_open(news: News, moment: Moment, manners: Manners) -> bool:
    """Whether learning decides: no rule does, neither for telling nor for waiting."""
    tell, wait = (decide(news, moment, manners, learnt) for learnt in (True, False))
    return tell.why == wait.why == "learnt"


def is_silent(conversation: str, moment: Moment, manners: Manners) -> bool:
    """Whether nothing is to be told of it now, pause or not."""
    return manners.is_quiet(moment.now) or moment.is_muted(conversation)


def interruptions(moment: Moment) -> int:
    """How many there were in the hour before."""
    return sum(moment.now - HOUR < at <= moment.now for at in moment.told)


def _names(news: News) -> Iterator[str]:
    yield from news.senders
    if not news.is_group:
        yield news.name


def features(news: News, moment: Moment) -> tuple[str, ...]:
    """The circumstances that learning goes by, each a word of letters, digits and "_".

    Names stand in it as hashes: what somebody calls themselves is no syntax and no text kept.
    """
    hour = moment.now.hour
    part = "night" if hour < 6 else "morning" if hour < 12 else "day" if hour < 18 else "evening"
    return (
        f"chat_{_hash(news.conversation)}",
        *(f"from_{_hash(sender)}" for sender in news.senders[-3:]),
        "group" if news.is_group else "direct",
        "reply" if news.triage.needs_reply else "noreply",
        f"urgency_{news.triage.urgency}",
        f"activity_{moment.activity}",
        f"part_{part}",
        "weekend" if moment.now.weekday() >= 5 else "weekday",
    )


def _hash(name: str) -> str:
    return hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:12]
