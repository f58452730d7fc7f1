"""Yes and no: does a draft say what its intent says, does a statement deny what its thread denies?

A negator reaches over the next few content words. Each content word that the statement shares with
the thread is looked up where the thread is most about the same, and the two are compared.
"""

from __future__ import annotations

import re
from itertools import pairwise

from device.language.clauses import Aim, Index
from device.language.values import fold
from device.language.words import STOP, is_negator, stem, words

REACH = 3
"""How many content words after a negator it turns around."""
BEHIND = frozenset(("nahi", "nahin", "nai", "mat"))
"""Negators that turn round what stands before them too: "kal nahi aa paunga"."""


def scopes(tokens: list[str]) -> list[tuple[str, bool]]:
    """(stem, whether a negator reaches it) of each content word, in order.

    >>> scopes(["please", "don't", "feed", "the", "cat"])
    [('feed', True), ('cat', True)]
    """
    found: list[tuple[str, bool]] = []
    left = 0
    for token, following in pairwise([*tokens, ""]):
        if is_negator(token):
            left = REACH if following != "forget" else 0
            if token in BEHIND:
                found[-REACH:] = [(word, True) for word, _ in found[-REACH:]]
        elif token not in STOP and not token.isdigit():
            found.append((stem(token), left > 0))
            left = max(0, left - 1)
    return found


def weigh_polarity(about: Aim, index: Index, found: dict[str, float]) -> None:
    """Weigh one part of a statement.

    neg_agree: both deny the same word; neg_add: only the statement denies it; neg_drop: only the
    thread does. The last two count by how surely the thread is about this part.
    """
    for word, denied in scopes(about.tokens):
        near = [
            (round(weight, 1), clause.order)
            for clause, weight in zip(index.clauses, about.weights, strict=True)
            if word in clause.stems
        ]
        if not near:
            continue
        clause = index.clauses[max(near)[1]]
        there = [d for w, d in scopes(words(clause.folded)) if w == word]
        if denied and any(there):
            found["neg_agree"] = 1.0
        elif denied and there:
            found["neg_add"] = max(found["neg_add"], about.best)
        elif there and all(there):
            found["neg_drop"] = max(found["neg_drop"], about.best)


_OPENS = (
    r"^\W*(?:(?:oh|ah|aw+|ay|eh|hi|hey|ok|so|very|really|terribly|am|i'?m|sorry|thanks|thank you|"
    r"but|i|we|afraid|sadly)\W+)*"
)
_CANT = r"(?:can ?not|can'?t|won'?t)"
_REFUSES = re.compile(
    rf"{_OPENS}(?:(?:no+|nope|nah)(?=\W*(?:$|thanks|thank|sorry|not|(?:i |we )?{_CANT}))"
    r"|not (?:today|tonight|tomorrow|this|me|free|possible)\b"
    rf"|(?:{_CANT}|couldn'?t|unable)\b"
    r"(?! (?:wait|complain|believe|say|go wrong|be late|forget|let|miss|resist|thank|stop)\b))"
    rf"|\bsorry\W+(?:i |we )?{_CANT}\b"
    rf"|\b(?:i|we) {_CANT} (?:make|come|do|join|go|get|help|today|tonight)\b(?! wrong)"
    r"|\b(?:count me|i'?m) out\b|\bhave to (?:pass|decline)\b"
    r"|\bno (?:puedo|podemos)\b|\bnahi (?:ho|aa|kar) (?:pa|sak)\w+"
)
"""Refusals, and no "can't wait": of 1,361 drafts by which people accept, none has one."""
_AGREES = re.compile(
    rf"{_OPENS}(?:yes+|yea+h?|yep|yup|sure|of course|absolutely|definitely|gladly|will do|deal|"
    r"haan|count me in|i'?m in|i'll be there|on my way|see you (?:there|then|at)|sounds good|claro|"
    r"with pleasure|happy to)\b"
)
_LIMITS = re.compile(
    r"\b(?:but|not?|nah|sorry|instead|except|only|unless|until|later|busy|however|never|pero|lekin|"
    rf"{_CANT}|don'?t)\b|n't\b|\?"
)


def contradicts(intent: str, draft: str) -> bool:
    """Whether a draft plainly says the opposite of its intent (`device.messages.Intent`).

    >>> contradicts("accept", "Sorry, can't"), contradicts("accept", "can't wait!")
    (True, False)
    """
    folded = fold(draft)
    if intent in ("accept", "ack"):
        return bool(_REFUSES.search(folded))
    return intent == "decline" and bool(_AGREES.search(folded)) and not _LIMITS.search(folded)
