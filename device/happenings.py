"""What can happen while Sidelong runs, each through the one queue of the live flow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from device.card_queue import NoNews, Written
from device.consent_events import Accepted, Refused
from device.intake import Changed
from device.settings import Activity


@dataclass(frozen=True, slots=True)
class Said:
    """An utterance and when it was heard."""

    words: str
    at: float


@dataclass(frozen=True, slots=True)
class Moved:
    """The wearer does something else now."""

    activity: Activity


@dataclass(frozen=True, slots=True)
class TakenBack:
    """How an undo ended."""

    conversation: str
    note: str
    """What the wearer is told of it."""
    done: bool = True


@dataclass(frozen=True, slots=True)
class Stop:
    """It ends: the wearer wants it, or something failed."""

    error: Exception | None = None


Happened: TypeAlias = Changed | Said | Moved | Written | NoNews | Accepted | Refused | TakenBack
