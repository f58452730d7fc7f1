"""A thread an hour later: every time of day in its messages and targets moved alike.

Only where every mention is understood: "7:30", "19:30", "7pm", "7.30 pm" can be rewritten. Where a
time is said in another way ("half seven", "at 7", "noon"), or a bare number may be one, the thread
stays as it is. What was rewritten is read again by `device.language.values`, and every time must
have moved and nothing else.
"""

from __future__ import annotations

import datetime as dt
import random
import re
from collections.abc import Iterator

from device.language.value_words import HOURS
from device.language.values import HALF_DAY, fold, values
from export.data import Example
from export.retell import mapped, texts

STEP, FARTHEST = 5, 180
"""Minutes: a shift is a multiple of the first, at most the second."""
PARTS = (0, 5, 12, 17, 21, 24)
"""Hours at which the parts of the day begin: what is said of a morning must stay one."""

_WRITTEN = re.compile(
    r"(?<![\d.,:/£$€₹])(?P<h>[01]?\d|2[0-3])(?:(?P<sep>[:.])(?P<m>[0-5]\d))?"
    r"(?:(?P<gap> ?)(?P<half>[ap]\.?m\b\.?))?(?![\d/]|[.,:]\d)",
    re.IGNORECASE,
)
_HOUR_WORD = "|".join(HOURS[1:])
_BARE = re.compile(
    rf"(?<![\d.,:/£$€₹#\w])(?:(?:[01]?\d|2[0-4])|(?:[01]?\d|2[0-3])[0-5]\d|{_HOUR_WORD})"
    r"(?:ish\b|h\b|(?![\w:/]|[.,]\d))"
)
_COUNTED = re.compile(
    r" ?(?!(?:and|or|to|then|in|on|for|is|it|at|by|so|but|if|works?|tomorrow|today|tonight|sharp|"
    r"next|this|please|pls|latest|onwards?|o|y|a|de|ish|baje|ko|tak|por|para)\b)[^\W\d_]{2,}"
)
"""What a number counts: a noun behind it. "4 tickets", "20 min"; not "4 then", "4 works"."""
_VAGUE = re.compile(r"\b(?:half|quarter) (?:past|to)\b|\bo'? ?clock\b|\[[^\]]* @ *[^\]]*\]")
"""Times that are written otherwise; how long a voice note or a video is."""
_CLOCK_LIKE = re.compile(r"(?<!\d)(?:[01]?\d|2[0-3])[0-5]\d(?!\d)")


def _is_time(match: re.Match[str]) -> bool:
    """Whether what is written can only be a time of day."""
    if match["half"]:
        return 1 <= int(match["h"]) <= 12
    return match["sep"] == ":"


def _unclear(text: str) -> bool:
    """Whether the text may say a time that can't be rewritten."""
    rest = _WRITTEN.sub(lambda m: " @ " if _is_time(m) else m[0], fold(text))
    if _VAGUE.search(rest) or any(v.kind == "time" for v in values(rest, source=True)):
        return True
    return any(
        _CLOCK_LIKE.fullmatch(m[0]) or not _COUNTED.match(rest, m.end())
        for m in _BARE.finditer(rest)
    )


def _minutes(match: re.Match[str]) -> int:
    """Minutes since midnight; since the last midnight or noon where nothing says which."""
    hour = int(match["h"])
    if match["half"]:
        hour = hour % 12 + (12 if match["half"][0].lower() == "p" else 0)
    return 60 * hour + int(match["m"] or 0)


def _part(minutes: int) -> int:
    return sum(60 * hour <= minutes for hour in PARTS)


def _readings(match: re.Match[str]) -> Iterator[int]:
    """The minutes since midnight that are meant: "7:30" may be either."""
    minutes = _minutes(match)
    yield minutes
    if not match["half"] and int(match["h"]) <= 12:
        yield (minutes + 720) % 1440


def _stays(minutes: int, shift: int) -> bool:
    """Whether a time keeps its part of the day and its half of it."""
    return 0 <= minutes + shift < 1440 and _part(minutes) == _part(minutes + shift)


def _written(match: re.Match[str], shift: int) -> str:
    """The time `shift` minutes later, written the same way."""
    hour, minute = divmod(_minutes(match) + shift, 60)
    if match["half"]:
        hour = hour % 12 or 12
    width = len(match["h"]) if match["h"].startswith("0") or not match["half"] else 1
    clock = f"{hour:0{width}}"
    if match["m"] or minute:
        clock += f"{match['sep'] or ':'}{minute:02}"
    return clock + (match["gap"] or "") + (match["half"] or "")


def _moved(text: str, shift: int) -> str:
    return _WRITTEN.sub(lambda m: _written(m, shift) if _is_time(m) else m[0], text)


def _moved_alone(old: str, new: str, shift: int) -> bool:
    """Whether every time of `old` stands in `new`, that much later, and every other value as is."""
    before, after = values(old), values(new)
    return [
        (v.kind, (v.number + shift) % HALF_DAY if v.kind == "time" else v.number) for v in before
    ] == [(v.kind, v.number) for v in after]


def shifted(example: Example, rng: random.Random) -> Example:
    """`example` at another hour, or itself where a mention isn't understood or nothing fits."""
    said = texts(example)
    clocks = [m.time for m in example.thread.messages if m.time]
    found = [m for text in said for m in _WRITTEN.finditer(text) if _is_time(m)]
    if not (found or clocks) or any(map(_unclear, (*said, example.thread.title or ""))):
        return example
    minutes = [60 * c.hour + c.minute for c in clocks]
    minutes += [reading for m in found for reading in _readings(m)]
    span = range(-FARTHEST, FARTHEST + 1, STEP)
    fitting = [s for s in span if s and all(_stays(m, s) for m in minutes)]
    if not fitting:
        return example
    shift = rng.choice(fitting)
    if not all(_moved_alone(text, _moved(text, shift), shift) for text in said):
        return example

    def later(time: dt.time | None) -> dt.time | None:
        return time and dt.time(*divmod(60 * time.hour + time.minute + shift, 60))

    return mapped(example, lambda text: _moved(text, shift), time=later)
