"""The sender's own words, shortened: what stands where no line of the model's may.

The sentences that say most, as many as there is room for, in the order they were written. Which
these are the model points out, where it was asked: those that share most words with its own
line. That may say false things of the right sentences, and the sentences are true
(docs/decisions/0009-pointing.md has the figures).

Where it wasn't asked, a question weighs one, a time, day or number one, a sign of a change 0.3,
length up to one. Either way a time or day that is corrected later stands only where nothing else
does.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from device.language.clauses import called, cast_of, members, sentences
from device.language.values import fold, values
from device.language.words import asks, corrects, words
from device.messages import GLANCE_CHARS, Line, Message, Thread
from device.text import neutralise

SUMMARY_CHARS = 200
FULL = 50
"""Characters from which on a sentence is no weightier for being longer."""
LEAST = 0.2
"""A sentence that weighs less ("Yes.") stands only where all do."""
LEAST_LIKE = 0.2
"""Mean F1 of the words that a sentence and what points at it share, for it to be meant."""
LEFT_OUT, NEXT = " … ", " / "
"""Between two sentences: something was left out; the next message begins."""

CUE = 1
"""Sentences by which "no sorry" may precede what is right."""
_WHEN = ("time", "weekday", "date")
_CLAUSE = re.compile(r"(?<=[,;:])\s+|\s+[-–—]\s+|\s+(?=(?:but|and|so|pero|y|aur|lekin)\s)")
_SPACE = re.compile(r"\s+")
_BINDS = re.compile(
    r"\b(?:if|unless|when|once|until|till|before|after|except|without|not|no|never|nobody|says?|said"
    r"|si|cuando|sin|nunca|agar|jab|mat|nahi|na)\b|n't\b"
)
"""Words that what follows hangs on: without them it says something else."""
_GROUPS = re.compile(r"[+(]?\d[\d ()-]*$")
_GROUP_NEXT = re.compile(r"[ -]\d")
"""A number written in groups ("0161 496 0733") at a text's end, and its next group."""
_LEAST_PART = 8
"""Characters of a sentence's end that can stand alone."""
_CHANGES = re.compile(
    r"\b(?:not|no|now|instead|moved|changed?|cancel\w*|late|new|sorry|but|please|need|can you)\b"
    r"|n't\b"
)


def shorten(text: str, chars: int) -> str:
    """`text` in at most `chars` characters, marked with "…": cut at a word boundary, or, where that
    would lose more than half of them, in a word. A number in groups is whole or not there.

    >>> shorten("Please call the office on 0161 496 0733", 34)
    'Please call the office on…'
    """
    if len(text) <= chars:
        return text
    head = text[: chars - 1]
    whole = head.rpartition(" ")[0]
    kept = whole if 2 * len(whole) > chars else head
    if _GROUP_NEXT.match(text, len(kept)) and 2 * len(bare := _GROUPS.sub("", kept)) > chars:
        kept = bare
    return kept.rstrip(" ,;:-/") + "…"


@dataclass(frozen=True, slots=True, order=True)
class _Sentence:
    """One sentence and where it stands."""

    message: int
    number: int
    sender: str
    text: str
    is_last: bool
    """Whether its message ends with it."""
    is_cut: bool = False
    """Whether its beginning is left out."""

    @property
    def begins(self) -> bool:
        """Whether its message begins with it."""
        return self.number == 0 and not self.is_cut

    def precedes(self, other: _Sentence) -> bool:
        """Whether nothing stands between the two."""
        if self.message == other.message:
            return self.number + 1 == other.number and not other.is_cut
        return self.is_last and other.message == self.message + 1 and other.begins

    def ends(self, chars: int) -> Iterator[_Sentence]:
        """The sentence from each of its later clauses on, and, where it is too long to be told in
        `chars` characters, as much of its end as fits; none that hangs on what stands before."""
        starts = [match.span() for match in _CLAUSE.finditer(self.text)]
        if (over := len(_told([self])) + len("…") - chars) > 0:
            starts += [m.span() for m in _SPACE.finditer(self.text) if m.end() >= over][:1]
        for end, start in starts:
            before, after = self.text[:end], self.text[start:]
            if len(after) >= _LEAST_PART and not _BINDS.search(fold(before)):
                yield replace(self, text=after, is_cut=True)


