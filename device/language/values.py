"""Numbers, amounts, times, dates and weekdays in a text, whatever way they are written.

"7:30", "half seven", "19:30", "saade saat" and "siete y media" are one time; "12k", "12,000" and
"twelve thousand" one number. Reading a source is generous (every reading that could be meant),
reading a statement is strict (the likeliest one), so that a statement is never failed for the way
it writes something that is there.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from device.language.value_words import (
    AMBIGUOUS_DAYS,
    CURRENCIES,
    FOREIGN,
    FOREIGN_MINUTES,
    HOURS,
    MINUTES,
    MONTHS,
    ORDINALS,
    TENS,
    UNITS,
    WEEKDAYS,
    WORDS,
)

ValueKind = Literal["number", "amount", "time", "date", "weekday", "word"]

HALF_DAY = 720
"""Minutes in twelve hours: clock times are compared modulo this."""


@dataclass(frozen=True, slots=True)
class Value:
    """One value as it stands in a text."""

    kind: ValueKind
    """"word" is a number in words, which may be a mere article ("one of us")."""
    number: float
    """The number, the minutes since midnight modulo 12 h, the day of the month or the weekday."""
    start: int
    end: int
    """Where it stands, in characters; `end` is the first one behind it."""
    half: str = ""
    """"am" or "pm" where a time says so, else empty."""
    month: int = 0
    """1..12 where a date names one, else 0."""
    currency: str = ""
    """One of `CURRENCIES` where the number has one beside it, else empty."""


_HOUR_OR_DIGIT = rf"(?:{'|'.join(HOURS)}|1[0-2]|0?[1-9])"
_HALF = r"(?: ?(?P<half>a\.?m\b\.?|p\.?m\b\.?)|(?= in the (?:morning|afternoon|evening)\b))?"
_MINUTE_WORDS = "twenty[- ]five|(?:a )?quarter|five|ten|twenty|half|5|10|15|20|25"

_PAST = re.compile(
    rf"\b(?P<m>{_MINUTE_WORDS})[ -]?(?P<way>past|to|till|after|before|of)? "
    rf"(?P<h>{_HOUR_OR_DIGIT})\b(?![.,:]?\d){_HALF}"
)
_CLOCK = re.compile(
    rf"(?<![\d.,:/])(?P<h>[01]?\d|2[0-4])[:.h](?P<m>[0-5]\d)(?![\d/]|[.,:]\d){_HALF}"
)
_COMPACT = re.compile(r"(?<![\d.,:/])(?P<h>0?[1-9]|1[0-2])(?P<m>[0-5]\d)? ?(?P<half>[ap])\.?m\b\.?")
_SPELT_OUT = re.compile(
    rf"\b(?P<h>{'|'.join(HOURS)})[ -](?P<m>fifteen|thirty|forty[ -]five)\b(?![ -](?:past|to)\b)"
)
_BETWEEN_HOURS = re.compile(r"\d[:.h](?!00)\d|half|quarter|media|cuarto|sa[dw]|paune")
"""Surely such a time; "5 to 6" may be a range and "14 15" two numbers."""
_SPACED = re.compile(r"(?<![\d.,:/])(?P<h>1?\d|2[0-3]) (?P<m>[0-5][05])(?![\d/.,:])")
_OCLOCK = re.compile(
    rf"(?<![\d.,:])\b(?P<h>{_HOUR_OR_DIGIT})(?: ?o['’ ]? ?clock|ish\b| baje\b| ?uhr\b| heures?\b)"
)
_NOON = re.compile(r"\b(?P<w>noon|midday|midnight|mediodia|medianoche)\b")
_AT_WORD = re.compile(
    rf"\b(?:at|by|until|till|from|before|after|around|about|past) (?P<h>{'|'.join(HOURS)})\b"
)
_HINDI = re.compile(r"\b(?P<how>saadhe|saade|sadhe|sade|sawa|sava|paune) (?P<h>\w+)\b")
_SPANISH = re.compile(r"\b(?P<h>\w+) (?P<how>y media|y cuarto|menos cuarto|menos diez|y diez)\b")
_SIGNS = "".join(sign for sign in CURRENCIES if len(sign) == 1 and not sign.isalnum())
_NUMBER = re.compile(
    rf"(?P<cur>[{_SIGNS}]|\b(?:rs|usd|eur|gbp|inr|aed|r)\.? ?(?=\d))? ?"
    r"(?P<n>\d{1,3}(?:[,.   ’']\d{3})+(?:\.\d{1,2})?(?!\d)|\d+(?:[.,]\d+)?)"
    r"(?P<part> ?[½¼¾])?(?P<k>k\b|m\b(?! ?\d)|lakh\b)?(?P<ord>st\b|nd\b|rd\b|th\b)?"
)
_NAMED = "|".join(name for name in CURRENCIES if len(name) > 1)
_CURRENCY = re.compile(rf" ?(?P<cur>(?:[{_SIGNS}]|(?:{_NAMED})\b(?! of\b))(?! ?\d))")
"""Behind a number; "two pounds of flour" cost nothing."""
_GROUPED = re.compile(r"[1-9]\d{0,2}(?:,\d{3})+")
_COMPOUND = re.compile(
    rf"\b(?P<t>{'|'.join(TENS)})[- ](?P<u>{'|'.join(UNITS[1:10])})\b"
    rf"|\b(?P<f>a|{'|'.join(UNITS[1:] + TENS)}) (?P<s>hundred|thousand|dozen)\b"
)
_FRACTION = re.compile(r"(?<!\d)(?<!\d )[½¼¾]")
WORD = re.compile(r"[^\W\d_]+")


def fold(text: str) -> str:
    """`text` in lower case without accents; every character stays one character.

    >>> fold("Sinéad’s")
    "sinead's"
    """
    return text.lower() if text.isascii() else "".join(map(_fold_char, text))


@lru_cache(maxsize=4096)
def _fold_char(char: str) -> str:
    if char == "’":
        return "'"
    if unicodedata.category(char) == "No":
        return char  # "½" is no 1, the "²" of "m²" no 2
    base = unicodedata.normalize("NFKD", char)[:1].lower()
    return base if len(base) == 1 else char


def clock_values(folded: str, source: bool) -> list[Value]:
    """The times of day in a folded text, each as the widest thing it is part of."""
    found: list[Value] = []

    def add(match: re.Match[str], minutes: float, half: str = "") -> None:
        found.append(Value("time", minutes % HALF_DAY, match.start(), match.end(), half))

    for match in _PAST.finditer(folded):
        minutes = _minutes(match["m"])
        way = match["way"] or ""
        if not way and (minutes != 30 or _month_beside(folded, match.start("h"), match.end("h"))):
            continue  # "half 1 September" is half of something
        if not source and match["m"].isdigit():
            continue  # "10 to 12" in a line is a range
        if way in ("to", "till", "of", "before"):
            minutes = -minutes
        add(match, 60 * _hour(match["h"]) + minutes, _half(match["half"]))
    for pattern in (_CLOCK, _SPELT_OUT, _COMPACT, _OCLOCK, _AT_WORD):
        for match in pattern.finditer(folded):
            part = match.groupdict()
            hour = _hour(part["h"])
            half = _half(part.get("half")) or ("pm" if 13 <= hour < 24 else "")
            add(match, 60 * hour + _minutes(part.get("m") or "0"), half)
    for match in _NOON.finditer(folded):
        add(match, 0, "am" if match["w"] in ("midnight", "medianoche") else "pm")
    if source:
        for match in _SPACED.finditer(folded):
            add(match, 60 * int(match["h"]) + int(match["m"]))
        for pattern in (_HINDI, _SPANISH):
            for match in pattern.finditer(folded):
                word = match["h"]
                named = FOREIGN.get(word, WORDS.get(word))
                if named is None and word.isdecimal() and len(word) < 3:
                    named = int(word)
                if named is not None:
                    add(match, 60 * named + FOREIGN_MINUTES[match["how"]])
    return _widest(found)


def _widest(found: list[Value]) -> list[Value]:
    """Those that are no part of a wider one, as the "at seven" of "at seven thirty" is; of two that
    are equally wide the first."""
    spans = sorted({(v.start, v.end) for v in found}, key=lambda s: (s[0] - s[1], s[0]))
    taken: set[int] = set()
    kept = set()
    for start, end in spans:
        if taken.isdisjoint(range(start, end)):
            kept.add((start, end))
        taken.update(range(start, end))
    return [v for v in found if (v.start, v.end) in kept]


def _minutes(word: str) -> int:
    return int(word) if word.isdigit() else MINUTES[word.replace("-", " ")]


def _hour(word: str) -> int:
    return int(word) if word.isdigit() else UNITS.index(word)


def _half(written: str | None) -> str:
    return written[0] + "m" if written else ""


def values(text: str, source: bool = False) -> list[Value]:
    """Every value in a text, in the order of the text; `source` reads generously.

    In a statement a value stands once, as the widest thing it is part of (the 30 of "7:30" is no
    number of its own); in a source its parts are listed as well, but for those of a time between
    the hours: who writes "half two" never said 2.
    """
    folded = fold(text)
    found = clock_values(folded, source)
    spans = [(v.start, v.end) for v in found]
    taken = {
        place
        for start, end in spans
        if not source or _BETWEEN_HOURS.search(folded, start, end)
        for place in range(start, end)
    }

    def free(pattern: re.Pattern[str]) -> Iterator[re.Match[str]]:
        for match in pattern.finditer(folded):
            if taken.isdisjoint(range(match.start(), match.end())):
                yield match

    def add(kind: ValueKind, number: float, match: re.Match[str]) -> None:
        money = _CURRENCY.match(folded, match.end()) if kind == "word" else None
        found.append(Value(kind, number, match.start(), match.end(), currency=_currency(money)))

    for match in free(_COMPOUND):
        if match["t"]:
            add("word", WORDS[match["t"]] + WORDS[match["u"]], match)
        else:
            add("word", WORDS.get(match["f"], 1) * WORDS[match["s"]], match)
        if not source:
            taken.update(range(*match.span()))
    for match in free(_NUMBER):
        found += _numbers(match, folded, source)
    for match in free(_FRACTION):
        add("number", unicodedata.numeric(match[0]), match)
    for match in free(WORD):
        word = match[0]
        surely = word not in AMBIGUOUS_DAYS or text[match.start()].isupper()
        if word in WEEKDAYS and (source or surely):
            add("weekday", WEEKDAYS[word], match)
        elif word in WORDS:
            add("word", WORDS[word], match)
        if source and word in ORDINALS:
            add("date", ORDINALS[word], match)
        if source and word in FOREIGN:
            add("word", FOREIGN[word], match)
    return sorted(found, key=lambda v: (v.start, v.end))


def _numbers(match: re.Match[str], folded: str, source: bool) -> list[Value]:
    """The readings of one match of digits: one in a statement, all that fit in a source."""
    written = match["n"]
    scale = {"k": 1000.0, "m": 1e6, "lakh": 1e5}.get(match["k"] or "", 1.0)
    start, end = match.start("n"), match.end()
    month = _month_beside(folded, start, end)
    money = match if match["cur"] else _CURRENCY.match(folded, end)
    kind: ValueKind = "amount" if money else "number"
    if match["ord"] or month:
        kind = "date"
    grouped = re.sub(r"[,.   ’'](?=\d{3}(?:\D|$))", "", written)
    fraction = unicodedata.numeric(match["part"].strip()) if match["part"] else 0.0
    readings = [(_float(grouped) + fraction) * scale]
    if source and not _GROUPED.fullmatch(written):
        parts = [written.replace(",", "."), *re.findall(r"\d+", written)]
        readings += [_float(p) * s for p in parts for s in {scale, 1.0}]
    currency = _currency(money)
    start = match.start("cur") if match["cur"] else start
    end = money.end("cur") if money and not match["cur"] else end
    return [Value(kind, n, start, end, "", month, currency) for n in dict.fromkeys(readings)]


def _currency(match: re.Match[str] | None) -> str:
    return CURRENCIES[match["cur"].strip(". ")] if match else ""


def _float(digits: str) -> float:
    digits = re.sub(r"[   ’']", "", digits).replace(",", ".")
    try:
        return float(digits)
    except ValueError:
        return float(digits.replace(".", ""))


def _month_beside(folded: str, start: int, end: int) -> int:
    """The month named right before or after a number, 0 where none is."""
    rest = folded[end : end + 24]
    after = re.match(r"(?: of|-\d+| and \d+\w*| to \d+\w*)* ?([a-z]{3,10})\b", rest)
    before = re.search(r"([a-z]{3,10})\.? (?:the )?$", folded[max(0, start - 16) : start])
    for match in (after, before):
        if match and match[1] in MONTHS and match[1] != "mar":
            return MONTHS[match[1]]
    return 0
