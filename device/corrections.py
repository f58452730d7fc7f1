"""Which messages put what they say in the place of what was said before.

    "dinner at 7"  "can't, make it half 8?"  "ok half 8 then"    the last two do

A message corrects by its own words ("make it", "moved to", "not 10"), or it agrees to a correction
by giving the same value. What it says must go on from the question: "the dentist is at 9 now"
changes no dinner, and a bare "make it 8" only what the last message with such a value was about.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from device.language.question import Question, fits_kind, likeness
from device.language.triage import only_nods
from device.language.value_words import WEEKDAYS, WORDS
from device.language.values import fold, values
from device.language.words import STOP, content, corrects, words
from device.messages import Message, Thread

BEFORE = 3
"""Messages back that a message may go on from, or agree to."""
SURE = 0.95
"""A sum or count has to be one as surely as this to take another one's place."""
SHORT = 4
"""Words that tell something, in a message that has no subject of its own, at most."""
_SUGGESTS = re.compile(
    r"\bchange of plans?\b|\blet'?s (?:say|do|go (?:with|for)|meet) (?:at |on )?"
    rf"(?:\d|(?:{'|'.join([*WORDS, *WEEKDAYS])})\b)"
)
"""Puts a time in another one's place where one was given; by itself it corrects nothing."""
_OFF = re.compile(
    r"\b(?:(?:is|are|was|got|been) )?(?:cancell?ed|called off|scrapped)\b"
    r"|(?:\b(?:is|are|was)|'s) off\b(?! (?:to|limits|sick|work|the)\b)"
    r"|\b(?:is )?(?:not|isn't) happening\b"
)
_DOUBTS = frozenset(
    ["if", "unless", "not", "never", "nearly", "almost", "be", "can", "could", "may", "might"]
)
"""Behind such words nothing is called off."""
_OTHERS = frozenset(["he", "she", "they", "i"])
"""Who cancelled something of their own, where it isn't said what."""
_DECLINES = frozenset(["can't", "cannot", "cant", "no", "not", "won't", "don't"])
"""In what sets no value: "can't before 6"."""
_TIMED = re.compile(r"\b(?:at|by|until|till|from|around|before|after) \d")
_BESIDE_OFF = WEEKDAYS.keys() | {
    "today", "tonight", "tomorrow", "week", "weekend", "all", "everybody", "everyone", "folks",
    "guys", "sorry", "again", "unfortunately", "sadly",
}  # fmt: skip
"""What may stand beside "cancelled" without being what was cancelled."""
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
        self._question = question
        self._folded = [fold(message.text) for message in messages]
        self._words = [words(text) for text in self._folded]
        self._values = [_values(message.text) for message in messages]
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
        clauses = (part for part in _CLAUSE.split(self._folded[i]) if self._cues(part))
        return any(self._gives(part) and self._goes_on(i, part, likely=True) for part in clauses)

    def calls_off(self, i: int) -> bool:
        """Whether it says of the question's subject that it won't be, or of nothing else right
        behind a message about it."""
        return "?" not in self._folded[i] and any(
            self._is_off(i, part) for part in _CLAUSE.split(self._folded[i])
        )

    def _gives(self, folded: str) -> bool:
        """Whether there is a value such as another one may take the place of: what is wanted, any
        number where it is left open what ("which platform"), or a time too ("what did Tom say")."""
        wants = self._question.wants
        if wants in ("how much", "how many"):
            return fits_kind(wants, folded) >= SURE
        if wants == "what":
            told = self._question.of_words and fits_kind("when", folded)
            return bool(told or fits_kind("how many", folded))
        return wants != "who" and fits_kind(wants, folded) > 0

    def _corrects(self, i: int) -> bool:
        """Whether it corrects by its own words, and the subject is the question's or an earlier
        message's that has to do with it."""
        if not self._cues(self._folded[i]):
            return False
        short = len(content(self._words[i])) <= SHORT
        return self._shares(self._words[i]) or (short and self._goes_on(i, self._folded[i]))

    def _is_off(self, i: int, clause: str) -> bool:
        """The same of one clause: whether all that it calls off is the question's, not by a name
        alone (Ben's party is another matter than Ben's number)."""
        if not (found := _OFF.search(clause)):
            return False
        before = words(clause[: found.start()])
        if any(word in _DOUBTS or word.endswith("n't") for word in before):
            return False
        after = [word for word in words(clause[found.end() :]) if word not in STOP]
        has_object = found[0].startswith(("cancel", "called", "scrap"))  # "Tom cancelled yoga"
        if has_object and not _BESIDE_OFF.issuperset(after):
            told = after[:1]
        else:
            told = [word for word in _telling(before, frozenset()) if word not in _BESIDE_OFF]
        if told:
            ours = all(self._shares([word]) for word in told)
            return ours and not self._question.names.issuperset(told)
        bare = _OTHERS.isdisjoint(word.partition("'")[0] for word in before)
        return bare and i > 0 and self._about[i - 1] and "?" not in self._folded[i - 1]

    def _goes_on(self, i: int, folded: str, likely: bool = False) -> bool:
        """Whether what such words of message `i` speak of is an earlier message's that has to do
        with the question; where they leave it unsaid, the last one's that has a value. `likely`:
        a bare number is a time rather than a count."""
        if subject := self._subject(folded):
            about = (said for said in self._words[:i] if self._shares(said))
            return any(subject & set(content(said)) for said in about)
        # A clock time can only be for another one, a bare number for any value. Who declines or
        # counts in passing ("can't before 6", "one sec") says nothing new of what it is for.
        clock = likely or any(value.kind == "time" for value in values(folded))
        own = {"time", "date", "weekday", *(["amount"] if likely else [])}
        spoken_of = (
            at
            for at in reversed(range(i))
            if self._values[at]
            and (not clock or self._about[at] or self._is_timed(at, own))
            and _DECLINES.isdisjoint(self._words[at])
        )
        return next((self._about[at] for at in spoken_of), False)

    def _is_timed(self, i: int, kinds: set[str]) -> bool:
        """Whether message `i` gives a value of these kinds, or a number that "at" makes a time."""
        found = {value.kind for value in values(self._folded[i])}
        return bool(found & kinds or _TIMED.search(self._folded[i]))

    def _cues(self, folded: str) -> bool:
        """Whether a folded clause plainly replaces something, where something was said before."""
        suggests = self._question.wants == "when" or self._question.of_words
        return corrects(folded) or (suggests and bool(_SUGGESTS.search(folded)))

    def _subject(self, folded: str) -> set[str]:
        """What stands before the words that correct, in their clause: "ferry" in "ok, ferry: make
        it 6:30"."""
        clause = next(part for part in (*_CLAUSE.split(folded), folded) if self._cues(part))
        said = clause.split()
        end = next(n for n in range(1, len(said) + 1) if self._cues(" ".join(said[:n])))
        start = next(n for n in reversed(range(end)) if self._cues(" ".join(said[n:end])))
        return set(_telling(words(" ".join(said[:start]))))

    def _is_about(self, i: int) -> bool:
        """By its words, as the answer to a message with them, as a change of one that is, or by
        giving the same value ("can't do seven")."""
        text = self._folded[i]
        asked = self._words[i - 1] if i and "?" in self._folded[i - 1] else []
        if self._shares([*self._words[i], *asked], days=True):
            return True
        if self._cues(text) and self._goes_on(i, text):
            return True
        near = range(max(0, i - BEFORE), i)
        return any(self._values[i] & self._values[at] and self._about[at] for at in near)

    def _shares(self, said: Iterable[str], days: bool = False) -> bool:
        """Whether a word of the question is said; the name of a day tells no subject, only what
        another value may be for."""
        return any(
            likeness(asked, word)
            for word in said
            if days or word not in WEEKDAYS
            for asked in self._question.about
        )


def was_agreed(messages: Sequence[Message], i: int) -> bool:
    """Whether somebody else's next message only nods to it."""
    if i + 1 == len(messages) or messages[i + 1].sender == messages[i].sender:
        return False
    after = messages[i + 1]
    return only_nods(Thread("", "", (after,))) and words(after.text)[:1] != ["no"]


def _telling(said: Iterable[str], without: frozenset[str] = VERBS) -> list[str]:
    """Those words that may be a subject: "let's make it 8" and "it's 8 now" have none. `without`
    are told apart as canonical stems, by which "phone" is a "call"."""
    bare = (word.removesuffix("'s") for word in said)
    told = [
        word
        for word in bare
        if word not in WORDS and word not in WEEKDAYS and word.partition("'")[0] not in STOP
    ]
    return [word for word in content(told) if word not in without]


def _values(text: str) -> set[tuple[str, float]]:
    """What values it gives, times in hours: "can't do seven" is about 7:00."""
    kinds = {"time": "number", "word": "number", "amount": "number"}
    return {
        (kinds.get(v.kind, v.kind), v.number / 60 if v.kind == "time" else v.number)
        for v in values(text)
        if fold(text[v.start : v.end]) != "one"
    }
