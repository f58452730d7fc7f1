"""A Matrix event as JSON -> what it says. Nothing in here raises, whatever the JSON holds.

Event types and their contents: the client-server API of matrix.org's specification, v1.11.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass

_MEDIA = {
    "m.image": "[photo]",
    "m.video": "[video]",
    "m.audio": "[audio]",
    "m.file": "[document]",
    "m.location": "[location]",
}
_VOICE = "org.matrix.msc3245.voice"
_SILENT = ("m.key.verification.request",)
"""Kinds of message that are between programs."""
_FALLBACK = re.compile(r"(?:> [^\n]*\n|>\n)+\n?")
"""The quoted message that older clients put in front of a reply."""

UNREADABLE = "[encrypted message; this device has no key for it]"


@dataclass(frozen=True, slots=True)
class Said:
    """What one event says."""

    id: str
    sender: str
    """A Matrix id."""
    text: str
    time: dt.datetime | None
    """Local time; None where the server's is out of all bounds."""
    replaces: str | None = None
    """Id of the message that this edits, as the sender claims: is it theirs at all?"""
    redacts: str | None = None
    reacts_to: str | None = None
    """Id of the message that `text` is a reaction to."""


def read_event(event: object) -> Said | None:
    """What an event says to people; None for what says nothing, or is malformed."""
    source = _dict(event)
    content = _dict(source.get("content"))
    id, sender, kind = (_text(source.get(key)) for key in ("event_id", "sender", "type"))
    if not (id and sender):
        return None
    when = _time(source.get("origin_server_ts"))
    if kind == "m.room.redaction":  # room version 11 moved `redacts` into the content
        redacts = _text(content.get("redacts")) or _text(source.get("redacts"))
        return Said(id, sender, "", when, redacts=redacts) if redacts else None
    relation = _dict(content.get("m.relates_to"))
    target = _text(relation.get("event_id"))
    if kind == "m.reaction":
        key = _text(relation.get("key")).strip()
        return Said(id, sender, key, when, reacts_to=target) if key and target else None
    if kind == "m.room.encrypted":
        # An edit that can't be read must not take the place of what could be.
        is_edit = relation.get("rel_type") == "m.replace"
        return None if is_edit else Said(id, sender, UNREADABLE, when)
    if kind not in ("m.room.message", "m.sticker"):
        return None
    replaces = None
    if relation.get("rel_type") == "m.replace" and target:
        content, replaces = _dict(content.get("m.new_content")), target
    text = _shown(kind, content, is_reply="m.in_reply_to" in relation)
    return Said(id, sender, text, when, replaces=replaces) if text else None


def _shown(kind: str, content: dict[str, object], is_reply: bool) -> str:
    """The text that a message shows: its words, and "[photo]" for what isn't words."""
    body = _text(content.get("body"))
    kind = "m.sticker" if kind == "m.sticker" else _text(content.get("msgtype"))
    if kind in _SILENT:
        return ""
    if kind == "m.sticker":
        return f"[sticker] {body}".rstrip()
    if kind in _MEDIA:
        # `body` is a caption only where the file has a name of its own; else it is that name.
        name = _text(content.get("filename"))
        caption = body if kind == "m.location" or (name and body != name) else ""
        mark = "[voice message]" if _VOICE in content else _MEDIA[kind]
        if kind == "m.file" and (name or body):
            mark = f"[document: {name or body}]"
        return f"{mark} {caption}".rstrip()
    if is_reply and (quoted := _FALLBACK.match(body)) and body[quoted.end() :].strip():
        body = body[quoted.end() :]
    return f"* {body}" if kind == "m.emote" and body else body


def _time(milliseconds: object) -> dt.datetime | None:
    """Local time of milliseconds since 1970."""
    if not isinstance(milliseconds, int):
        return None
    try:
        return dt.datetime.fromtimestamp(milliseconds / 1000)
    except (OverflowError, OSError, ValueError):
        return None


def _dict(value: object) -> dict[str, object]:
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
