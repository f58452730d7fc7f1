"""What stands before the wearer at one moment, and what any display must be able to do.

The flow (`device.live`) says what is to be seen; a display only lays it out for its glass.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Literal, Protocol

from device.messages import Thread

Tier = Literal["glance", "card", "reader"]
"""One line at a look; at most three lines on request; pages of plain text."""
Mark = Literal["model", "quote", "notice"]
"""Whose words a row is: the model's, a person's own, or Sidelong's (a question, a state)."""
Stage = Literal["", "read back", "countdown"]
"""A text to be confirmed stands there, or is about to be sent: who hears instead of seeing has to
hear it whole, and any word stops it."""


@dataclass(frozen=True, slots=True)
class Row:
    """One paragraph of a scene; a display breaks it into as many lines as it needs."""

    text: str
    mark: Mark
    label: str = ""
    """What the wearer says to pick it ("1") or what it is ("summary"); empty where neither."""


@dataclass(frozen=True, slots=True)
class Scene:
    """Everything that is to be seen now; it replaces the scene before it as a whole."""

    tier: Tier
    rows: tuple[Row, ...]
    """Most important first. None at all is a dark glass."""
    title: str = ""
    """The conversation: a person's or a group's name."""
    hint: str = ""
    """What may be said next: "reply, summary, later"."""
    thread: Thread | None = None
    """The conversation behind it, for displays that have room for a chat beside the glass."""
    stage: Stage = ""


class Display(Protocol):
    """One glass, and the ways of the wearer to answer it."""

    async def show(self, scene: Scene) -> None:
        """Put the scene before the wearer; returns when it is drawn. Raises `DisplayError`."""

    def utterances(self) -> AsyncIterator[str]:
        """What the wearer says (or types), one utterance each; ends when the display is closed."""

    async def close(self) -> None:
        """Darken the glass and let it go. May be called twice."""
