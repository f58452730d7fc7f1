"""What any source of live messages must be able to do."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Literal, Protocol, runtime_checkable

from device.messages import Message, Thread
from device.settings import Activity

Ability = Literal["send", "redact", "history", "receipts"]
"""To send, to take back what was sent, to know what was said before the connector was set up, to
tell others that something was read."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """One thing that happened in a conversation."""

    conversation: str
    """The connector's own id of the conversation, as in `Thread.id`."""
    message: Message
    """`message.id` is always set; an edit carries the id of what it replaces in `replaces`."""
    title: str | None = None
    is_group: bool = False
    replaces: str | None = None
    """Id of the message whose text this one takes the place of."""
    redacts: str | None = None
    """Id of a message that its sender took back; `message.text` is then empty."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the other side says of a message that it took."""

    conversation: str
    message_id: str
    date: dt.date | None = field(default_factory=dt.date.today, compare=False)
    time: dt.time | None = field(
        default_factory=lambda: dt.datetime.now().time().replace(second=0, microsecond=0),
        compare=False,
    )
    """When it was said in that conversation: now, but in a replay, whose time is another."""


@dataclass(frozen=True, slots=True)
class Able:
    """What a connector can do, and why it can't do the rest, in words for the wearer."""

    abilities: frozenset[Ability]
    why_not: dict[Ability, str] = field(default_factory=dict)

    def lacks(self, ability: Ability) -> str:
        """Why it can't, empty where it can."""
        return "" if ability in self.abilities else self.why_not.get(ability, "it can't be done")


class Connector(Protocol):
    """Where messages come from and go to. Nothing is sent but by `send`."""

    @property
    def able(self) -> Able:
        """What this connector can do."""

    @property
    def me(self) -> str:
        """The wearer's own name, as in `Message.sender`."""

    def arrivals(self) -> AsyncIterator[Arrival]:
        """What comes in, until the connector is closed. One that was not acknowledged comes again
        after a restart."""

    async def acknowledge(self, arrival: Arrival) -> None:
        """`arrival` is on the wearer's disk and need not come again."""

    async def send(self, conversation: str, text: str, key: str) -> Receipt:
        """Send `text`; raises `ConnectorError`. Twice with one `key` sends once where the other
        side can tell (a Matrix transaction id)."""

    async def redact(self, receipt: Receipt) -> None:
        """Take back what was sent. Raises `ConnectorError`."""

    async def mark_read(self, conversation: str, message_id: str) -> None:
        """Tell the others that the wearer has read this message and all before it. Raises
        `ConnectorError`."""

    async def threads(self) -> tuple[Thread, ...]:
        """The conversations known before anything arrived (their history, where there is one)."""

    async def close(self) -> None:
        """Let everything go. May be called twice."""


@runtime_checkable
class KnowsActivity(Protocol):
    """What a `Connector` has as well if it hears what the wearer does."""

    def activities(self) -> AsyncIterator[Activity]:
        """What the wearer does from now on, each time somebody who may say so says it."""
