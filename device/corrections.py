"""Which messages put what they say in the place of what was said before.

    "dinner at 7"  "can't, make it half 8?"  "ok half 8 then"    the last two do

A message corrects by its own words ("make it", "moved to", "not 10"), or it agrees to a correction
by giving the same value. What it says must go on from the question: "the dentist is at 9 now"
changes no dinner.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from device.language.question import Question, fits_kind, likeness
from device.language.triage import only_nods
from device.language.value_words import WEEKDAYS, WORDS
from device.language.values import fold, values
from device.language.words import STOP, content, corrects, words
from device.messages import Message, Thread

BEFORE = 3
"""Messages back that a message may go on from, or agree to."""
SHORT = 4
"""Words that tell something, in a message that has no subject of its own, at most."""
_CLAUSE = re.compile(r"[.,;!?]+(?:\s|$)|\s-+\s")
_COMMON = """
    leave go come start begin arrive get take meet bring put give make do need want have eat pay
    ask call look see think know live cost work stay be use buy
"""
VERBS = frozenset(_COMMON.split())
"""Verbs that many sentences have."""


def replaces(messages: Sequence[Message], i: int, question: Question) -> bool:
    """Whether message `i` puts its value in the place of one before it, as far as that `question`
    goes."""
    text = messages[i].text
    if _corrects(messages, i, question):
        return True
    given = _values(text)
    return "?" not in text and any(
        given & _values(messages[at].text) and _corrects(messages, at, question)
        for at in range(max(0, i - BEFORE), i)
    )


def may_replace(messages: Sequence[Message], i: int, question: Question) -> bool:
    """The same in one clause of a message that says more beside it, which is less sure."""
    clauses = (part for part in _CLAUSE.split(fold(messages[i].text)) if corrects(part))
    return any(fits_kind(question.wants, c) and _goes_on(messages, i, question, c) for c in clauses)


def was_agreed(messages: Sequence[Message], i: int) -> bool:
    """Whether somebody else's next message only nods to it."""
    if i + 1 == len(messages) or messages[i + 1].sender == messages[i].sender:
        return False
    after = messages[i + 1]
    return only_nods(Thread("", "", (after,))) and words(after.text)[:1] != ["no"]


def _corrects(messages: Sequence[Message], i: int, question: Question) -> bool:
    """Whether it corrects by its own words, and the subject is the question's or an earlier
    message's that has to do with it."""
    text = fold(messages[i].text)
    if not corrects(text):
        return False
    if _shares(question, text):
        return True
    return len(content(words(text))) <= SHORT and _goes_on(messages, i, question, text)


def _goes_on(messages: Sequence[Message], i: int, question: Question, folded: str) -> bool:
    """Whether what such words speak of is left unsaid, or is an earlier message's that has to do
    with the question."""
    subject = _subject(folded)
    about = [words(m.text) for m in messages[:i] if _shares(question, fold(m.text))]
    return not subject or any(subject & set(content(said)) for said in about)


def _shares(question: Question, folded: str) -> bool:
    return any(
        likeness(asked, said)
        for asked in question.about
        for said in words(folded)
        if said not in WEEKDAYS
    )


def _subject(folded: str) -> set[str]:
    """What stands before the words that correct, in their clause: "ferry" in "ok, ferry: make it
    6:30"."""
    clause = next(part for part in (*_CLAUSE.split(folded), folded) if corrects(part))
    said = clause.split()
    cue = next(n for n in range(1, len(said) + 1) if corrects(" ".join(said[:n])))
    before = [w for w in words(" ".join(said[:cue])) if w not in WORDS and w not in WEEKDAYS]
    # "let's make it 8" and "we'd make it 8" have no subject.
    told = [w for w in before if not corrects(w) and w.partition("'")[0] not in STOP]
    return {w for w in content(told) if w not in VERBS}


def _values(text: str) -> set[tuple[str, float]]:
    return {(value.kind, value.number) for value in values(text)}
