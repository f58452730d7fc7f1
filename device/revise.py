"""The text that is about to be sent, changed as the wearer wants it. Pure; it is read back again.

Rules, no model: a shorter text is a part of the text, a friendlier one has a greeting or thanks
around it, a change replaces one thing by another, and another language has a plain reply of the
same intent. So nothing is said that the wearer didn't.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable

from device.language.plain_replies import LANGUAGES, plain_replies
from device.messages import Draft, Thread
from device.spoken_times import clock
from device.utterances import Utterance

_FILLERS = re.compile(
    r"\b(?:just|really|actually|basically|honestly|so much|very|totally|literally|definitely)\b"
    r"[ ,]*",
    re.I,
)
"""None that says how sure the wearer is: without its "maybe" a text would promise."""
_SENTENCE = re.compile(r"(?<=[.!?])\s+")
_GREETING = re.compile(r"^(?:hi|hey|hello|dear|good (?:morning|evening))\b", re.I)
_TIME = re.compile(
    r"\b(?:half|(?:half|quarter|five|ten|twenty(?:[ -]five)?) (?:past|to)) \w+\b"
    r"|(?<![\d.:,])\b\d{1,2}(?:[:.]\d\d)?(?: ?[ap]m\b|\b(?![.:,]?\d))"
    r"|\b\w+ o'clock\b",
    re.I,
)


def shorter(text: str) -> str | None:
    """A shorter text: without its fillers, or else its first sentence; None where neither is.

    >>> shorter("Maybe I'm really late. Start without me."), shorter("Yes")
    ("Maybe I'm late. Start without me.", None)
    """
    bare = re.sub(r"[ ,]+(?=[.!?]|$)", "", " ".join(_FILLERS.sub("", text).split())).strip(" ,")
    if bare and len(bare) < len(text):
        return bare if bare[0].isupper() or not text[0].isupper() else bare[0].upper() + bare[1:]
    first, *others = _SENTENCE.split(text)
    return first if others else None


def friendlier(text: str, recipient: str) -> str | None:
    """With a greeting, or else with thanks; None where it has both.

    >>> friendlier("I can't come.", "Ben Miller")
    "Hi Ben, I can't come."
    """
    if not _GREETING.match(text):
        low = text[:1].lower() + text[1:] if re.match(r"[A-Z][a-z]", text) else text
        return f"Hi {recipient.split()[0]}, {low}" if recipient.split() else f"Hi, {low}"
    if "thank" not in text.casefold():
        return f"{text.rstrip()}{'' if text.rstrip().endswith(('.', '!', '?')) else '.'} Thank you!"
    return None


def changed(text: str, old: str, new: str) -> str | None:
    """`old` replaced by `new`; None where it isn't there exactly once.

    A time is found as it is written ("seven" in "at 7:00"), and written as it was.

    >>> changed("See you at 7 on Friday", "seven", "half past seven")
    'See you at 7:30 on Friday'
    >>> changed("See you at 7 on Friday", "friday", "saturday")
    'See you at 7 on Saturday'
    >>> changed("I bring 7 eggs", "seven", "eight"), changed("at 7pm", "seven", "eight")
    ('I bring 8 eggs', 'at 8pm')
    """
    spots = [m.span() for m in re.finditer(rf"(?<!\w){re.escape(old)}(?!\w)", text, re.I)]
    wanted, meant = clock(old), clock(new)
    if not spots and wanted is not None:
        times = [m for m in _TIME.finditer(text) if clock(m[0]) is not None]
        spots = [m.span() for m in times if _same(clock(m[0]), wanted)]
    if len(spots) != 1:
        return None
    start, end = spots[0]
    there = text[start:end]
    put = new
    if meant is not None and any(c.isdigit() for c in there):
        put = _written_as(there, meant)
    elif there[:1].isupper():
        put = new[:1].upper() + new[1:]
    return text[:start] + put + text[end:]


def _written_as(there: str, meant: dt.time) -> str:
    """A time in figures like `there`, which may count eggs: minutes only where either has some."""
    half = re.search(r" ?[ap]m$", there, re.I)
    stood = clock(there)
    late = 12 if not half and stood is not None and stood.hour > 12 > meant.hour else 0
    hour = (meant.hour - 1) % 12 + 1 if half else meant.hour + late
    minutes = f":{meant.minute:02d}" if meant.minute or re.search(r"[:.]", there) else ""
    return f"{hour}{minutes}{half[0] if half else ''}"


def _same(one: object, other: object) -> bool:
    """Whether two times of day are one, where "seven" may be in the evening."""
    if one == other:
        return True
    hours = [getattr(t, "hour", 0) % 12 for t in (one, other)]
    minutes = [getattr(t, "minute", 0) for t in (one, other)]
    return hours[0] == hours[1] and minutes[0] == minutes[1]


def translated(how: str, text: str, drafts: Iterable[Draft], thread: Thread) -> str | None:
    """In the language that `how` names, the plain reply of the intent of `text`, which is one of
    the `drafts`; None where it isn't, or no language is named that there are replies in."""
    language = next((name for name in LANGUAGES if name in how.casefold().split()), None)
    intent = next((draft.intent for draft in drafts if draft.text == text), None)
    if language is None or intent is None:
        return None
    return next(iter(plain_replies(intent, thread, language)), None)


def revised(wanted: Utterance, text: str, recipient: str) -> str | None:
    """`text` as the wearer wants it: shorter, friendlier, or one thing changed; None where that
    can't be."""
    match wanted.act:
        case "shorter":
            return shorter(text)
        case "friendlier":
            return friendlier(text, recipient)
    return changed(text, wanted.old, wanted.new)
