"""Is each value of a statement bound to the words, and the state of things, that the thread says?

A false value mostly stands in the thread too. So for every value: does another one fit the words
around it better, is it named only as what no longer holds ("10, not 3"), was it replaced later?
"""

from __future__ import annotations

import math
import re

from device.language.clauses import ENDS, Aim, Clause, Index, aim
from device.language.value_words import ORDINALS
from device.language.values import Value, fold, values
from device.language.words import content, corrects, is_newest, stem, words

MOST_VALUES = 24
"""So many values of a statement are weighed; a sentence has fewer."""


def weigh_values(statement: str, whole: Aim, index: Index, found: dict[str, float]) -> None:
    """Is each value bound to the words that the statement binds it to, or is another one?"""
    said = [v for v in values(statement) if not _is_article(v, statement)]
    folded = whole.folded
    for match in re.finditer(r"\b(?:" + "|".join(ORDINALS) + r")\b", folded):
        said.append(Value("word", ORDINALS[match[0]], match.start(), match.end()))
    del said[MOST_VALUES:]
    there = [(clause, v) for clause in index.clauses for v in clause.found]
    others = [(clause, v) for clause, v in there if not any(_same(s, v) for s in said)]
    spread = []
    for value in said:
        if _is_denied(folded, value):
            continue
        here = list({c.order: c for c, v in there if _same(value, v)}.values())
        if not here:
            found["unknown_word_value"] += value.kind == "word" and value.number > 0.9
            continue
        context = aim(_around(statement, value), index)
        rivals = [(clause, v) for clause, v in others if _rival(value, v)]
        mine = max(context.weights[c.order] for c in here)
        if rivals and value.kind in ("time", "weekday", "date"):
            _weigh_newest(value, here, rivals, found)
        if rivals:
            theirs = max(context.weights[c.order] for c, _ in rivals)
            spread.append(mine - theirs)
        last_denied = [_is_denied(here[-1].folded, v) for v in here[-1].found if _same(value, v)]
        found["rejected"] = max(found["rejected"], float(all(last_denied)))
        if is_newest(here[-1].folded) and not any(last_denied):
            found["preferred"] = 1.0
    found["bind"] = min(spread, default=0.0)
    found["unknown_word_value"] = min(2.0, found["unknown_word_value"])


def _weigh_newest(
    value: Value, here: list[Clause], rivals: list[tuple[Clause, Value]], found: dict[str, float]
) -> None:
    """Was the value put in another one's place later, or is it the last of its sort?

    A correction seldom repeats what it is about ("make it 8:30"), so no shared word is asked for.
    """
    held = [
        c.order for c in here
        if any(_same(value, v) and not _is_denied(c.folded, v) for v in c.found)
    ]  # fmt: skip
    last = max(held, default=-1)
    standing = [(c, v) for c, v in rivals if not _is_denied(c.folded, v)]
    later = [c for c, _ in standing if c.order > last]
    if any(corrects(c.folded) for c in later):
        found["superseded"] = 1.0
    if not later and last >= 0:
        found["newest"] = 1.0


_DROPPED = re.compile(
    r"\b(?:not|instead of|rather than|no longer|used to be|i said|(?<!n't )forget|no more)"
    r"(?: the| a| an| at| on| in| to| my| your)* ([a-z][\w-]+)"
)


def rejected_words(whole: Aim, index: Index) -> float:
    """Words that the statement affirms and the thread names only as what doesn't hold."""
    dropped: set[str] = set()
    kept: set[str] = set()
    for clause in index.clauses:
        names = {stem(m[1]) for m in _DROPPED.finditer(clause.folded)}
        dropped |= names
        kept |= clause.stems - names
    denied = {stem(m[1]) for m in _DROPPED.finditer(whole.folded)}
    return float(bool((dropped - kept - denied) & set(whole.stems)))


def _is_article(value: Value, text: str) -> bool:
    written = fold(text[value.start : value.end])
    return value.kind == "word" and written in ("one", "half", "single", "both", "once", "quarter")


def _around(text: str, value: Value) -> str:
    """The clause of the statement that a value stands in, without the value."""
    cuts = [0, *(m.start() for m in ENDS.finditer(text)), len(text)]
    start = max(c for c in cuts if c <= value.start)
    end = min(c for c in cuts if c >= value.end)
    piece = f"{text[start : value.start]} {text[value.end : end]}"
    return piece if len(content(words(piece))) > 1 else f"{text[: value.start]} {text[value.end :]}"


_DENIED = re.compile(
    r"\b(?:not|instead of|rather than|no longer|nahi|i said|was|moved from|changed from"
    r"|no(?= (?:el|la|las|a las?|al)\b))(?: at| on| in| the| a| el| la| las| al)*\s*$"
)


_BEFORE = 40
"""So many characters before a value may deny it."""
_GONE = re.compile(r"\s{,3}(?:is|'s)? ?(?:off|cancelled|gone|nahi)\b")


def _is_denied(folded: str, value: Value) -> bool:
    """Whether a value is named as what doesn't hold: "not 7", "instead of Friday"."""
    if _DENIED.search(folded, max(0, value.start - _BEFORE), value.start):
        return True
    return bool(_GONE.match(folded, value.end))


_CLOCKLIKE = ("time", "number", "word")


def _same(said: Value, there: Value) -> bool:
    if said.kind == "time" or there.kind == "time":
        if said.kind == there.kind:
            return said.number == there.number and not (
                said.half and there.half and said.half != there.half
            )
        clock, bare = (said, there) if said.kind == "time" else (there, said)
        return bare.kind in _CLOCKLIKE and bare.number * 60 % 720 == clock.number
    return (said.kind == "weekday") == (there.kind == "weekday") and said.number == there.number


def _rival(said: Value, there: Value) -> bool:
    """Whether a value of the thread could stand where the statement's stands."""
    if _same(said, there):
        return False
    if said.kind == "time":
        return there.kind == "time" or (there.kind in _CLOCKLIKE and 1 <= there.number <= 12)
    if said.kind == "weekday" or there.kind == "weekday":
        return said.kind == there.kind
    if there.kind == "time":
        return said.number <= 12 and there.number % 60 == 0
    if said.number <= 0 or there.number <= 0:
        return False
    return abs(math.log10(said.number / there.number)) < 1
