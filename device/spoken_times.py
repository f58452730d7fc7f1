"""Times of day and days as people say them, and the same ones as they are written."""

from __future__ import annotations

import datetime as dt
import re

_UNITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_TEENS = ("ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen")
_ONES = (*_UNITS, *_TEENS, "eighteen", "nineteen")
_TENS = {"twenty": 20, "thirty": 30, "forty": 40, "fifty": 50}
_PAST = re.compile(
    r"(?:(?P<part>(?:a )?quarter|half|five|ten|twenty(?: five)?|5|10|20|25)"
    r"|(?P<minutes>[\w ]+?) minutes?) (?P<way>past|to) (?P<hour>.+)|half (?P<late>.+)"
)
"""Bare, only what clocks are read by: "six to seven" is no time."""
_PARTS = {"half": 30, "quarter": 15, "a quarter": 15}
_DIGITS = re.compile(r"(?P<h>\d{1,2})(?:[:.h](?P<m>\d\d))?\s*(?P<half>[ap]\.?m\.?)?")


def number(words: str) -> int | None:
    """A number below sixty, in words or digits.

    >>> number("forty five"), number("oh five"), number("17"), number("many")
    (45, 5, 17, None)
    """
    said = words.replace("-", " ").split()
    if len(said) == 1 and said[0].isdecimal():
        return int(said[0]) if len(said[0]) <= 2 else None
    if len(said) == 2 and said[0] in ("oh", "o"):
        said = said[1:]
    tens = _TENS.get(said[0], 0) if said else 0
    rest = said[1:] if tens else said
    if not rest:
        return tens or None
    if len(rest) > 1 or rest[0] not in _ONES:
        return None
    one = _ONES.index(rest[0])
    return tens + one if not tens or 0 < one < 10 else None


def clock(words: str) -> dt.time | None:
    """A time of day; None where it is none.

    >>> clock("half past six"), clock("eighteen thirty"), clock("6 pm")
    (datetime.time(6, 30), datetime.time(18, 30), datetime.time(18, 0))
    >>> clock("half six"), clock("ten to six"), clock("twenty five past six in the evening")
    (datetime.time(6, 30), datetime.time(5, 50), datetime.time(18, 25))
    >>> clock("a quarter to one pm"), clock("six to seven"), clock("five past 25")
    (datetime.time(12, 45), None, None)
    """
    said = " ".join(words.casefold().replace("-", " ").split()).rstrip(".")
    if said in ("noon", "midnight"):
        return dt.time(12 if said == "noon" else 0)
    if match := _DIGITS.fullmatch(said):
        return _time(int(match["h"]), int(match["m"] or 0), match["half"] or "")
    afternoon = re.search(r"\s(p\.?m|in the (?:afternoon|evening)|a\.?m|in the morning)$", said)
    half = ""
    if afternoon:
        said = said[: afternoon.start()]
        half = "a" if "a.m" in afternoon[1] or "am" in afternoon[1] or "mo" in afternoon[1] else "p"
    if past := _PAST.fullmatch(said):
        part = past["part"] or past["minutes"] or "half"
        minutes, hour = _PARTS.get(part) or number(part), number(past["hour"] or past["late"])
        whole = None if hour is None else _time(hour, 0, half)
        if whole is None or minutes is None or minutes >= 60:
            return None
        total = whole.hour * 60 + (-minutes if past["way"] == "to" else minutes)
        return dt.time(total // 60 % 24, total % 60)
    if (hour := number(said.removesuffix("o'clock").strip())) is not None:
        return _time(hour, 0, half)
    parts = said.split()
    for at in range(1, len(parts)):
        hour, minute = number(" ".join(parts[:at])), number(" ".join(parts[at:]))
        if hour is not None and minute is not None:
            return _time(hour, minute, half)
    return None


def _time(hour: int, minute: int, half: str) -> dt.time | None:
    if half.startswith("p") and 0 < hour < 12:
        hour += 12
    elif half.startswith("a") and hour == 12:
        hour = 0
    return dt.time(hour, minute) if hour < 24 and minute < 60 else None
