"""What can happen to a reply, and what it is a reply to: what `device.consent` is told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Offer:
    """What can be answered: a conversation as it stood at its last message."""

    conversation: str
    recipient: str
    """The conversation as the wearer knows it."""
    last: str
    """Id of its newest message. One newer, and the offer is void."""
    drafts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Propose:
    """The wearer wants to answer."""

    offer: Offer


@dataclass(frozen=True, slots=True)
class Choose:
    """The wearer picked a draft, counted from 1."""

    number: int


@dataclass(frozen=True, slots=True)
class Own:
    """The wearer said or typed a reply of their own, or another wording."""

    text: str


@dataclass(frozen=True, slots=True)
class WasReadBack:
    """This text to this conversation now stands before the wearer (or has been spoken)."""

    conversation: str
    text: str


@dataclass(frozen=True, slots=True)
class Confirm:
    """The wearer said "send"."""


@dataclass(frozen=True, slots=True)
class Cancel:
    """The wearer said "no"."""


@dataclass(frozen=True, slots=True)
class Unclear:
    """The wearer said something that is no answer here."""


@dataclass(frozen=True, slots=True)
class Leave:
    """The wearer turned to something else: another conversation, another page, away."""


@dataclass(frozen=True, slots=True)
class Arrived:
    """A conversation has changed: a message, an edit, a message taken back."""

    conversation: str


@dataclass(frozen=True, slots=True)
class Tick:
    """Time has passed."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """The connector has sent it under that id."""

    message_id: str
    fixed: str = ""
    """Why it can't be taken back; empty where it can."""


@dataclass(frozen=True, slots=True)
class Refused:
    """It was not sent, or nobody knows; `why` says so to the wearer."""

    why: str


@dataclass(frozen=True, slots=True)
class Undo:
    """The wearer said "undo"."""


Event: TypeAlias = (
    Propose | Choose | Own | WasReadBack | Confirm | Cancel | Unclear | Leave | Arrived | Tick
    | Accepted | Refused | Undo
)  # fmt: skip
