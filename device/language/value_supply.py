"""What values a source offers, and whether a statement's value is one of them."""

from __future__ import annotations

from functools import cached_property

from device.language.value_words import MONTHS
from device.language.values import WORD, Value, fold, values


class Supply:
    """The values that a source offers, to ask whether a statement's value is among them."""

    def __init__(self, texts: list[str]):
        found = [v for text in texts for v in values(text, source=True)]
        self.times = {(v.number, v.half) for v in found if v.kind == "time"}
        self.minutes = {v.number for v in found if v.kind == "time"}
        self.numbers = {v.number for v in found if v.kind not in ("time", "weekday")}
        self.ordinals = {v.number for v in found if v.kind in ("number", "amount", "date")}
        self.currencies: dict[float, set[str]] = {}
        for value in found:
            if value.kind in ("number", "amount", "word"):
                self.currencies.setdefault(value.number, set()).add(value.currency)
        self.weekdays = {v.number for v in found if v.kind == "weekday"}
        self.months = {v.month for v in found if v.month} | {
            MONTHS[w] for text in texts for w in WORD.findall(fold(text)) if w in MONTHS
        }

    def has(self, value: Value) -> bool:
        """Whether the source offers this value, in whatever form."""
        if value.kind == "time":
            return self._has_time(value)
        if value.kind == "weekday":
            return value.number in self.weekdays
        if value.kind == "date" and value.month and self.months and value.month not in self.months:
            return False
        if value.kind == "date" and not value.month:
            return value.number in self.ordinals  # "which one" is no "1st"
        return self._has_currency(value) and (
            value.number in self.numbers or value.number in self._from_times
        )

    def _has_currency(self, value: Value) -> bool:
        """Whether the source may mean this currency: it says so, or says the bare number only.

        A number without its currency is one in whichever the thread uses elsewhere.
        """
        if not value.currency:
            return True
        here = self.currencies.get(value.number, set())
        everywhere = set().union(*self.currencies.values()) - {""}
        return value.currency in here or (
            (not here or "" in here) and (not everywhere or value.currency in everywhere)
        )

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
        bare = {hour or 12, hour + 12}
        if not minute and bare & self.numbers:
            return True
        packed = {100 * h + minute for h in bare} | {round(h + minute / 100, 2) for h in bare}
        return bool(packed & self.numbers)
