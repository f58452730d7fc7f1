"""What a phone's notification says: which app, which conversation, who wrote what.

The fields are those of kdeconnect.notification in the protocol reference, and `conversation` and
`groupName`, which newer versions of the phone's app add. Without `conversation` a notification
shows its last text only.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from device.connectors.kdeconnect_packets import Packet
from device.text import clean

MOST_MESSAGES = 50
"""Of one notification that are read, the last ones; Android itself keeps 25."""
UNKNOWN = "unknown"
"""Who wrote it, where the phone doesn't say."""
_COUNT = re.compile(r"\s*\(\d+\s[^()]*\)$")
"""How many messages are unread, which some messengers put behind a group's name."""


@dataclass(frozen=True, slots=True)
class Line:
    """One message of a notification."""

    sender: str
    text: str


@dataclass(frozen=True, slots=True)
class Notification:
    """What a phone shows at this moment in one place of its list."""

    key: str
    """The phone's own name for that place; it stays while the notification changes."""
    app: str
    title: str
    """A person, or a group as the phone names it."""
    is_group: bool
    lines: tuple[Line, ...]
    """Oldest first; empty where the phone shows that something came but not what."""
    reply: str
    """What an answer must be sent with, for one answer; empty where it takes none."""
    posted: dt.datetime | None
    """When its last message came, local time; None where the phone doesn't say."""

    def conversation(self, device: str) -> str:
        """The id of the conversation: no phone number or name can be read from it. A phone that
        shows somebody else in the same place shows another conversation."""
        parts = "\0".join((device, self.key, self.app, self.title))
        return hashlib.sha256(parts.encode()).hexdigest()[:32]

    def is_message(self, apps: Collection[str]) -> bool:
        """Whether it is a message: from one of `apps`; without any, one that can be answered."""
        if not self.lines:
            return False
        if apps:
            return self.app.casefold() in {app.casefold() for app in apps}
        return bool(self.reply)


def notification_of(packet: Packet) -> Notification | None:
    """The notification that a packet tells of; None where it has no key."""
    key, group = packet.text("id"), packet.text("groupName")
    if not key:
        return None
    title = _COUNT.sub("", (group or packet.text("title")).strip()) or UNKNOWN
    return Notification(
        key=key,
        app=packet.text("appName").strip(),
        title=title,
        is_group=bool(group),
        lines=_conversation(packet) or _last(packet, title, bool(group)),
        reply=packet.text("requestReplyId"),
        posted=_time(packet.body.get("time")),
    )


def _conversation(packet: Packet) -> tuple[Line, ...]:
    items = packet.body.get("conversation")
    if not isinstance(items, list):
        return ()
    lines = []
    for item in items[-MOST_MESSAGES:]:
        if isinstance(item, dict):
            sender, text = _text(item.get("sender")), _text(item.get("content"))
            if text:
                lines.append(Line(sender or UNKNOWN, text))
    return tuple(lines)


def _last(packet: Packet, title: str, is_group: bool) -> tuple[Line, ...]:
    """The one message of a notification without `conversation`. In a group its sender stands
    before it."""
    text = _text(packet.body.get("text"))
    if is_group and ": " in text:
        sender, _, text = text.partition(": ")
        return (Line(sender.strip() or UNKNOWN, text),) if text else ()
    return (Line(UNKNOWN if is_group else title, text),) if text else ()


def _text(value: Any) -> str:
    return clean(value).strip() if isinstance(value, str) else ""


def _time(value: Any) -> dt.datetime | None:
    """Milliseconds since 1970, as a text (or a number), in local time."""
    try:
        return dt.datetime.fromtimestamp(int(value) / 1000)
    except (ValueError, TypeError, OverflowError, OSError):
        return None
