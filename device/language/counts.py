"""How many of what: is a number bound to the noun that the thread binds it to?

"2 kg of rice and 5 of flour" says 2 of rice and 5 of flour. A statement that counts the rice by the
flour's number, or by one that the thread doesn't have, is false although every word of it is there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from device.language.clauses import Index
from device.language.value_words import CURRENCIES, FOREIGN, WORDS
from device.language.values import Value, fold, values
from device.language.verdict import Reason
from device.language.words import STOP, WORD, corrects, stem

NOUNS = 3
"""So many words behind a number may say what is counted: "2 large red apples"."""
_MEASURE = """
    kg kilo kilos g gram grams l litre litres liter liters ml lb lbs x of the more extra other big
    small large box boxes bag bags bottle bottles pack packs packet packets cup cups tin tins jar
    jars slice slices pair pairs piece pieces bucks pesos percent total
"""
_MEASURES = frozenset(_MEASURE.split())
"""Words between a number and what it counts; they are said of rice and flour alike."""
_END = """
    before after until till since ago later away left each per min mins minute minutes am pm
"""
_ENDS = frozenset(_END.split())
"""Words behind a number that nothing is counted by."""
_VAGUE = frozenset(("one", "half", "quarter", "once", "twice", "single", "both", "pair", "couple"))
"""Number words that count nothing in a statement, though a thread may mean a number by them."""

Counted = tuple[float, frozenset[str]]
"""A number and the stems of what it counts; none where that isn't said."""


def miscounted(text: str, index: Index) -> Iterator[Reason]:
    """Numbers that count something else in the thread, or of which it has another number."""
    folded = fold(text)
    said = [(v, nouns) for v, (_, nouns) in _counted(folded, values(text)) if nouns]
    if not said:
        return
    there = [
        (number, nouns, corrects(clause.folded))
        for clause in index.clauses
        for _, (number, nouns) in _counted(clause.folded, clause.found)
    ]
    for value, nouns in said:
        written = text[value.start : value.end]
        if fold(written) in _VAGUE:
            continue
        other = [n for n, counted, _ in there if n != value.number and counted & nouns]
        own = [(counted, new) for n, counted, new in there if n == value.number]
        elsewhere = all(counted and not counted & nouns and not new for counted, new in own)
        if other and elsewhere and (own or value.kind == "word"):
            said_so = f"The thread gives another number for this than {written}."
            yield Reason("number", written, said_so)


def _counted(folded: str, found: Sequence[Value]) -> Iterator[tuple[Value, Counted]]:
    """Each number that is no time's."""
    hours = [(v.start, v.end) for v in found if v.kind == "time"]
    for value in found:
        of_time = any(start < value.end and value.start < end for start, end in hours)
        if value.kind in ("number", "amount", "word") and not of_time:
            yield value, (value.number, frozenset(_nouns(folded, value.end)))


def _nouns(folded: str, start: int) -> list[str]:
    """The stems of the words behind a number, as far as they can belong to it."""
    nouns: list[str] = []
    for match in WORD.finditer(folded, start):
        word = match[0]
        if folded[start : match.start()].strip() or len(nouns) == NOUNS:
            break  # a sign stands between
        start = match.end()
        if word in _MEASURES or word in CURRENCIES:
            continue
        if word in _ENDS or word in STOP or word in WORDS or word in FOREIGN:
            break
        nouns.append(stem(word))
    return nouns
