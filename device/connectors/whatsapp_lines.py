"""The lines of a WhatsApp export, taken together to what was sent, when, and by whom.

    Android  31/03/2025, 18:04 - Ben: ten minutes      3/31/25, 6:04\u202fPM - Ben: ten minutes
    iOS      [31.03.25, 18:04:22] Ben: ten minutes     [2025-03-31, 6:04:22 p.m.] Ben: ten minutes
             [2025/3/31 下午6:04:22] 李雷: 十分钟         ٣١/٣/٢٠٢٥، ٦:٠٤ م - ليلى: عشر دقائق

The layout is nowhere documented and follows the phone's locale: date separators, two- or four-digit
years, 12 or 24 hours, the digits, the order of day and month. What is done about it:

- All headers of an export are alike. The first line shows which layout it is; a line that looks
  like a header of another one (a pasted log, say) stays part of its message, as does every line
  without a header. A file that begins in the middle of a message is an error: it doesn't say whose.
- Day and month: the order in which every date exists; if several do, the one without dates in the
  future, then the one in which time runs backwards less often; if that is even, the day comes
  first. A line whose date or hour doesn't exist is no header. What still speaks against the order
  is reported, and the chat read.
- Whoever wrote is what stands before the first ": ". A name with ": " in it is taken whole when it
  is the chat's, by its first notice on iOS or by its file's name (where "_" stands for what no
  file's name can hold), or the wearer's; others are cut there. Android's own notices have no ": ",
  save where they quote a group's name that has one.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

from device.connectors.whatsapp_text import is_encryption_notice
from device.connectors.whatsapp_words import (
    AFTERNOON,
    HALVES_AFTER,
    HALVES_BEFORE,
    MARKS,
    NOTICE,
)
from device.errors import InputError
from device.settings import DateOrder

_MARKS = f"[{MARKS}]*"
_HEADER = re.compile(
    rf"""{_MARKS}(?:(?P<open>\[){_MARKS})?
    (?P<date>(?P<a>\d{{4}}|\d{{1,2}}){_MARKS}(?P<sep>[./-]){_MARKS}\ ?
      (?P<b>\d{{1,2}}){_MARKS}(?P=sep){_MARKS}\ ?(?P<c>\d{{4}}|\d{{1,2}}))\.?
    (?P<comma>[,،])?{_MARKS}\s(?:(?P<early>{HALVES_BEFORE})\s?|(?P<word>[^\W\d]{{1,4}}\.?\s))?
    (?P<time>(?P<hour>\d{{1,2}})[:.](?P<minute>\d{{2}})(?P<second>[:.]\d{{2}})?)
    (?:\s?(?P<late>{HALVES_AFTER}))?
    (?(open)\]\s?|\s[-–]\s)
    (?P<rest>.*)""",
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)
_LATE = dt.timedelta(days=1)
"""So much later than its successor a message may be: what was sent to a phone that was off at
midnight stands below what its owner wrote after it."""
_FIRST_DAY = dt.date(2009, 1, 1)
"""WhatsApp began in 2009."""
_YEAR_MONTH_DAY: dict[DateOrder, tuple[int, int, int]] = {
    "dmy": (2, 1, 0),
    "mdy": (2, 0, 1),
    "ymd": (0, 1, 2),
}
_SAID: dict[DateOrder, str] = {
    "dmy": "day, month, year",
    "mdy": "month, day, year",
    "ymd": "year, month, day",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """What one header opens: a message, or a notice of WhatsApp's own."""

    numbers: tuple[int, int, int]
    """Of the date, in the file's order."""
    date: dt.date
    time: dt.time
    """To the minute."""
    sender: str | None
    """None for a notice on Android."""
    text: str
    """With all lines and marks."""


def is_chat(text: str) -> bool:
    """Whether any line is a header of an export."""
    return any(_HEADER.match(line) for line in text.split("\n"))


