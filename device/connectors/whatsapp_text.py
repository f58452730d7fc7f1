"""What a message of a WhatsApp export shows: the person's text, or in a few words what else it was.

The words of WhatsApp's own are told from a person's as `whatsapp_words` explains.
"""

from __future__ import annotations

import re

from device.connectors.reading import poll_line
from device.connectors.whatsapp_words import (
    ATTACHED,
    CALLS,
    EDITED,
    ENCRYPTED,
    GROUP,
    LOCATION,
    LRM,
    MARKS,
    NOTICE,
    OMITTED,
    POLL,
)

_EMBEDDINGS = dict.fromkeys(map(ord, MARKS[2:]))
_PLACEHOLDER = {phrase: placeholder for placeholder, keys in OMITTED.items() for phrase in keys}
_CALL_STARTS = tuple(phrase for phrases in CALLS.values() for phrase in phrases)

_ATTACHMENT = (
    (r"\.vcf$", "[contact: {stem}]"),
    (r"sticker|^stk-|\.webp$", "[sticker]"),
    (r"-gif-|\.gif$", "[GIF]"),
    (r"^img-|-photo-|\.(jpe?g|png|heic)$", "[photo]"),
    (r"^vid-|-video-|\.(mp4|mov|3gp|mkv)$", "[video]"),
    (r"^ptt-|-audio-|\.opus$", "[voice message]"),
    (r"^aud-|\.(mp3|m4a|aac|amr|ogg|wav)$", "[audio]"),
    (r"", "[document: {name}]"),
)
_IOS_NUMBER = re.compile(r"^[0-9]{8}-")
_IOS_FILE = re.compile(r"([^:：]{2,30}?)\s?[:：]\s?([^\n]*\.\w{1,5})>")
_ANDROID_FILE = re.compile(r"(\u200e?)(.+\.\w{0,5}) \(([^()]{3,40})\)")
_ANDROID_NAME = re.compile(r"(IMG|VID|PTT|AUD|STK|DOC)-[0-9]{8}-WA[0-9]+\.")
_POLL = re.compile(r"(\w+)\s?:")
_OPTION = re.compile(r"\w+\s?: (.*?) ?\(\d{1,9} \w+\)")
_MAP = re.compile(r":\s+https?://maps\.(?:google|apple)\.com/\S*$")


def shown(text: str, *, chat_speaks: bool = False) -> str | None:
    """A message's text as it is shown: media as "[photo]", an edit mark gone, a poll as one line.

    None for a notice that is no person's message. `chat_speaks` says that the sender is the group
    itself, which sends nothing but notices.
    """
    led = text.startswith(LRM)
    text = _without_edit_mark(text)
    key = _key(text)
    known = _media(text) or _call(key, exactly=not led) or _poll(text) or _place(text)
    if known is not None:
        return known
    if led and (chat_speaks or key.startswith(ENCRYPTED) or _is_notice(key)):
        return None
    return plain(text) or "[empty message]"


def _is_notice(key: str) -> bool:
    """Whether marked words are WhatsApp's own; a person's keyboard may set the mark too."""
    short = len(key) <= 200 and "\n" not in key
    return short and any(word in key for word in NOTICE)


def missed_call(notice: str) -> str | None:
    """A missed call from a line that names no sender (Android); None for any other notice."""
    found = _call(_key(notice), exactly=False)
    return found if found and "missed" in found else None


def is_encryption_notice(text: str) -> bool:
    """Whether this is the notice that opens an export."""
    return _key(text).startswith(ENCRYPTED)


def speaks_of_group(notice: str) -> bool:
    """Whether a notice is one that only a group has."""
    key = _key(notice)
    return any(word in key for word in GROUP)


def plain(text: str) -> str:
    """A person's text without the direction marks that WhatsApp set in it."""
    if text.isascii():
        return text.strip()
    lines = text.translate(_EMBEDDINGS).split("\n")
    return "\n".join(line.strip(MARKS) for line in lines).strip()