def _sentences(messages: Iterable[Message], me: str) -> list[_Sentence]:
    """What was said, sentence by sentence; the wearer is "You"."""
    found = []
    for i, message in enumerate(messages):
        sender = "You" if message.sender == me else shorten(neutralise(message.sender), 20)
        said = sentences(neutralise(message.text).strip() or "[empty message]")
        found += [_Sentence(i, n, sender, s, n == len(said) - 1) for n, s in enumerate(said)]
    return found


def _outdated(said: Sequence[_Sentence]) -> set[_Sentence]:
    """Those with a time or day that is corrected later."""
    found: set[_Sentence] = set()
    corrected: set[tuple[str, float]] = set()
    cues = [corrects(fold(sentence.text)) for sentence in said]
    for i in reversed(range(len(said))):
        when = {(v.kind, v.number) for v in values(said[i].text) if v.kind in _WHEN}
        if any(kind == k and number != n for kind, number in when for k, n in corrected):
            found.add(said[i])
        if any(cues[max(0, i - CUE) : i + 1]):
            corrected |= when
    return found


def _weight(sentence: _Sentence, outdated: Container[_Sentence]) -> float:
    """How much a sentence says."""
    text = sentence.text
    dated = any(v.kind != "word" for v in values(text))  # "two weeks" is no news
    changes = bool(_CHANGES.search(fold(text)))
    known = -1 if sentence in outdated else dated
    return ("?" in text) + known + 0.3 * changes + min(len(text), FULL) / FULL


def _told(sentences: Sequence[_Sentence]) -> str:
    """'Ben: "…one. Another. / the next message …" Cleo: "…"', with what is left out marked."""
    first, last = sentences[0], sentences[-1]
    told = f'{first.sender}: "{"" if first.begins else "…"}{first.text}'
    for before, after in pairwise(sentences):
        if before.sender != after.sender:
            told += f'" {after.sender}: "{"" if after.begins else "…"}'
        elif not before.precedes(after):
            told += LEFT_OUT
        else:
            told += " " if before.message == after.message else NEXT
        told += after.text
    ends = last.is_last or last.text[-1] in ".!?…"
    return f'{told}{"" if ends else "…"}"'


def _fitted(told: str, chars: int) -> str:
    """What was told, cut at a word boundary where it is too long, its last quote closed."""
    return told if len(told) <= chars else f'{shorten(told.rstrip(chr(34)), chars - 1)}"'


def _weightiest(weights: Mapping[_Sentence, float], chars: int) -> list[_Sentence]:
    """The weightiest sentence, and as many of the next as fit."""
    chosen: list[_Sentence] = []
    for sentence in sorted(weights, key=weights.__getitem__, reverse=True):
        more = sorted([*chosen, sentence])
        if not chosen or (len(_told(more)) <= chars and weights[sentence] >= LEAST):
            chosen = more
    return chosen


def _pointed_at(
    said: Sequence[_Sentence],
    chars: int,
    pointers: Sequence[str],
    firsts: Sequence[_Sentence] = (),
) -> list[_Sentence]:
    """The sentence, or its end, most like `pointers`, and as many more as make it liker and fit.

    It is one of `firsts`, where there are any. Empty where they are like nothing that was said.
    """
    bags = [Counter(words(pointer)) for pointer in pointers]

    def like(sentences: Sequence[_Sentence]) -> float:
        bag = Counter(words(_fitted(_told(sentences), chars)))
        return sum(_word_f1(bag, other) for other in bags) / len(bags)

    parts = (part for s in firsts or said for part in (s, *s.ends(chars)))
    first = max(parts, key=lambda part: like([part]))
    chosen, best = [first], like([first])
    if best < LEAST_LIKE:
        return []
    left = [s for s in said if (s.message, s.number) != (first.message, first.number)]
    while fit := [more for s in left if len(_told(more := sorted([*chosen, s]))) <= chars]:
        liker = max(fit, key=like)
        if (found := like(liker)) <= best:
            break
        chosen, best = liker, found
        left = [s for s in left if s not in chosen]
    return chosen