def read_entries(
    text: str, path: Path, names: tuple[str, ...], date_order: DateOrder | None
) -> tuple[list[Entry], list[InputError]]:
    """What the headers open, in the file's order; and what speaks against the order of its dates.

    `names` are those known beforehand, which may hold ": ". Raises `InputError` (with the line) for
    a file that begins in the middle of a message, for a first date that doesn't exist, and for
    dates that aren't in `date_order`.
    """
    lines = [line.removesuffix("\r") for line in text.split("\n")]
    headers = {i: m for i, line in enumerate(lines) if (m := _HEADER.match(line)) and _time(m)}
    first = next((i for i, line in enumerate(lines) if _name(line)), 0)
    if first not in headers:
        problem = "a WhatsApp export begins with a date and a name, not in the middle of a message"
        advice = f"delete what stands above line {min(headers) + 1}" if headers else "export again"
        raise InputError(f"{problem}; {advice}", path, first + 1)
    layout = _layout(headers[first])
    headers = {i: m for i, m in headers.items() if _layout(m) == layout}
    order = _order({i + 1: _numbers(m) for i, m in headers.items()}, path, date_order)
    dates = {i: date for i, m in headers.items() if (date := _date(_numbers(m), order))}
    starts = list(dates)
    if first not in dates:  # else its message, which has no other to be a part of, would be lost
        problem = f"{headers[first]['date']} is no date as {_SAID[order]}"
        raise InputError(f"{problem}; mend the line or export the chat again", path, first + 1)
    openings = (headers[i]["rest"].rpartition(": ") for i in starts[:3])
    chat = tuple(_name(name) for name, _, said in openings if is_encryption_notice(said))
    whole = _whole(chat + names)
    entries = []
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        m = headers[start]
        sender, said = _split(m["rest"], whole)
        text = "\n".join([said, *lines[start + 1 : end]]).rstrip()
        time = _time(m) or dt.time.min
        entries.append(Entry(_numbers(m), dates[start], time, sender, text))
    return entries, list(_odd(headers, dates, order, path))


def _layout(m: re.Match[str]) -> tuple[object, ...]:
    """What all headers of one export have in common."""
    given = tuple(bool(m[part]) for part in ("open", "comma", "word", "second", "early", "late"))
    return (m["sep"], len(m["a"]) == 4, len(m["c"]) == 4, *given)


def _time(m: re.Match[str]) -> dt.time | None:
    hour, minute = int(m["hour"]), int(m["minute"])
    half = m["early"] or m["late"]
    if half and hour <= 12:
        hour = hour % 12 + 12 * half.casefold().startswith(AFTERNOON)
    return dt.time(hour, minute) if hour < 24 and minute < 60 else None


def _whole(names: tuple[str, ...]) -> re.Pattern[str]:
    """Any of these names, with what follows; in files' names "_" may stand for a colon."""
    anyone = "|".join(re.escape(name).replace("_", "[_:/?*|]") for name in names if name)
    return re.compile(f"({anyone or '(?!)'}): (.*)", re.DOTALL)


def _split(said: str, whole: re.Pattern[str]) -> tuple[str | None, str]:
    """Sender and text of what follows a header; no sender for Android's notices."""
    said = said.lstrip(MARKS)
    if known := whole.match(said):
        return _name(known[1]), known[2]
    head, colon, text = said.partition(": ")
    if not colon:
        head = said.rstrip(MARKS + " ")
        if not head.endswith(":"):
            return None, said
        head, text = head[:-1], ""
    sender = _name(head)
    if not sender or is_encryption_notice(said) or _quotes_colon(head):
        return None, said
    return sender, text


def _quotes_colon(head: str) -> bool:
    """Whether the ": " is in a name that a notice quotes: changed the subject to "Rome: go"."""
    opened = head.count('"') % 2 or any(
        head.count(left) > head.count(right) for left, right in ("“”", "„“", "«»")
    )
    return bool(opened) and any(word in head.casefold() for word in NOTICE)


