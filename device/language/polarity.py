"""Negation, word by word: is what a statement denies denied in the thread, and nothing else?

A negator reaches over the next few content words. Each content word that the statement shares with
the thread is looked up where the thread is most about the same, and the two are compared.
"""

from __future__ import annotations

from device.language.clauses import Aim, Index
from device.language.words import STOP, is_negator, stem, words

REACH = 3
"""How many content words after a negator it turns around."""


def scopes(tokens: list[str]) -> list[tuple[str, bool]]:
    """(stem, whether a negator reaches it) of each content word, in order.

    >>> scopes(["please", "don't", "feed", "the", "cat"])
    [('feed', True), ('cat', True)]
    """
    found = []
    left = 0
    for token in tokens:
        if is_negator(token):
            left = REACH
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
