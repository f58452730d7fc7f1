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
from device.messages import GLANCE_CHARS, Card, Draft, Intent, Line, Thread, Triage

PARTS = ("prefill", "glance", "summary", "asks", "triage", "replies")
"""What `Card.timings_ms` has a time for."""
DRAFTS = 3
MOST = 0.5
"""Above that share of its samples something is asked."""
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
    """What may be shown, by "glance", "summary", "asks", or intent."""
    said: dict[str, list[str]] = field(default_factory=dict)
    """Every sample of a line, shown or not: they point at what a quote should hold."""
    triage: Triage = _UNKNOWN
    intents: list[Intent] = field(default_factory=list)
    """Likeliest first; empty where no reply is needed or none can be written."""
    asking: float = 0.0
    """The share of the samples that say that something is asked, in whatever words."""
    warns: bool = False
    """Whether it is called a fraud. What a fraud asks for is then no business of ours."""

    def wants(self, task: Task) -> bool:
        """Whether the model is asked for this line, rather than the sender for their own words."""
        thread = self.thread
        if not self.taught or (task == "asks" and thread.is_answered):
            return False
        told = bool(thread.news) or task == "glance"
        if told and task in WHOLE and fits_whole(thread, WHOLE[task]):
            return may_be_fraud(thread)
        return task != "glance" or bool(thread.news) or not thread.is_answered

    @property
    def ask(self) -> Line | None:
        """What is asked of the wearer, in the asker's words."""
        if self.warns or "asks" in self.good:
            return None
        pointers = [text for text in self.said.get("asks", ()) if text != NOTHING_ASKED]
        return quoted_ask(self.thread, pointers if self.asking > MOST else ())

    @property
    def needs_reply(self) -> bool:
        """Whether a reply is wanted of the wearer: not by a fraud, nor where others are asked."""
        if self.warns or (self.asking > MOST and self.ask is None):
            return False
        return self.triage.needs_reply or self.asking == 1.0

    def card(self, model: str) -> Card:
        """The card by that model, with quotes where its lines did not hold or are still to come."""
        thread, good = self.thread, self.good
        glance, summary = (
            Line(good[task], "model") if task in good else quoted(thread, self.said.get(task, ()))
            for task, quoted in (("glance", quoted_glance), ("summary", quoted_summary))
        )
        if self.warns and not accuses(glance.text):
            glance = warned_glance(thread)
        drafts = tuple(Draft(i, good[i]) for i in self.intents if i in good)[:DRAFTS]
        return Card(
            thread_id=thread.id,
            glance=glance,
            summary=summary,
            asks=self.ask,
            triage=replace(self.triage, needs_reply=self.needs_reply),
            drafts=drafts if self.needs_reply else (),
            model=model,
            tokens=self.cached.tokens,
            timings_ms={part: self.ms.get(part, 0.0) for part in PARTS},
        )
