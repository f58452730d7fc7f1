"""Of several decodings of one line, which says most of what the others say, and how much of it.

What a model knows of a thread comes out again however it is sampled; what it makes up differs each
time. So the line nearest to all the others is the one to show (minimum Bayes risk decoding, Kumar
and Byrne 2004), and how near they are says how far it can be trusted (Manakul et al. 2023,
SelfCheckGPT). docs/decisions/0008-consensus.md has the figures.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from device.language.words import words


def agreement(texts: Sequence[str]) -> list[float]:
    """How much each text shares with the others: the mean F1 of their words, 0..1.

    The only text of its kind agrees with nobody: 0.

    >>> agreement(["Ben: 3 chairs", "Ben: 3 chairs", "4 tables"])
    [0.5, 0.5, 0.0]
    """
    bags = [Counter(words(text)) for text in texts]
    return [
        sum(word_f1(bag, other) for j, other in enumerate(bags) if j != i) / max(1, len(bags) - 1)
        for i, bag in enumerate(bags)
    ]


def word_f1(one: Counter[str], other: Counter[str]) -> float:
    """Twice what two bags of words share, over all they hold; two empty ones are equal."""
    size = one.total() + other.total()
    return 2 * (one & other).total() / size if size else 1.0
