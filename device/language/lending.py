"""Who lends and who borrows: a thread's "can I borrow your drill" against "Ben lends you a drill".

The two words are one deed seen from both ends, so neither is missed where the other one stands;
only the roles tell a true statement from a false one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from device.language.clauses import Index
from device.language.values import fold
from device.language.verdict import Reason
from device.language.words import words

_DEED = re.compile(
    r"\b(?P<lend>lend|lends|lent|lending|loan|loans|loaned)\b|\bborrow(?:s|ed|ing)?\b"
)
_ME = frozenset(("i", "i'm", "i'll", "i'd", "i've", "im", "ill", "ive", "we", "we'll", "we'd"))
_YOU = frozenset(("you", "you'll", "you'd", "u", "ya", "your"))
_OTHERS = frozenset(("if", "whether", "that", "for"))
"""Behind these somebody else may be the subject; "if she can" is still who was named before."""
_PRONOUNS = frozenset(("he", "she", "they"))
_MINE = re.compile(r"\W*(?:me|us|my|mine|our|ours)\b")
_YOURS = re.compile(r"\W*(?:you|u|your|yours|ur)\b")


def wrong_lender(statement: str, index: Index) -> Iterator[Reason]:
    """Where a statement lets somebody lend who borrows in the thread, or the other way round."""
    folded = fold(statement)
    deeds = list(_DEED.finditer(folded))
    if not deeds:
        return
    there = {
        role
        for clause in index.clauses
        for deed in _DEED.finditer(clause.folded)
        for role in _roles(clause.folded, deed, clause.sender, _reader(clause.sender, index), index)
    }
    for deed in deeds:
        for person, lends in _roles(folded, deed, None, 0, index):
            if (person, not lends) in there and (person, lends) not in there:
                yield Reason("request", statement, "The thread lends this the other way round.")
                return


def _reader(sender: int, index: Index) -> int | None:
    """Who is spoken to: the other one of two; None in a group."""
    return 1 - sender if len(index.cast) == 2 else None


def _roles(
    folded: str, deed: re.Match[str], speaker: int | None, reader: int | None, index: Index
) -> Iterator[tuple[int, bool]]:
    """(person, whether they lend) as one deed says it.

    Of a statement nobody is the `speaker`, and "you" is the wearer.
    """
    lends = bool(deed["lend"])
    subject = _subject(folded[: deed.start()], speaker, reader, index)
    # "lend you", "borrow mine": what stands behind the deed is the other one, or theirs.
    mine, yours = (own.match(folded, deed.end()) for own in (_MINE, _YOURS))
    other = speaker if mine else reader if yours else None
    if subject is None and other is not None:
        subject = reader if mine else speaker
    if subject is not None:
        yield subject, lends
    if other is not None:
        yield other, not lends


def _subject(before: str, speaker: int | None, reader: int | None, index: Index) -> int | None:
    """Who is named last before the deed; None where it may be somebody of whom we know nothing."""
    before = before.rpartition(":")[2]
    pronoun = False
    for word in reversed(words(before)):
        pronoun = pronoun or word in _PRONOUNS
        if word in _OTHERS and not pronoun:
            return None
        if word in _ME and speaker is not None:
            return speaker
        if word in _YOU:
            return reader
        for person, name in enumerate(index.cast):
            if word in name:
                return person
    return None
