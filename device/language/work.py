"""A thread on its way to a card: what was decoded for it, and what stands where nothing holds."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from device.language.cache import Cached
from device.language.fraud import accuses, may_be_fraud
from device.language.prompt import NOTHING_ASKED, Task
from device.language.quotes import (
    SUMMARY_CHARS,
    fits_whole,
    quoted_ask,
    quoted_glance,
    quoted_summary,
    warned_glance,
)
from device.language.triage import is_plainly_asked
from device.messages import GLANCE_CHARS, Card, Draft, Intent, Line, Thread, Triage

PARTS = ("prepare", "glance", "summary", "asks", "triage", "replies")
"""What `Card.timings_ms` has a time for."""
DRAFTS = 3
WHOLE: dict[str, int] = {"glance": GLANCE_CHARS, "summary": SUMMARY_CHARS}
"""Characters in which news that fit need no line of the model's, unless to warn of them."""

_UNKNOWN = Triage(needs_reply=False, urgency="low")


@dataclass(slots=True)
class Work:
    """One thread, and what there is for its card so far."""

    thread: Thread
    cached: Cached
    ms: dict[str, float]
    taught: bool = True
    """Whether the model knows the language."""
    good: dict[str, str] = field(default_factory=dict)
    """What may be shown as the model's own, by "glance", "summary", "asks", or intent."""
    said: dict[str, str] = field(default_factory=dict)
    """What was decoded of glance and summary, shown or not: it points at what a quote should
    hold."""
    triage: Triage = _UNKNOWN
    intents: list[Intent] = field(default_factory=list)
    """Likeliest first; empty where no reply is needed or none can be written."""
    ask: Line | None = None
    """What is asked of the wearer, in the asker's words, once the model was asked for it."""
    asking: bool | None = None
    """Whether the model says that anything is asked, in whatever words; None until it did."""
    drafts: list[Draft] = field(default_factory=list)
    """Of different intents, the likeliest first."""
    warns: bool = False
    """Whether it is called a fraud. What a fraud asks for is then no business of ours."""

    def wants(self, task: Task) -> bool:
        """Whether the model is asked for this line, rather than the sender for their own words."""
        thread = self.told
        if not self.taught or (task == "asks" and thread.is_answered):
            return False
        is_told = bool(thread.news) or task == "glance"
        if is_told and task in WHOLE and fits_whole(thread, WHOLE[task]):
            return may_be_fraud(thread)
        return task != "glance" or bool(thread.news) or not thread.is_answered

    def hear_asks(self, text: str) -> None:
        """Take in what the model says is asked. A plain question is told whatever it says."""
        self.asking = text != NOTHING_ASKED
        if self.asking or is_plainly_asked(self.told):
            self.ask = quoted_ask(self.told, [text] if self.asking else ())

    @property
    def told(self) -> Thread:
        """The thread; what is too long ago to be read is not new in it any more.

        No line points there, and quoting from 40,000 messages would take half a minute.
        """
        skipped = len(self.thread.messages) - len(self.cached.read.messages)
        return replace(self.thread, unread_from=max(skipped, self.thread.unread_from))

    def pointers(self, task: str) -> list[str]:
        """What points at the sentences of a quote: that line of the model's, and, for a summary,
        the glance."""
        tasks = ("glance", "summary") if task == "summary" else (task,)
        return [self.said[task] for task in tasks if task in self.said]

    @property
    def needs_reply(self) -> bool:
        """Whether a reply is wanted of the wearer: not by a fraud, nor where others are asked, but
        by a plain question, whatever the model says."""
        if self.warns or (self.asking and self.ask is None):
            return False
        return self.triage.needs_reply or is_plainly_asked(self.told)

    def card(self, model: str) -> Card:
        """The card by that model, with quotes where its lines did not hold or are still to come."""
        thread, good = self.told, self.good
        glance, summary = (
            Line(good[task], "model") if task in good else quoted(thread, self.pointers(task))
            for task, quoted in (("glance", quoted_glance), ("summary", quoted_summary))
        )
        if self.warns and not accuses(glance.text):
            glance = warned_glance(thread)
        ask = quoted_ask(thread) if self.asking is None else self.ask
        return Card(
            thread_id=thread.id,
            glance=glance,
            summary=summary,
            asks=None if self.warns else ask,
            triage=replace(self.triage, needs_reply=self.needs_reply),
            drafts=tuple(self.drafts),
            model=model,
            tokens=self.cached.tokens,
            timings_ms={part: self.ms.get(part, 0.0) for part in PARTS},
        )