def _name(raw: str) -> str:
    """A name without direction marks and with plain spaces.

    Somebody who is no contact is "~Mia", as WhatsApp shows them: the wearer is to see that, and a
    stranger's message is never urgent (`device.language.triage`). iOS writes "~ Mia".
    """
    name = " ".join(raw.translate(dict.fromkeys(map(ord, MARKS))).split())
    return f"~{name.lstrip('~ ')}" if name.startswith("~") else name


def _numbers(m: re.Match[str]) -> tuple[int, int, int]:
    """The date's three numbers, as written."""
    return int(m["a"]), int(m["b"]), int(m["c"])


def _order(
    dates: dict[int, tuple[int, int, int]], path: Path, asked: DateOrder | None
) -> DateOrder:
    """The order in which most `dates` (by line) exist, then in which fewest lie before WhatsApp or
    in the future, then in which time runs backwards least often; if all is even, day first.

    A year of four digits in front leaves no question. Raises `InputError` where the order that was
    asked for fits fewer dates than another.
    """
    if all(numbers[0] > 99 for numbers in dates.values()):
        return "ymd"
    found: dict[DateOrder, list[dt.date | None]] = {
        order: [_date(numbers, order) for numbers in dates.values()] for order in _YEAR_MONTH_DAY
    }
    tomorrow = dt.date.today() + dt.timedelta(days=1)

    def unlikely(order: DateOrder) -> tuple[int, int, int]:
        days = [day for day in found[order] if day]
        strange = sum(not _FIRST_DAY <= day <= tomorrow for day in days)
        back = sum(later < earlier for earlier, later in pairwise(days))
        return len(dates) - len(days), strange, back

    best = min(found, key=unlikely)
    if asked is None or unlikely(asked)[0] <= unlikely(best)[0]:
        return asked or best
    line = next(line for line, day in zip(dates, found[asked], strict=True) if day is None)
    written = "-".join(map(str, dates[line]))
    problem = f"the date {written} can't be read as {_SAID[asked]}"
    raise InputError(
        f"{problem}; leave the date order out and it is found from the file", path, line
    )


def _odd(
    headers: dict[int, re.Match[str]], dates: dict[int, dt.date], order: DateOrder, path: Path
) -> Iterator[InputError]:
    """What in a file that was read in `order` speaks against that, each with its first line.

    The chat is read nevertheless: any contact may write a line that looks like a header.
    """
    others = [
        line
        for line, m in headers.items()
        if line not in dates and any(_date(_numbers(m), other) for other in _YEAR_MONTH_DAY)
    ]
    if others:
        problem = (
            f"the date {headers[others[0]]['date']} can't be read as {_SAID[order]}, as all dates "
            f"of this chat are{_more(others)}; the line counts as text of the message above it"
        )
        yield InputError(problem, path, others[0] + 1)
    back = [(a, b) for a, b in pairwise(dates) if dates[a] - dates[b] > _LATE]
    if back:
        before, line = (headers[i]["date"] for i in back[0])
        problem = (
            f"time runs backwards, from {before} to {line}, with the dates read as {_SAID[order]}"
            f"{_more(back)}; say --date-order if that is wrong, and read exports that were put "
            "together one by one"
        )
        yield InputError(problem, path, back[0][1] + 1)


def _more(found: list[Any]) -> str:
    """ " (and 2 more)" where there is more than the first one."""
    return f" (and {len(found) - 1} more)" if len(found) > 1 else ""


@cache
def _date(numbers: tuple[int, int, int], order: DateOrder) -> dt.date | None:
    """None for a date that doesn't exist."""
    year, month, day = (numbers[i] for i in _YEAR_MONTH_DAY[order])
    try:
        return dt.date(year + 2000 if year < 100 else year, month, day)
    except ValueError:
        return None
