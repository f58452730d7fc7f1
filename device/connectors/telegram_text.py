"""What one entry of a Telegram export shows: its words, or what stands for a picture or a call."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import Any

from device.connectors.reading import poll_line

Fields = dict[str, Any]
"""A JSON object of the export."""

_MEDIA = {
    "sticker": "[sticker]",
    "voice_message": "[voice message]",
    "video_message": "[video message]",
    "video_file": "[video]",
    "animation": "[GIF]",
    "audio_file": "[audio]",
}
_STRUCK = "[struck out]"
"""Stands where words are struck through, so that nobody wonders at the gap."""
_WORDS = re.compile(r"\S(?:.*\S)?", re.DOTALL)


def shown(fields: Fields) -> str | None:
    """What a message shows: where it comes from, its media, its words; or that there was a call.

    None for other service lines, which are none of the wearer's business.
    """
    if fields.get("type") == "service":
        return _call(fields) if fields.get("action") == "phone_call" else None
    parts = [_forwarded(fields), _media(fields), _flat(fields.get("text"))]
    return " ".join(part for part in parts if part) or "[unsupported message]"


def _call(fields: Fields) -> str:
    return "[missed call]" if fields.get("discard_reason") in ("missed", "busy") else "[call]"


def _forwarded(fields: Fields) -> str:
    """Forwarded words are somebody else's; who forwards them only passes them on."""
    if "forwarded_from" not in fields:
        return ""
    origin = fields["forwarded_from"]
    return f"[forwarded from {origin}]" if isinstance(origin, str) and origin else "[forwarded]"


def _media(fields: Fields) -> str:
    kind = fields.get("media_type")
    if kind == "sticker":
        return f"[sticker] {_flat(fields.get('sticker_emoji'))}".rstrip()
    if isinstance(kind, str) and kind in _MEDIA:
        return _MEDIA[kind]
    if "photo" in fields:
        return "[photo]"
    if "file" in fields:
        name = _flat(fields.get("file_name")) or _file_name(_flat(fields["file"]))
        return f"[document: {name}]" if name else "[document]"
    if isinstance(contact := fields.get("contact_information"), dict):
        names = [_flat(contact.get("first_name")), _flat(contact.get("last_name"))]
        name = " ".join(filter(None, names)) or _flat(contact.get("phone_number"))
        return f"[contact: {name}]" if name else "[contact]"
    if "location_information" in fields or "place_name" in fields:
        place = [_flat(fields.get("place_name")), _flat(fields.get("address"))]
        return f"[location] {', '.join(filter(None, place))}".rstrip()
    if isinstance(poll := fields.get("poll"), dict):
        answers = poll.get("answers")
        options = [a for a in answers if isinstance(a, dict)] if isinstance(answers, list) else []
        return poll_line(_flat(poll.get("question")), (_flat(a.get("text")) for a in options))
    if "game_title" in fields:
        return f"[game: {_flat(fields['game_title'])}]"
    if isinstance(invoice := fields.get("invoice_information"), dict):
        return f"[invoice: {_flat(invoice.get('title'))}]"
    return ""


def _file_name(file: str) -> str:
    """The name at the end of a path; nothing of "(File not included. Change ...)"."""
    return "" if file.startswith("(") else PurePosixPath(file).name


def _flat(text: object) -> str:
    """A text's characters: it is a string, or a list of strings and entities ({"type", "text"})."""
    if isinstance(text, str):
        return text.strip()
    if not isinstance(text, list):
        return ""
    return "".join(map(_piece, text)).strip()


def _piece(part: object) -> str:
    """A part of a text. What is struck through is taken back, and its words must not count as said:
    no reader of the text, model or rule, sees the line through them."""
    if not isinstance(part, dict):
        return part if isinstance(part, str) else ""
    words = _piece(part.get("text"))
    return _WORDS.sub(_STRUCK, words) if part.get("type") == "strikethrough" else words
