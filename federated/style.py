"""How somebody writes, whatever they say: eight features, and how far two sets of texts differ.

Each feature is a share or a logarithm, so that differences can be averaged as they are: 0 is the
same style, 0.1 a small difference, 1 a factor of e in length or a habit that one always has and the
other never.
"""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, pstdev

from device.language.words import IN_HINDI, IN_SPANISH, words

EMOJI = re.compile(r"[\U0001F000-\U0001FAFF\u2600-\u27BF]|(?<!\w)[:;=]['’]?-?[()DPpOo/|*]|<3")
CONTRACTED = re.compile(
    r"\w['’](?:s|re|ve|ll|d|m|t)\b|\b(?:dont|cant|wont|im|ive|isnt|didnt|doesnt|thats|gonna|wanna|"
    r"gotta|lemme|u|ur|r|n)\b",
    re.IGNORECASE,
)
_ALSO = """
acha accha theek thik karo bas jaldi chalo matlab se mein
si la de bien gracias manana hoy ahora claro
lah lor liao leh meh wat den juz oso dun
abeg wey dey
"""
MIXED = IN_HINDI | IN_SPANISH | frozenset(_ALSO.split())
"""The commonest words that the sets' writers mix into their English, folded: Hindi in Latin
letters, Spanish, Singlish, Pidgin."""


@dataclass(frozen=True, slots=True)
class Style:
    """Of a set of texts."""

    length: float
    """Log of the mean number of words."""
    casing: float
    """Share of texts whose first letter is a small one."""
    punctuation: float
    """Share of texts that end in a mark: . ! ? …"""
    emoji: float
    """Share of texts with an emoji or an emoticon."""
    contractions: float
    """Share of texts with a contraction or a word written short."""
    mixing: float
    """Share of words that are of another language than English."""
    burstiness: float
    """(s - m) / (s + m) of the texts' words, s their standard deviation, m their mean: -1 for
    texts of one length (Goh & Barabási 2008, arXiv:physics/0610233)."""
    perplexity: float
    """Log of it: nats a token under the model without any adapter."""


def style_of(texts: Sequence[str], nats: float) -> Style:
    """Of at least one text; `nats` a token is what the model without an adapter gives them."""
    said = [words(text) for text in texts]
    sizes = [len(some) for some in said]
    mean, spread = fmean(sizes), pstdev(sizes)
    every = [word for some in said for word in some]

    def share(holds: Sequence[bool]) -> float:
        return sum(holds) / len(texts)

    return Style(
        length=math.log(max(mean, 0.5)),
        casing=share([next((c for c in text if c.isalpha()), "A").islower() for text in texts]),
        punctuation=share([text.rstrip().endswith((".", "!", "?", "…")) for text in texts]),
        emoji=share([bool(EMOJI.search(text)) for text in texts]),
        contractions=share([bool(CONTRACTED.search(text)) for text in texts]),
        mixing=sum(word in MIXED for word in every) / max(1, len(every)),
        burstiness=(spread - mean) / max(spread + mean, 0.5),
        perplexity=nats,
    )


def distance(one: Style, other: Style) -> float:
    """Mean of the features' absolute differences."""
    pairs = zip(dataclasses.astuple(one), dataclasses.astuple(other), strict=True)
    return fmean(abs(a - b) for a, b in pairs)
