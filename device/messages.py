"""The words everything else is said in: messages, threads, lines, drafts, cards.

Frozen dataclasses without behaviour beyond their own; every room imports this one.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Literal

Intent = Literal[
    "accept", "decline", "ask", "inform", "ack", "defer", "thanks", "comfort", "congratulate"
]
Urgency = Literal["low", "normal", "high"]
Source = Literal["model", "quote"]

INTENTS: tuple[Intent, ...] = (
    "accept",
    "decline",
    "ask",
    "inform",
    "ack",
    "defer",
    "thanks",
    "comfort",
    "congratulate",
)
URGENCIES: tuple[Urgency, ...] = ("low", "normal", "high")

GLANCE_CHARS = 60
"""The longest glance, in characters; a narrower display shortens it at a word boundary."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message as its sender wrote it; nothing in `text` is ever structure."""

    sender: str
    """Who wrote it, as the source names them."""
    text: str
    time: dt.time | None = None
    """Local time of day, to the minute; None where the source has none."""
    date: dt.date | None = None
    """None where the source gives only the time of day."""
    id: str | None = None
    """The connector's own id, unique within the thread; None where the source has none."""


@dataclass(frozen=True, slots=True)
class Thread:
    """One conversation, oldest message first."""

    id: str
    me: str
    """The wearer's own name as it appears in `Message.sender`."""
    messages: tuple[Message, ...]
    title: str | None = None
    is_group: bool = False
    unread_from: int = 0
    """Index of the first message not read by the wearer, 0 <= unread_from <= len(messages)."""

    @property
    def unread(self) -> tuple[Message, ...]:
        """The messages that the wearer has not read, oldest first."""
        return self.messages[self.unread_from :]

    @property
    def news(self) -> tuple[Message, ...]:
        """The unread messages of others, oldest first."""
        return tuple(m for m in self.unread if m.sender != self.me)

    @property
    def is_answered(self) -> bool:
        """Whether the last word is the wearer's own."""
        return bool(self.messages) and self.messages[-1].sender == self.me


@dataclass(frozen=True, slots=True)
class Line:
    """A line shown to the wearer and whose words it is."""

    text: str
    source: Source
    """"model": the model's own words, checked. "quote": the sender's own words, shortened."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A reply the wearer may pick. Only the wearer's own act sends it."""

    intent: Intent
    text: str
    source: Literal["model", "plain"] = "model"
    """Whether the model wrote it, or chose it out of `device.language.plain_replies`."""


@dataclass(frozen=True, slots=True)
class Triage:
    """What the model thinks the thread needs of the wearer."""

    needs_reply: bool
    urgency: Urgency


@dataclass(frozen=True, slots=True)
class Card:
    """Everything the glasses may show about one thread."""

    thread_id: str
    glance: Line
    summary: Line
    asks: Line | None
    """What is asked of the wearer, or None when nothing is."""
    triage: Triage
    drafts: tuple[Draft, ...]
    model: str
    """Name of the model that wrote it."""
    tokens: int
    """Tokens of the thread that were read."""
    timings_ms: dict[str, float] = field(default_factory=dict)
    """Wall-clock milliseconds for prepare (its words cut into tokens, its language told), glance,
    summary, asks, triage, replies. Reading what is new counts to what is asked first, the glance as
    a rule; what is decoded in one batch overlaps."""
