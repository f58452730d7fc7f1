"""Attention at work: each card is decided on, the decision kept, and what the wearer does learnt.

    when = interruptions.judge(written)          # "now", "pause" or "asked"
    interruptions.came_of(conversation, "read")  # the wearer did something about it

What "pause" means is the flow's to say; when there was none for too long, `batch_in` says so.
"""

from __future__ import annotations

import datetime as dt
import logging
import random
from collections.abc import Callable
from dataclasses import replace

from device.attention import (
    HOUR,
    Manners,
    Moment,
    When,
    decide,
    features,
    interruptions,
    is_open,
    is_silent,
    news_of,
)
from device.attention_log import AttentionLog, Entry, experiences
from device.bandit import Bandit, Outcome
from device.card_queue import Written
from device.logs import about
from device.settings import Activity, Settings
from device.why import sentence

log = logging.getLogger(__name__)

GOES_ON = dt.timedelta(minutes=1)
"""What comes in a conversation this long after it interrupted belongs to that interruption."""

LOOK_AGAIN = 30.0
"""Seconds after which it is looked whether what keeps a batch back has ended."""


class Interruptions:
    """One wearer's, through one connector. For one thread at a time; raises `StoreError`."""

    def __init__(
        self,
        name: str,
        settings: Settings,
        kept: AttentionLog,
        clock: Callable[[], dt.datetime] = dt.datetime.now,
        roll: Callable[[], float] = random.random,
        pace: float = 1.0,
    ):
        """`name` is the connector's in the inbox; `clock` gives local time without a zone, `roll`
        a number from 0 to below 1. Time goes `pace` times as fast as the clock from now on: where
        an hour of messages is replayed in a minute, an hour is a minute here too."""
        self.activity: Activity = settings.activity
        self._name = name
        self._manners = Manners.from_settings(settings)
        self._every = dt.timedelta(minutes=settings.batch)
        self._kept = kept
        self._real, self._started, self._pace = clock, clock(), pace
        self._roll = roll
        before = kept.entries()
        self._bandit = Bandit(experiences(before)) if settings.learn else None
        self._shown: list[tuple[dt.datetime, str]] = []
        for entry in before:
            if entry.when == "now" and entry.at > self._clock() - HOUR:
                self._count(entry.at, entry.conversation)
        self._muted: dict[str, dt.datetime] = {}
        self._open: dict[str, Entry] = {}
        """The last decision about each conversation, where the wearer has done nothing yet."""
        self._waits_since: dt.datetime | None = None

    def _clock(self) -> dt.datetime:
        return self._started + self._pace * (self._real() - self._started)

    def _moment(self, conversation: str = "") -> Moment:
        """As it is for that conversation: what goes on there is no other interruption."""
        now = self._clock()
        self._shown = [(at, c) for at, c in self._shown if at > now - HOUR]
        told = tuple(at for at, c in self._shown if c != conversation or now - at >= GOES_ON)
        return Moment(now, self.activity, told, self._muted)

    def _count(self, at: dt.datetime, conversation: str) -> None:
        """One more interruption, unless it belongs to the one before it there."""
        if not any(c == conversation and at - then < GOES_ON for then, c in self._shown):
            self._shown.append((at, conversation))

    @property
    def left(self) -> int:
        """Interruptions that are left in this hour."""
        return max(0, self._manners.most - interruptions(self._moment()))

    def judge(self, written: Written) -> When:
        """When to tell of a card; call it once a card, and show it as it says."""
        news = news_of(written.thread, written.card)
        moment = self._moment(news.conversation)
        circumstances = features(news, moment)
        choice = None
        if self._bandit is not None and is_open(news, moment, self._manners):
            choice = self._bandit.choose(circumstances, self._roll())
        decision = decide(news, moment, self._manners, None if choice is None else choice.tell)
        chance = choice.chance if choice is not None and decision.why == "learnt" else 1.0
        entry = Entry(
            0,
            moment.now,
            self._name,
            news.conversation,
            written.last,
            decision.when,
            decision.why,
            moment.activity,
            circumstances,
            chance,
        )
        self._open[news.conversation] = replace(entry, number=self._kept.add(entry))
        if decision.when == "now":
            self._count(moment.now, news.conversation)
        elif self._waits_since is None:
            self._waits_since = moment.now
        facts = {"when": decision.when, "why": decision.why, "activity": moment.activity}
        log.info("attention", extra=about(news.conversation, **facts))
        return decision.when

    def came_of(self, conversation: str, outcome: Outcome) -> None:
        """What the wearer did about what was last told of that conversation; the first counts."""
        entry = self._open.pop(conversation, None)
        if entry is None:
            return
        self._kept.came_of(entry.number, outcome)
        if self._bandit is not None:
            for experience in experiences([replace(entry, outcome=outcome)]):
                self._bandit.learn(experience)

    def mute(self, conversation: str, until: dt.datetime) -> None:
        """Nothing is told of that conversation before then, but where the wearer asks."""
        self._muted[conversation] = until

    def unmute(self, conversation: str) -> None:
        """It may interrupt again. One that is not muted is fine."""
        self._muted.pop(conversation, None)

    def may_show(self, conversation: str) -> bool:
        """Whether it may be told at a pause."""
        return not is_silent(conversation, self._moment(), self._manners)

    def paused(self, shown: bool, left: bool, by_itself: bool = False) -> None:
        """What waited was let free: whether anything `shown`, whether anything is `left`; without
        a pause of the wearer's, `by_itself`, it is an interruption."""
        now = self._clock()
        self._waits_since = now if left else None
        if shown and by_itself:
            self._shown.append((now, ""))

    def batch_in(self) -> float | None:
        """Seconds of the clock until what waits has waited long enough; None where nothing waits.

        Longer while the wearer rides, in quiet hours, and at the most interruptions in an hour.
        """
        if self._waits_since is None:
            return None
        moment = self._moment()
        left = (self._waits_since + self._every - moment.now).total_seconds()
        silent = self._manners.is_quiet(moment.now) or self.activity == "riding"
        if silent or interruptions(moment) >= self._manners.most:
            left = max(left, LOOK_AGAIN)
        return max(left, 0.0) / self._pace

    def why(self, conversation: str) -> str:
        """Why that conversation was told or kept the last time, in a sentence."""
        entries = self._kept.entries(conversation, last=1)
        return sentence(entries[-1]) if entries else "Nothing was decided about it yet."
