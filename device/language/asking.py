"""Who asks or offers what of whom: a statement's word for it against what was written.

"Ana asks you to drive" wants a clause of Ana's that asks its reader, "Ana offers to drive" one in
which she speaks of what she does. Chats spread one request over several messages, so the message
and the sender's neighbouring ones count too, but less.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from device.language.clauses import Aim, Clause, Index
from device.language.words import asks, commits

VERBS = (
    r"(?:asks?|asked|wants?|wanted|needs?|tells?|told|begs?|reminds?|urges?|expects?|invites?)"
    r"(?: if| whether)?"
)
OF_YOU = re.compile(rf"\b{VERBS} you\b|\bwould like you\b|\b(?:needs?|wants?|asks? for) your\b")
_OF_OTHER = re.compile(
    rf"\b{VERBS} (?!(?:you|your|to|if|for|about|that|not|an?|the|what|when|how|which|who|it)\b)"
    r"([a-z][\w-]*)(?: [a-z]+)? (?:to|for|is|can|could|will)\b"
)
_OFFER = re.compile(r"\b(?:offers?|promises?|offered|promised)\b")
SURE = 0.12
"""Clauses whose weight is this close to the best one's are taken together."""


def weigh_asking(about: Aim, subject: int, index: Index, found: dict[str, float]) -> None:
    """Weigh one part of a statement whose subject is that member of the cast (0: the wearer).

    ask_support, offer_support: from -1 (the thread has the other way round) to 1; to_whom: 1 where
    the thread asks the one the statement names, -1 where it asks somebody else.
    """
    of_you = bool(OF_YOU.search(about.folded))
    other = _OF_OTHER.search(about.folded)
    asked = of_you or other is not None
    if not asked and not _OFFER.search(about.folded):
        return
    speaks = subject > 0 and any(c.sender == subject for c in index.clauses)
    pairs = [
        (c, w)
        for c, w in zip(index.clauses, about.weights, strict=True)
        if (c.sender == subject if speaks else c.sender)
    ]
    best = max((w for _, w in pairs), default=0.0)
    if best < 0.2:
        return
    top = [(c, w) for c, w in pairs if w >= best - SURE]
    asking = max(w * _level(asks, c, index) for c, w in top)
    offering = max(w * _level(commits, c, index) for c, w in top)
    if not asked:
        found["offer_support"] = offering - asking
        return
    found["ask_support"] = asking - offering
    called, said = _called([c for c, _ in top], index)
    if other is None:
        if called:
            found["to_whom"] = 1.0 if 0 in called else -1.0
        return
    person = next((p for p, name in enumerate(index.cast) if other[1] in name), None)
    if person is not None and called:
        found["to_whom"] = 1.0 if person in called else -1.0
    elif re.search(rf"\b{re.escape(other[1])}\b", said):
        found["to_whom"] = 0.5
    else:
        found["to_whom"] = -1.0 if asking else -0.5


def _level(is_so: Callable[[str], bool], clause: Clause, index: Index) -> float:
    """1 where a clause itself is so, 0.7 its message, 0.5 the sender's message beside it."""
    if is_so(clause.folded):
        return 1.0
    beside = 0.0
    for other in index.clauses:
        gap = abs(other.message - clause.message)
        if gap < 2 and other.sender == clause.sender and is_so(other.folded):
            beside = max(beside, 0.5 if gap else 0.7)
    return beside


def _called(clauses: list[Clause], index: Index) -> tuple[set[int], str]:
    """Who is called by name in the messages of these clauses or right after, and what they say."""
    called: set[int] = set()
    said = []
    for clause in clauses:
        for other in index.clauses:
            if other.sender == clause.sender and 0 <= other.message - clause.message < 2:
                said.append(other.folded)
                if other.addressed is not None and other.addressed != other.sender:
                    called.add(other.addressed)
    return called, " ".join(said)
