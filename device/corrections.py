"""Which messages put what they say in the place of what was said before.

    "dinner at 7"  "can't, make it half 8?"  "ok half 8 then"    the last two do

A message corrects by its own words ("make it", "moved to", "not 10"), or it agrees to a correction
by giving the same value. What it says must go on from the question: "the dentist is at 9 now"
changes no dinner, and a bare "make it 8" only what the last such value before it was given for.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import islice

from device.language.question import Question, Wants, fits_kind, likeness
from device.language.triage import only_nods
from device.language.value_words import WEEKDAYS, WORDS
from device.language.values import fold, values
from device.language.words import STOP, cancels, content, corrects, words
from device.messages import Message, Thread

BEFORE = 3
"""Messages back that a message may go on from, or agree to."""
SHORT = 4
"""Words that tell something, in a message that has no subject of its own, at most."""
_SUGGESTS = re.compile(
    r"\bchange of plans?\b|\blet'?s (?:say|do|go (?:with|for)|meet) (?:at )?"
    rf"(?:\d|(?:{'|'.join(WORDS)})\b)"
)
"""Puts a value in another one's place where one was given; by itself it corrects nothing."""
_CLAUSE = re.compile(r"[.,;!?]+(?:\s|$)|\s-+\s")
_COMMON = """
    leave go come start begin arrive get take meet bring put give make do need want have eat pay
    ask call look see think know live cost work stay be use buy
"""
VERBS = frozenset(_COMMON.split())
"""Verbs that many sentences have."""


class Course:
    """What became of what a question asks for, in the course of some messages."""

    def __init__(self, messages: Sequence[Message], question: Question):
        """`messages` of one conversation, oldest first."""
        self._messages = messages
        self._folded = [fold(message.text) for message in messages]
        self._values = [_values(message.text) for message in messages]
        self._question = question
        self._about: list[bool] = []
        """Of each message whether the value that it may give is the question's."""
        for i in range(len(messages)):
            self._about.append(self._is_about(i))

    def may_be_replaced(self, i: int) -> bool:
        """Whether message `i` gives a value that is the question's."""
        return self._about[i] and self._gives(self._folded[i])

    def replaces(self, i: int) -> bool:
        """Whether message `i` puts its value in the place of one before it."""
        text, near = self._folded[i], range(max(0, i - BEFORE), i)
        if not any(map(self._gives, (text, *_CLAUSE.split(text)))):
            return False
        agrees = (self._values[i] & self._values[at] and self._corrects(at) for at in near)
        return self._corrects(i) or ("?" not in text and any(agrees))

    def may_replace(self, i: int) -> bool:
        """The same in one clause of a message that says more beside it, which is less sure."""
        clauses = (part for part in _CLAUSE.split(self._folded[i]) if changes(part))
        return any(self._gives(part) and self._goes_on(i, part) for part in clauses)

    def calls_off(self, i: int) -> bool:
        """Whether it takes back what was to be, and puts nothing in its place."""
        clauses = (part for part in _CLAUSE.split(self._folded[i]) if cancels(part))
        return any(self._shares(part) or self._goes_on(i, part) for part in clauses)

    def _gives(self, folded: str) -> bool:
        """Whether there is a value such as another one may take the place of: what is wanted, any
        number where it is left open what ("which platform"), or a time too ("what did Tom say")."""
        wants = self._question.wants
        if wants == "who":
            return False
        if wants != "what":
            return fits_kind(wants, folded) > 0
        kinds: tuple[Wants, ...] = (
            ("how many", "when") if self._question.of_words else ("how many",)
        )
        return any(fits_kind(kind, folded) for kind in kinds)

    def _corrects(self, i: int) -> bool:
        """Whether it corrects by its own words, and the subject is the question's or an earlier
        message's that has to do with it."""
        text = self._folded[i]
        if not changes(text):
            return False
        return self._shares(text) or (len(content(words(text))) <= SHORT and self._goes_on(i, text))

    def _goes_on(self, i: int, folded: str) -> bool:
        """Whether what such words of message `i` speak of is an earlier message's that has to do
        with the question; where they leave it unsaid, the last one's that has such a value."""
        if subject := _subject(folded):
            about = (words(text) for text in self._folded[:i] if self._shares(text))
            return any(subject & set(content(said)) for said in about)
        valued = (at for at in reversed(range(i)) if self._gives(self._folded[at]))
        return any(self._about[at] for at in islice(valued, 1))

    def _is_about(self, i: int) -> bool:
        """By its words, as the answer to a message with them, as a change of one that is, or by
        giving the same value ("can't do seven")."""
        text, asked = self._folded[i], self._folded[i - 1] if i else ""
        if self._shares(text, days=True) or ("?" in asked and self._shares(asked, days=True)):
            return True
        if changes(text) and self._goes_on(i, text):
            return True
        near = range(max(0, i - BEFORE), i)
        return any(self._values[i] & self._values[at] and self._about[at] for at in near)

    def _shares(self, folded: str, days: bool = False) -> bool:
        """Whether a word of the question is said; the name of a day tells no subject, only what
        another value may be for."""
        return any(
            likeness(asked, said)
            for asked in self._question.about
            for said in words(folded)
            if days or said not in WEEKDAYS
        )


def was_agreed(messages: Sequence[Message], i: int) -> bool:
    """Whether somebody else's next message only nods to it."""
    if i + 1 == len(messages) or messages[i + 1].sender == messages[i].sender:
        return False
    after = messages[i + 1]
    return only_nods(Thread("", "", (after,))) and words(after.text)[:1] != ["no"]


def changes(folded: str) -> bool:
    """Whether a folded clause plainly replaces something, where something was said before."""
    return corrects(folded) or bool(_SUGGESTS.search(folded))


def _subject(folded: str) -> set[str]:
    """What stands before the words that correct, in their clause: "ferry" in "ok, ferry: make it
    6:30"."""
    clause = next(part for part in (*_CLAUSE.split(folded), folded) if _cue(part))
    said = clause.split()
    end = next(n for n in range(1, len(said) + 1) if _cue(" ".join(said[:n])))
    start = next(n for n in reversed(range(end)) if _cue(" ".join(said[n:end])))
    before = [w for w in words(" ".join(said[:start])) if w not in WORDS and w not in WEEKDAYS]
    # "let's make it 8" and "it's 8 now" have no subject.
    told = [w for w in before if not w[0].isdigit() and w.partition("'")[0] not in STOP]
    return {w for w in content(told) if w not in VERBS}


def _cue(folded: str) -> bool:
    return changes(folded) or cancels(folded)


def _values(text: str) -> set[float]:
    """What numbers it gives, times in hours: "can't do seven" is about 7:00."""
    return {v.number / 60 if v.kind == "time" else v.number for v in values(text)}