def _word_f1(one: Counter[str], other: Counter[str]) -> float:
    """Twice what two bags of words share, over all they hold; two empty ones are equal.

    >>> _word_f1(Counter(["3", "chairs"]), Counter(["3", "tables"]))
    0.5
    """
    size = one.total() + other.total()
    return 2 * (one & other).total() / size if size else 1.0


def quote(messages: Iterable[Message], me: str, chars: int, pointers: Sequence[str] = ()) -> str:
    """What was said that says most, in at most `chars` characters: 'Ben: "their words…"'.

    `pointers` are texts about the messages, true or not. At least one sentence is always there, cut
    at a word boundary where it is too long.
    """
    said = _sentences(messages, me)
    if len(_told(said)) <= chars:
        return _told(said)
    outdated = _outdated(said)
    weights = {sentence: _weight(sentence, outdated) for sentence in said}
    chosen: list[_Sentence] = []
    if pointers:
        open_ = [s for s in said if s not in outdated and weights[s] >= LEAST]
        chosen = _pointed_at(open_ or said, chars, pointers)
    return _fitted(_told(chosen or _weightiest(weights, chars)), chars)


def _new(thread: Thread) -> tuple[Message, ...]:
    """What is told of: the news, or, where there is none, the last message."""
    return thread.news or thread.messages[-1:]


def fits_whole(thread: Thread, chars: int) -> bool:
    """Whether all that is new stands, word for word, in `chars` characters.

    No line about it is truer, or sooner there.
    """
    return len(_told(_sentences(_new(thread), thread.me))) <= chars


def quoted_glance(thread: Thread, pointers: Sequence[str] = ()) -> Line:
    """What the new messages say most weightily, as a glance; `pointers` as for `quote`."""
    return Line(quote(_new(thread), thread.me, GLANCE_CHARS, pointers), "quote")


WARNING = "Likely scam: "
"""The words that a person most often opened such a glance with."""


def warned_glance(thread: Thread) -> Line:
    """A warning before the sender's own words.

    A line of the model's, since no sender calls themselves a fraud.
    """
    room = GLANCE_CHARS - len(WARNING)
    return Line(WARNING + quote(_new(thread), thread.me, room), "model")


def quoted_summary(thread: Thread, pointers: Sequence[str] = ()) -> Line:
    """What the new messages say most weightily, at a summary's length."""
    return Line(quote(_new(thread), thread.me, SUMMARY_CHARS, pointers), "quote")


def quoted_ask(thread: Thread, pointers: Sequence[str] = ()) -> Line | None:
    """What somebody else asks in the news, and what belongs to it; None where nobody asks the
    wearer anything.

    `pointers` are texts of what is asked: with them a request needs no question mark. Without any,
    the last question is taken. Who calls another by name asks that one.
    """
    news = thread.news
    if thread.is_answered or not news:
        return None
    said = _sentences(news, thread.me)
    outdated = _outdated(said)
    names = members(thread)
    cast = cast_of(names)

    def is_for(sentence: _Sentence) -> bool:
        """Whether it may ask the wearer."""
        whom = called(sentence.text, cast) - {names.index(news[sentence.message].sender)}
        return not whom or 0 in whom

    open_ = [s for s in said if s not in outdated] or said
    asking = [s for s in open_ if "?" in s.text or (pointers and asks(fold(s.text)))]
    for_wearer = [s for s in asking if is_for(s)]
    if asking and not for_wearer:
        return None
    chosen = for_wearer[-1:]
    if pointers:
        chosen = _pointed_at(open_, SUMMARY_CHARS, pointers, for_wearer) or chosen or open_[-1:]
    return Line(_fitted(_told(chosen), SUMMARY_CHARS), "quote") if chosen else None