def _key(text: str) -> str:
    return plain(text).casefold().rstrip(".। ").replace(LRM, "")


def _captioned(placeholder: str, caption: str) -> str:
    return f"{placeholder} {plain(caption)}".rstrip()


def _without_edit_mark(text: str) -> str:
    before, bracket, last = text.rpartition("<")
    mark = last[:-1]
    if not bracket or not last.endswith(">") or ":" in mark or not plain(before):
        return text
    by_app = before.endswith(LRM) and _key(bracket + last) not in _PLACEHOLDER
    return before.rstrip() if by_app or _key(mark) in EDITED else text


def _media(text: str) -> str | None:
    """Media, left out of the export or attached to it, and deleted messages; with the caption."""
    first, _, rest = text.partition("\n")
    placeholder = _PLACEHOLDER.get(_key(first))
    if placeholder and (not rest or first.startswith((LRM, "<"))):
        return _captioned(placeholder, rest)
    before, mark, last = text.rpartition(LRM)
    if mark and (placeholder := _PLACEHOLDER.get(_key(last))):
        if placeholder == "[document]":  # "report.pdf • \u200e2 pages \u200edocument omitted"
            return f"[document: {plain(before).split(' • ')[0]}]"
        return _captioned(placeholder, before)
    before, bracket, last = text.rpartition("<")
    ios = _IOS_FILE.fullmatch(last) if bracket else None
    if ios and (before.endswith(LRM) or _key(ios[1]) in ATTACHED or _IOS_NUMBER.match(ios[2])):
        file = _attachment(ios[2])
        pages = file.startswith("[document") and " • " in before  # "report • 2 pages"
        return _captioned(file, "" if pages else before)
    android = _ANDROID_FILE.fullmatch(first)
    if android and (android[1] or _key(android[3]) in ATTACHED or _ANDROID_NAME.match(android[2])):
        name = plain(android[2])
        # Android repeats a document's name under it, as if that were its caption.
        repeated = plain(rest) in (name, name.rpartition(".")[0])
        return _captioned(_attachment(name), "" if repeated else rest)
    return None


def _attachment(name: str) -> str:
    kind = next(words for pattern, words in _ATTACHMENT if re.search(pattern, name.casefold()))
    name = _IOS_NUMBER.sub("", plain(name))
    return kind.format(name=name, stem=name.rpartition(".")[0])


def _call(key: str, *, exactly: bool) -> str | None:
    if not key.startswith(_CALL_STARTS):
        return None
    for placeholder, phrases in CALLS.items():
        for phrase in phrases:
            follows = key[len(phrase) :]
            # iOS goes on "Missed voice call. Tap to call back", old Android " at 10:05 PM".
            if key.startswith(phrase) and (not follows or (not exactly and follows[0] in ".,; ")):
                return placeholder if "missed" in placeholder or not exactly else None
    return None


def _poll(text: str) -> str | None:
    """POLL:, the question, and each OPTION: text (n votes), on lines of their own."""
    first, *lines = text.split("\n")
    label = _POLL.fullmatch(plain(first))
    if not label or not (first.startswith(LRM) or _key(label[1]) in POLL):
        return None
    options: list[str] = []
    while lines and (option := _OPTION.fullmatch(plain(lines[-1].replace(LRM, "")))):
        options.insert(0, option[1])
        lines.pop()
    return poll_line(plain("\n".join(lines)), options) if lines and options else None


def _place(text: str) -> str | None:
    """A place by its name, without the map link that nobody can follow on a lens."""
    found = _MAP.search(text)
    if not found:
        return None
    above, _, label = text[: found.start()].rpartition("\n")
    labelled = _key(label) in LOCATION
    if not (labelled or text.startswith(LRM)):
        return None
    lines = [] if not above else plain(above).split("\n")
    if not labelled:
        lines.append(plain(label))
    return _captioned("[location]", ", ".join(dict.fromkeys(lines)))
