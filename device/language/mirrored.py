"""Does a draft say, as the wearer's own, what somebody else said of themselves?

A small model answers "I'll bring the stove" with "ok, I'll bring the stove", and "pick you up at
5?" with "I'll pick you up at 5". Both have every word of the thread and promise the wrong one's
part.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from device.language.clauses import cast_of, members, pieces
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


def is_mirrored(text: str, thread: Thread) -> bool:
    """Whether a clause of the draft, in the first person, says what another one's did.

    >>> from device.messages import Message
    >>> said = Message("Hal", "I'll bring the stove and two sleeping bags")
    >>> thread = Thread("t", "Nina", (said, Message("Jo", "pick you up at 5:15?")))
    >>> is_mirrored("ok, I'll bring the stove and sleeping bags", thread)
    True
    >>> is_mirrored("ok so i'll pick you up at 5:15", thread), is_mirrored("I'll be there", thread)
    (True, False)
    >>> said = Message("Jo", "I'm making a cherry cake and I want you at my table")
    >>> is_mirrored("I'll make the cherry cake", Thread("t", "Nina", (said,)))
    True
    """
    names = {stem(name) for person in cast_of(members(thread)) for name in person}
    theirs = [fold(p) for m in thread.news if m.sender != thread.me for p in pieces(m.text)]
    told = [
        set(content(words(p))) - names for p in theirs if _SELF.search(p) and not _ASKS.search(p)
    ]
    deeds = {verb for p in theirs for verb in _deeds(p)}
    for piece in map(fold, pieces(text)):
        if not _SELF.search(piece):
            continue
        said = set(content(words(piece))) - names
        if any(len(said & t) >= max(LEAST, MOST * len(said)) for t in told):
            return True
        if deeds.intersection(_deeds(piece)):
            return True
    return False


def _deeds(piece: str) -> Iterator[str]:
    """What somebody does to the one who is spoken to: "pick" in "pick you up"."""
    for match in _TO_YOU.finditer(piece):
        if (verb := stem(match[1])) not in _BOTH_WAYS:
            yield verb
