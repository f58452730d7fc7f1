"""Numbers, amounts, times, dates and weekdays in a text, whatever way they are written.

"7:30", "half seven", "19:30", "saade saat" and "siete y media" are one time; "12k", "12,000" and
"twelve thousand" one number. Reading a source is generous (every reading that could be meant),
reading a statement is strict (the likeliest one), so that a statement is never failed for the way
it writes something that is there.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Literal

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
    half: str = ""
    """"am" or "pm" where a time says so, else empty."""
    month: int = 0
    """1..12 where a date names one, else 0."""


_SPELT = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
    "fifteen sixteen seventeen eighteen nineteen"
)
_UNITS = _SPELT.split()
_HOUR = _UNITS[1:13]
_TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_COUNTING = (
    "ek do teen char paanch che saat aath nau das",
    "un deux trois quatre cinq six sept huit neuf dix",
    "uno dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce quince",
    "ein zwei drei vier funf sechs sieben acht neun zehn",
)
WORDS: dict[str, float] = {
    **{w: n for n, w in enumerate(_UNITS)},
    **{w: 10 * n for n, w in enumerate(_TENS, 2)},
    "dozen": 12,
    "hundred": 100,
    "thousand": 1000,
    "lakh": 100_000,
    "million": 1_000_000,
    "half": 0.5,
    "quarter": 0.25,
    "once": 1,
    "twice": 2,
    "single": 1,
    "both": 2,
    "pair": 2,
    "couple": 2,
}
FOREIGN: dict[str, float] = {
    **{word: n for words in _COUNTING for n, word in enumerate(words.split(), 1)},
    "chaar": 4, "panch": 5, "chhe": 6, "chah": 6, "sat": 7, "aath": 8, "ath": 8, "dus": 10,
    "gyarah": 11, "gyara": 11, "barah": 12, "bara": 12, "baara": 12, "pandrah": 15, "bees": 20,
    "pachees": 25, "tees": 30, "chalis": 40, "chalees": 40, "pachas": 50, "pachaas": 50,
    "sau": 100, "hazaar": 1000, "hazar": 1000, "aadha": 0.5, "aadhe": 0.5, "adha": 0.5,
    "dedh": 1.5, "dhai": 2.5, "adhai": 2.5, "una": 1, "veinte": 20, "treinta": 30,
    "cuarenta": 40, "cincuenta": 50, "cien": 100, "mil": 1000, "media": 0.5, "medio": 0.5,
}  # fmt: skip
"""Number words of the languages that are mixed into English; read in sources only."""

WEEKDAYS: dict[str, int] = {
    word: day
    for day, words in enumerate(
        (
            "monday mon lunes lundi montag somvar somwar",
            "tuesday tue tues martes mardi dienstag mangal mangalvar mangalwar",
            "wednesday wed weds miercoles mercredi mittwoch budh budhvar budhwar",
            "thursday thu thur thurs jueves jeudi donnerstag guruvar guruwar brihaspativar",
            "friday fri viernes vendredi freitag shukravar shukrawar shukra",
            "saturday sat sabado samedi samstag shanivar shaniwar shani",
            "sunday sun domingo dimanche sonntag itvaar itwar itwaar ravivar raviwar",
        )
    )
    for word in words.split()
}
_AMBIGUOUS_DAYS = {"sun", "sat", "mon", "wed"}
_MONTHS: dict[str, int] = {
    word: month
    for month, words in enumerate(
        (
            "january jan enero", "february feb febrero", "march mar marzo", "april apr abril",
            "may mayo", "june jun junio", "july jul julio", "august aug agosto",
            "september sep sept septiembre", "october oct octubre", "november nov noviembre",
            "december dec diciembre",
        ),
        1,
    )
    for word in words.split()
}  # fmt: skip

_HOUR_OR_DIGIT = rf"(?:{'|'.join(_HOUR)}|1[0-2]|0?[1-9])"
_HALF = r"(?: ?(?P<half>a\.?m\b\.?|p\.?m\b\.?)|(?= in the (?:morning|afternoon|evening)\b))?"
_MINUTES = {"quarter": 15, "a quarter": 15, "five": 5, "ten": 10, "twenty": 20, "twenty five": 25,
            "twenty-five": 25, "half": 30}  # fmt: skip
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
    rf"\b(?P<h>{'|'.join(_HOUR)})[ -](?P<m>fifteen|thirty|forty[ -]five)\b(?![ -](?:past|to)\b)"
)
_SPACED = re.compile(r"(?<![\d.,:/])(?P<h>1?\d|2[0-3]) (?P<m>[0-5][05])(?![\d/.,:])")
_OCLOCK = re.compile(
    rf"(?<![\d.,:])\b(?P<h>{_HOUR_OR_DIGIT})(?: ?o['’ ]? ?clock|ish\b| baje\b| ?uhr\b| heures?\b)"
)
_NOON = re.compile(r"\b(?P<w>noon|midday|midnight|mediodia|medianoche)\b")
_AT_WORD = re.compile(
    rf"\b(?:at|by|until|till|from|before|after|around|about|past) (?P<h>{'|'.join(_HOUR)})\b"
)
_HINDI = re.compile(r"\b(?P<how>saadhe|saade|sadhe|sade|sawa|sava|paune) (?P<h>\w+)\b")
_SPANISH = re.compile(r"\b(?P<h>\w+) (?P<how>y media|y cuarto|menos cuarto|menos diez|y diez)\b")
_FOREIGN_MINUTES = {"y media": 30, "y cuarto": 15, "menos cuarto": -15, "menos diez": -10,
                    "y diez": 10, "sawa": 15, "sava": 15, "paune": -15}  # fmt: skip
_NUMBER = re.compile(
    r"(?P<cur>[£$€₹¥₦]|\b(?:rs|usd|eur|gbp|inr|aed|r)\.? ?(?=\d))? ?"
    r"(?P<n>\d{1,3}(?:[,.   ’']\d{3})+(?:\.\d{1,2})?(?!\d)|\d+(?:[.,]\d+)?)"
    r"(?P<part> ?[½¼¾])?(?P<k>k\b|m\b(?! ?\d)|lakh\b)?(?P<ord>st\b|nd\b|rd\b|th\b)?"
)
_GROUPED = re.compile(r"[1-9]\d{0,2}(?:,\d{3})+")
_COMPOUND = re.compile(
    rf"\b(?P<t>{'|'.join(_TENS)})[- ](?P<u>{'|'.join(_UNITS[1:10])})\b"
    rf"|\b(?P<f>a|{'|'.join(_UNITS[1:] + _TENS)}) (?P<s>hundred|thousand|dozen)\b"
)
_FRACTION = re.compile(r"(?<!\d)(?<!\d )[½¼¾]")
_WORD = re.compile(r"[^\W\d_]+")
_ORDINAL_WORDS = "first second third fourth fifth sixth seventh eighth ninth tenth"
ORDINALS = {word: n for n, word in enumerate(_ORDINAL_WORDS.split(), 1)}


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
        hour = 60 * _hour(match["h"])
        add(match, hour - minutes if way in ("to", "till", "of", "before") else hour + minutes,
            _half(match["half"]))  # fmt: skip
    for match in _CLOCK.finditer(folded):
        hour_of_day = int(match["h"])
        half = _half(match["half"]) or ("pm" if 13 <= hour_of_day < 24 else "")
        add(match, 60 * hour_of_day + int(match["m"]), half)
    for match in _SPELT_OUT.finditer(folded):
        minutes = {"fifteen": 15, "thirty": 30}.get(match["m"], 45)
        add(match, 60 * _hour(match["h"]) + minutes)
    for match in _COMPACT.finditer(folded):
        add(match, 60 * int(match["h"]) + int(match["m"] or 0), match["half"] + "m")
    for match in _OCLOCK.finditer(folded):
        add(match, 60 * _hour(match["h"]))
    for match in _NOON.finditer(folded):
        add(match, 0, "am" if match["w"] in ("midnight", "medianoche") else "pm")
    for match in _AT_WORD.finditer(folded):
        add(match, 60 * _hour(match["h"]))
    if source:
        for match in _SPACED.finditer(folded):
            add(match, 60 * int(match["h"]) + int(match["m"]))
        for pattern in (_HINDI, _SPANISH):
            for match in pattern.finditer(folded):
                hour_word = match["h"]
                named = FOREIGN.get(hour_word, WORDS.get(hour_word))
                if named is None and hour_word.isdigit() and len(hour_word) < 3:
                    named = int(hour_word)
                if named is not None:
                    add(match, 60 * named + _FOREIGN_MINUTES.get(match["how"], 30))
    return [v for v in found if not any(_inside(v, wider) for wider in found)]


def _inside(value: Value, wider: Value) -> bool:
    """Whether a value is but a part of another: the "at seven" of "at seven thirty"."""
    overlap = value.start < wider.end and wider.start < value.end
    size, other = value.end - value.start, wider.end - wider.start
    return overlap and (size, -value.start) < (other, -wider.start)


def _minutes(word: str) -> int:
    return int(word) if word.isdigit() else _MINUTES[word.replace("-", " ")]


def _hour(word: str) -> int:
    return int(word) if word.isdigit() else _HOUR.index(word) + 1


def _half(match: str | None) -> str:
    return "" if not match else match[0] + "m"


def values(text: str, source: bool = False) -> list[Value]:
    """Every value in a text, in the order of the text; `source` reads generously.

    In a statement a value stands once, as the widest thing it is part of (the 30 of "7:30" is no
    number of its own); in a source its parts are listed as well.
    """
    folded = fold(text)
    found = clock_values(folded, source)
    taken = [] if source else [(v.start, v.end) for v in found]

    def free(match: re.Match[str]) -> bool:
        return all(match.end() <= s or match.start() >= e for s, e in taken)

    for match in _COMPOUND.finditer(folded):
        if free(match):
            number = (
                WORDS[match["t"]] + WORDS[match["u"]]
                if match["t"]
                else WORDS.get(match["f"], 1) * WORDS[match["s"]]
            )
            found.append(Value("word", number, match.start(), match.end()))
            taken += [] if source else [match.span()]
    for match in _NUMBER.finditer(folded):
        if free(match):
            found += _numbers(match, folded, source)
    for match in _FRACTION.finditer(folded):
        if free(match):
            half = unicodedata.numeric(match[0])
            found.append(Value("number", half, match.start(), match.end()))
    for match in _WORD.finditer(folded):
        word = match[0]
        if not free(match):
            continue
        surely = word not in _AMBIGUOUS_DAYS or text[match.start()].isupper()
        if word in WEEKDAYS and (source or surely):
            found.append(Value("weekday", WEEKDAYS[word], match.start(), match.end()))
        elif word in WORDS:
            found.append(Value("word", WORDS[word], match.start(), match.end()))
        if word in ORDINALS and source:
            found.append(Value("word", ORDINALS[word], match.start(), match.end()))
        if source and word in FOREIGN:
            found.append(Value("word", FOREIGN[word], match.start(), match.end()))
    return sorted(found, key=lambda v: (v.start, v.end))


def _numbers(match: re.Match[str], folded: str, source: bool) -> list[Value]:
    """The readings of one match of digits: one in a statement, all that fit in a source."""
    written = match["n"]
    scale = {"k": 1000.0, "m": 1e6, "lakh": 1e5}.get(match["k"] or "", 1.0)
    start, end = match.start("n"), match.end()
    month = _month_beside(folded, start, end)
    kind: ValueKind = "amount" if match["cur"] else "number"
    if match["ord"] or month:
        kind = "date"
    grouped = re.sub(r"[,.   ’'](?=\d{3}(?:\D|$))", "", written)
    fraction = unicodedata.numeric(match["part"].strip()) if match["part"] else 0.0
    readings = [(_float(grouped) + fraction) * scale]
    if source and not _GROUPED.fullmatch(written):
        parts = [written.replace(",", "."), *re.findall(r"\d+", written)]
        readings += [_float(p) * s for p in parts for s in {scale, 1.0}]
    return [Value(kind, n, start, end, month=month) for n in dict.fromkeys(readings)]


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
        if match and match[1] in _MONTHS and match[1] != "mar":
            return _MONTHS[match[1]]
    return 0


class Supply:
    """The values that a source offers, to ask whether a statement's value is among them."""

    def __init__(self, texts: list[str]):
        found = [v for text in texts for v in values(text, source=True)]
        self.times = {(v.number, v.half) for v in found if v.kind == "time"}
        self.minutes = {v.number for v in found if v.kind == "time"}
        self.numbers = {v.number for v in found if v.kind not in ("time", "weekday")}
        self.weekdays = {v.number for v in found if v.kind == "weekday"}
        self.months = {v.month for v in found if v.month} | {
            _MONTHS[w] for text in texts for w in _WORD.findall(fold(text)) if w in _MONTHS
        }

    def has(self, value: Value) -> bool:
        """Whether the source offers this value, in whatever form."""
        if value.kind == "time":
            return self._has_time(value)
        if value.kind == "weekday":
            return value.number in self.weekdays
        if value.kind == "date" and value.month and self.months and value.month not in self.months:
            return False
        if value.number in self.numbers:
            return True
        return value.number in self._from_times

    @cached_property
    def _from_times(self) -> set[float]:
        """Numbers that say a time of the source: 7 or 19 for 19:00, 730 or 1930 for 7:30."""
        hours = {h for m in self.minutes for h in (m / 60 or 12, m / 60 + 12)}
        clocks = {(m // 60 + noon, m % 60) for m in self.minutes for noon in (0, 12)}
        return hours | {100 * (h or 12) + m for h, m in clocks}

    def _has_time(self, value: Value) -> bool:
        halves = {half for minutes, half in self.times if minutes == value.number}
        if halves:
            return not value.half or "" in halves or value.half in halves
        hour, minute = divmod(int(value.number), 60)
        bare = {hour or 12, hour + 12, hour}
        if not minute and bare & self.numbers:
            return True
        packed = {100 * h + minute for h in bare} | {round(h + minute / 100, 2) for h in bare}
        return bool(packed & self.numbers)
