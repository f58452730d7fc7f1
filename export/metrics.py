"""The figures of the exam, each for one thread; the exam takes their means."""

from __future__ import annotations

import calendar
import re
import unicodedata
from collections.abc import Container, Iterable, Sequence

import numpy as np
from rouge_score.rouge_scorer import RougeScorer

from device.messages import Thread
from export.data import Example

_ROUGE = RougeScorer(["rougeL"], use_stemmer=True)
_NUMBER = re.compile(r"\d+")
_NAME = re.compile(r"\b[A-Z][a-z]{2,}")
_WORD = re.compile(r"\b[a-z]{2,}")
_OPENING = re.compile(r"(?:^|[.:;!?] )[\"'“]?([A-Z][a-z]+)")


_CALENDAR = frozenset(name.casefold() for name in (*calendar.day_name, *calendar.month_name[1:]))


def rouge_l(gold: str, text: str) -> float:
    """ROUGE-L F1 in percent, stemmed (Lin 2004, as rouge-score computes it)."""
    return 100 * float(_ROUGE.score(gold, text)["rougeL"].fmeasure)


def best_rouge_l(golds: Sequence[str], texts: Sequence[str]) -> float:
    """The best ROUGE-L of any text against any gold reply; 0 where there is none."""
    return max((rouge_l(g, t) for g in golds for t in texts), default=0.0)


def ordinary_words(examples: Iterable[Example]) -> frozenset[str]:
    """Words that are no names by the capital they open a sentence with.

    Somebody writes them without one, or a person opened a line with them about a thread they don't
    stand in ("Likely scam: ...").
    """
    ordinary: set[str] = set()
    for example in examples:
        said = _plain(_said(example.thread))
        ordinary.update(w for m in example.thread.messages for w in _WORD.findall(m.text))
        for line in (example.glance, example.summary):
            opening = (word.casefold() for word in _OPENING.findall(line))
            ordinary.update(word for word in opening if word not in said)
    return frozenset(ordinary)


def unsupported(text: str, thread: Thread, ordinary: Container[str]) -> list[str]:
    """Numbers and names of `text` that stand nowhere in the thread, by plain string search.

    Deliberately not `device.language.grounding`: the exam must not ask the judge it examines.
    An `ordinary` word that opens a sentence is no name; a day or month written out is there where
    its first three letters open a word ("Tuesday" for "tues").
    """
    said = _said(thread)
    numbers = set(_NUMBER.findall(said))
    plain = _plain(said)
    openings = {name for name in _OPENING.findall(text) if name.casefold() in ordinary}
    wrong = [n for n in _NUMBER.findall(text) if n not in numbers]
    names = (n for n in _NAME.findall(text) if n not in openings)
    return wrong + [n for n in names if not _is_said(n.casefold(), plain)]


def _said(thread: Thread) -> str:
    messages = (f"{m.sender} {m.text} {m.time or ''}" for m in thread.messages)
    return " ".join([*messages, thread.title or ""])


def _plain(text: str) -> str:
    """Without case and accents: "Treviño" is there for "Trevino"."""
    parts = unicodedata.normalize("NFKD", text.casefold())
    return "".join(c for c in parts if not unicodedata.combining(c))


def _is_said(name: str, plain: str) -> bool:
    if name in _CALENDAR:
        return re.search(rf"\b{name[:3]}", plain) is not None
    return name in plain


def f1(truth: Sequence[bool], said: Sequence[bool]) -> float:
    """F1 of the positive class in percent; 0 where there is none."""
    hits = sum(t and s for t, s in zip(truth, said, strict=True))
    total = sum(truth) + sum(said)
    return 200 * hits / total if total else 0.0


def macro_f1(truth: Sequence[str], said: Sequence[str]) -> float:
    """Mean F1 over the classes of `truth`, in percent."""
    return float(
        np.mean([f1([t == c for t in truth], [s == c for s in said]) for c in sorted(set(truth))])
    )


def interval(values: Sequence[float], rounds: int = 1000) -> tuple[float, float]:
    """95 % bootstrap interval of the mean (percentile method; fixed seed)."""
    data = np.asarray(values, dtype=float)
    picks = np.random.default_rng(0).integers(0, len(data), (rounds, len(data)))
    low, high = np.percentile(data[picks].mean(axis=1), [2.5, 97.5])
    return float(low), float(high)
