"""How a text is measured: against what a person wrote, against its thread, against its like;
and how well a score tells two kinds of text apart."""

from __future__ import annotations

import calendar
import re
import unicodedata
from collections.abc import Container, Iterable, Sequence
from itertools import combinations, pairwise

import numpy as np
from numpy.typing import NDArray
from rouge_score.rouge_scorer import RougeScorer

from device.messages import Thread
from export.data import Example

Floats = Sequence[float] | NDArray[np.float64]

_ROUGE = RougeScorer(["rouge1", "rouge2", "rougeL"], use_stemmer=True)
_NUMBER = re.compile(r"\d+")
_NAME = re.compile(r"\b[A-Z][a-z]{2,}")
_WORD = re.compile(r"\b[a-z]{2,}")
_OPENING = re.compile(r"(?:^|[.:;!?] )[\"'“]?([A-Z][a-z]+)")


_CALENDAR = frozenset(name.casefold() for name in (*calendar.day_name, *calendar.month_name[1:]))


def rouge(gold: str, text: str) -> dict[str, float]:
    """F1 of ROUGE "1", "2" and "l" in percent, stemmed (Lin 2004, as rouge-score computes it)."""
    scores = _ROUGE.score(gold, text)
    return {name[5:].lower(): 100 * float(score.fmeasure) for name, score in scores.items()}


def rouge_l(gold: str, text: str) -> float:
    """ROUGE-L F1 in percent."""
    return rouge(gold, text)["l"]


def best_rouge_l(golds: Sequence[str], texts: Sequence[str]) -> float:
    """The best ROUGE-L of any text against any gold reply; 0 where there is none."""
    return max((rouge_l(g, t) for g in golds for t in texts), default=0.0)


def self_rouge_l(texts: Sequence[str]) -> float:
    """Mean ROUGE-L of each text against each other one: how much they repeat one another.

    Raises `ValueError` for fewer than two.
    """
    scores = [rouge_l(one, other) for one, other in combinations(texts, 2)]
    if not scores:
        raise ValueError("one text has none to be compared with")
    return sum(scores) / len(scores)


def bigrams(texts: Iterable[str]) -> tuple[int, int]:
    """(different ones, all) word pairs; their ratio is distinct-2 (Li et al. 2016)."""
    found = [pair for text in texts for pair in pairwise(text.casefold().split())]
    return len(set(found)), len(found)


def ordinary_words(examples: Iterable[Example]) -> frozenset[str]:
    """Words that are no names by the capital they open a sentence with.

    Somebody writes them without one, or a person opened a line with them about a thread they don't
    stand in ("Likely scam: ...").
    """
    ordinary: set[str] = set()
    for example in examples:
        said = plain(_said(example.thread))
        ordinary.update(w for m in example.thread.messages for w in _WORD.findall(m.text))
        for line in (example.glance, example.summary):
            opening = (word.casefold() for word in _OPENING.findall(line))
            ordinary.update(word for word in opening if word not in said)
    return frozenset(ordinary)


def auc(above: Floats, below: Floats) -> float:
    """Share of (one of `above`, one of `below`) pairs in which the first scores higher, ties half:
    0.5 is chance."""
    a, b = np.asarray(above)[:, None], np.asarray(below)[None, :]
    return float((a > b).mean() + 0.5 * (a == b).mean())


def unsupported(text: str, thread: Thread, ordinary: Container[str]) -> list[str]:
    """Numbers and names of `text` that stand nowhere in the thread, by plain string search.

    Deliberately not `device.language.grounding`: the exam must not ask the judge it examines.
    An `ordinary` word that opens a sentence is no name; a day or month written out is there where
    its first three letters open a word ("Tuesday" for "tues").
    """
    said = _said(thread)
    numbers = set(_NUMBER.findall(said))
    folded = plain(said)
    return [
        fact
        for fact in facts(text, ordinary)
        if (fact not in numbers if fact.isdigit() else not _is_said(fact.casefold(), folded))
    ]


def facts(text: str, ordinary: Container[str]) -> list[str]:
    """The numbers of a text, then its names: words with a capital, without those `ordinary` ones
    that only open a sentence."""
    openings = {name for name in _OPENING.findall(text) if name.casefold() in ordinary}
    return _NUMBER.findall(text) + [n for n in _NAME.findall(text) if n not in openings]


def _said(thread: Thread) -> str:
    messages = (f"{m.sender} {m.text} {m.time or ''}" for m in thread.messages)
    return " ".join([*messages, thread.title or ""])


def plain(text: str) -> str:
    """Without case and accents: "Treviño" is there for "Trevino"."""
    parts = unicodedata.normalize("NFKD", text.casefold())
    return "".join(c for c in parts if not unicodedata.combining(c))


def _is_said(name: str, plain: str) -> bool:
    if name in _CALENDAR:
        return re.search(rf"\b{name[:3]}", plain) is not None
    return name in plain
