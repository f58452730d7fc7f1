"""The sender's own words, shortened: what stands where no line of the model's may.

The sentences that say most, as many as there is room for, in the order they were written. A
question weighs one, a time, day or number one, a sign of a change 0.3, length up to one; a time or
day that is corrected later takes one off. (Weights fitted by regression to what people wrote about
GlanceChat's threads do no better.)
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from device.language.values import fold, values
from device.language.words import corrects
from device.messages import GLANCE_CHARS, Line, Message, Thread
from device.text import neutralise

SUMMARY_CHARS = 200
FULL = 50
"""Characters from which on a sentence is no weightier for being longer."""
LEAST = 0.2
"""A sentence that weighs less ("Yes.") stands only where all do."""
LEFT_OUT, NEXT = " … ", " / "
"""Between two sentences: something was left out; the next message begins."""

CUE = 1
"""Sentences by which "no sorry" may precede what is right."""
_WHEN = ("time", "weekday", "date")
_SENTENCE = re.compile(r"(?<=[.!?…])\s+")
_CHANGES = re.compile(
    r"\b(?:not|no|now|instead|moved|changed?|cancel\w*|late|new|sorry|but|please|need|can you)\b"
    r"|n't\b"
)


def shorten(text: str, chars: int) -> str:
    """`text` in at most `chars` characters, cut at a word boundary and marked with "…"."""
    if len(text) <= chars:
        return text
    head = text[: chars - 1]
    words = head.rsplit(" ", 1)[0] if " " in head else head
    return words.rstrip(" ,;:-/") + "…"


@dataclass(frozen=True, slots=True, order=True)
class _Sentence:
    """One sentence and where it stands."""

    message: int
    number: int
    sender: str
    text: str
    is_last: bool
    """Whether its message ends with it."""

    def precedes(self, other: _Sentence) -> bool:
        """Whether nothing stands between the two."""
        if self.message == other.message:
            return self.number + 1 == other.number
        return self.is_last and (other.message, other.number) == (self.message + 1, 0)


def _sentences(messages: Iterable[Message], me: str) -> list[_Sentence]:
    """What was said, sentence by sentence; the wearer is "You"."""
    found = []
    for i, message in enumerate(messages):
        sender = "You" if message.sender == me else shorten(neutralise(message.sender), 20)
        said = _SENTENCE.split(neutralise(message.text).strip() or "[empty message]")
        found += [_Sentence(i, n, sender, s, n == len(said) - 1) for n, s in enumerate(said)]
    return found


def _weigh(said: Sequence[_Sentence]) -> dict[_Sentence, float]:
    """How much each sentence says."""
    weights = {}
    corrected: set[tuple[str, float]] = set()
    cues = [corrects(fold(sentence.text)) for sentence in said]
    for i in reversed(range(len(said))):
        sentence, text = said[i], said[i].text
        found = [v for v in values(text) if v.kind != "word"]  # "two weeks" is no news
        when = {(v.kind, v.number) for v in found if v.kind in _WHEN}
        stale = any(kind == k and number != n for kind, number in when for k, n in corrected)
        dated = -1 if stale else bool(found)
        changes = bool(_CHANGES.search(fold(text)))
        weights[sentence] = ("?" in text) + dated + 0.3 * changes + min(len(text), FULL) / FULL
        if any(cues[max(0, i - CUE) : i + 1]):
            corrected |= when
    return weights


def _told(sentences: Sequence[_Sentence]) -> str:
    """'Ben: "…one. Another. / the next message …" Cleo: "…"', with what is left out marked."""
    first, last = sentences[0], sentences[-1]
    told = f'{first.sender}: "{"" if first.number == 0 else "…"}{first.text}'
    for before, after in pairwise(sentences):
        if before.sender != after.sender:
            told += f'" {after.sender}: "{"" if after.number == 0 else "…"}'
        elif not before.precedes(after):
            told += LEFT_OUT
        else:
            told += " " if before.message == after.message else NEXT
        told += after.text
    ends = last.is_last or last.text[-1] in ".!?…"
    return f'{told}{"" if ends else "…"}"'


def quote(messages: Iterable[Message], me: str, chars: int) -> str:
    """The weightiest sentences in at most `chars` characters, 'Ben: "their words…"'.

    The weightiest is always there, cut at a word boundary where it is too long.
    """
    said = _sentences(messages, me)
    if len(_told(said)) <= chars:
        return _told(said)
    weights = _weigh(said)
    chosen: list[_Sentence] = []
    for sentence in sorted(said, key=weights.__getitem__, reverse=True):
        more = sorted([*chosen, sentence])
        if not chosen or (len(_told(more)) <= chars and weights[sentence] >= LEAST):
            chosen = more
    told = _told(chosen)
    return told if len(told) <= chars else f'{shorten(told.rstrip(chr(34)), chars - 1)}"'


def _new(thread: Thread) -> tuple[Message, ...]:
    """What is told of: the news, or, where there is none, the last message."""
    return thread.news or thread.messages[-1:]


def fits_whole(thread: Thread, chars: int) -> bool:
    """Whether all that is new stands, word for word, in `chars` characters.

    No line about it is truer, or sooner there.
    """
    return len(_told(_sentences(_new(thread), thread.me))) <= chars


def quoted_glance(thread: Thread) -> Line:
    """What the new messages say most weightily, as a glance."""
    return Line(quote(_new(thread), thread.me, GLANCE_CHARS), "quote")


WARNING = "Likely scam: "
"""The words that a person most often opened such a glance with."""


def warned_glance(thread: Thread) -> Line:
    """A warning before the sender's own words.

    A line of the model's, since no sender calls themselves a fraud.
    """
    room = GLANCE_CHARS - len(WARNING)
    return Line(WARNING + quote(_new(thread), thread.me, room), "model")


def quoted_summary(thread: Thread) -> Line:
    """What the new messages say most weightily, at a summary's length."""
    return Line(quote(_new(thread), thread.me, SUMMARY_CHARS), "quote")


def quoted_ask(thread: Thread) -> Line | None:
    """The last new question of somebody else, as a quote; None where nobody asks anything."""
    for message in reversed(() if thread.is_answered else thread.news):
        if "?" in message.text:
            return Line(quote([message], thread.me, SUMMARY_CHARS), "quote")
    return None
