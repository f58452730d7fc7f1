"""Does a draft only give back what was said: as the wearer's own what somebody else said of
themselves, the question that was asked, or another draft?

A small model answers "I'll bring the stove" with "ok, I'll bring the stove", "pick you up at 5?"
with "I'll pick you up at 5", and "which number is right?" with "which number is right?". All have
every word of the thread. And where it drafts one fact twice, the two may be opposites: "the name is
Ana", "the name isn't noted".
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from device.language.clauses import cast_of, ends_asking, members, pieces
from device.language.values import fold
from device.language.words import content, stem, words
from device.messages import Thread

_SELF = re.compile(r"\b(?:i|i'll|i've|i'd|i'm|ill|ive|im|my|mine)\b")
_ASKS = re.compile(r"\b(?:can|could|would|will|should|shall|do|are) (?:you|u|i|we)\b")
_TO_YOU = re.compile(r"\b([a-z]{3,}) (?:you|u)\b(?! (?:can|could|will|would|have|are|know|want)\b)")
_BOTH_WAYS_WORDS = """
    can could will would did does are were have has should shall may might must that what when where
    how why who and but for with see meet talk call text write miss love thank tell told hear know
    join let like behind about from after until before beat hope wish think guess thought both near
    hug
"""
_BOTH_WAYS = frozenset(map(stem, _BOTH_WAYS_WORDS.split()))
"""Words before "you" that say as much the other way round ("see you at 8"), or are no deeds."""
LEAST = 2
"""Words of content that one clause must share with the other."""
MOST = 0.6
"""Of a clause's words of content, the share from which on it says the same."""
LEAST_REPEATED, MOST_REPEATED = 3, 0.75
"""The same of two whole drafts."""


def is_mirrored(text: str, thread: Thread) -> bool:
    """Whether a clause of the draft, in the first person, says what another one's did, or asks what
    was asked. Of 4,878 replies that people wrote 3 ask so.

    >>> from device.messages import Message
    >>> said = Message("Hal", "I'll bring the stove and two sleeping bags")
    >>> thread = Thread("t", "Nina", (said, Message("Jo", "pick you up at 5:15?")))
    >>> is_mirrored("ok, I'll bring the stove and sleeping bags", thread)
    True
    >>> is_mirrored("ok so i'll pick you up at 5:15", thread), is_mirrored("I'll be there", thread)
    (True, False)
    >>> said = Message("Jo", "Which number is right? And do you have the signed lists")
    >>> is_mirrored("Jo, which number is right?", Thread("t", "Nina", (said,)))
    True
    >>> said = Message("Jo", "I'm making a cherry cake and I want you at my table")
    >>> is_mirrored("I'll make the cherry cake", Thread("t", "Nina", (said,)))
    True
    """
    names = _names(thread)
    theirs = [fold(p) for m in thread.news if m.sender != thread.me for p in pieces(m.text)]
    told = [
        set(content(words(p))) - names for p in theirs if _SELF.search(p) and not _ASKS.search(p)
    ]
    asked = [set(content(words(p))) - names for p in theirs if ends_asking(p)]
    deeds = {verb for p in theirs for verb in _deeds(p)}
    for piece in map(fold, pieces(text)):
        own, asks = _SELF.search(piece), ends_asking(piece)
        said = set(content(words(piece))) - names
        before = (told if own else []) + (asked if asks else [])
        if any(len(said & t) >= max(LEAST, MOST * len(said)) for t in before):
            return True
        if own and deeds.intersection(_deeds(piece)):
            return True
    return False


def repeats(text: str, other: str, thread: Thread) -> bool:
    """Whether two drafts say much the same, of which one may be denied. Of the replies that people
    wrote to 1,626 threads two do so.

    >>> case, nobody = "green with a duck, the name of the staff is", Thread("t", "Nina", ())
    >>> repeats(f"{case} at 4", f"{case} not noted", nobody), repeats(case, "it is green", nobody)
    (True, False)
    """
    one, two = (set(content(words(draft))) - _names(thread) for draft in (text, other))
    return len(one & two) >= max(LEAST_REPEATED, MOST_REPEATED * max(len(one), len(two)))


def _names(thread: Thread) -> set[str]:
    return {stem(name) for person in cast_of(members(thread)) for name in person}


def _deeds(piece: str) -> Iterator[str]:
    """What somebody does to the one who is spoken to: "pick" in "pick you up"."""
    for match in _TO_YOU.finditer(piece):
        if (verb := stem(match[1])) not in _BOTH_WAYS:
            yield verb
