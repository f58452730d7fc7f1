"""The exam's figures on cases that can be counted by hand."""

from __future__ import annotations

import datetime as dt

import pytest

from device.messages import Message, Thread, Triage
from export.data import Example
from export.metrics import (
    auc,
    best_rouge_l,
    bigrams,
    facts,
    ordinary_words,
    rouge,
    rouge_l,
    self_rouge_l,
    unsupported,
)

THREAD = Thread("t", "Anna", (Message("Ben", "train to Utrecht at 7", dt.time(18, 2)),))
OTHER = Thread("o", "Anna", (Message("Cleo", "tomorrow, after dinner"),))


def example(thread: Thread, glance: str = "", summary: str = "") -> Example:
    return Example(thread, glance, summary, None, Triage(False, "low"), (), "p", "en")


def test_rouge_l() -> None:
    assert rouge_l("the train is late", "the train is late") == 100
    assert rouge_l("trains", "train") == 100, "stemmed"
    assert rouge_l("a b c d", "a c") == pytest.approx(100 * 2 * (2 / 2) * (2 / 4) / (1 + 0.5))
    assert rouge("a b c", "a c b") == pytest.approx({"1": 100, "2": 0, "l": 200 / 3})
    assert best_rouge_l(["x y", "a b"], ["a b", "q"]) == 100
    assert best_rouge_l([], ["a"]) == 0


def test_unsupported_names_and_numbers() -> None:
    def wrong(text: str, thread: Thread = THREAD) -> list[str]:
        return unsupported(
            text,
            thread,
            ordinary_words([example(thread), example(OTHER, "Likely late", "Cleo is.")]),
        )

    assert wrong("Ben: train to Utrecht at 7") == []
    assert wrong("Ben takes 9 trains to Leiden") == ["9", "Leiden"]
    assert wrong("Ben comes Tuesday") == ["Tuesday"]
    tues = Thread("t", "Anna", (Message("Ben", "coming TUES"),))
    assert wrong("Ben comes Tuesday", tues) == []
    assert wrong("Tomorrow. Dinner is late") == [], "ordinary words that open a sentence"
    assert wrong("Likely late: Cleo is") == ["Cleo"], "a person opened a line with the first"
    assert wrong("Utrécht at 7") == [], "accents don't count"
    assert wrong("Zoe: the train. Zoe and Ben") == ["Zoe", "Zoe"], "no ordinary word"


def test_facts() -> None:
    assert facts("Likely Ben at 7:30, Likely", frozenset({"likely"})) == ["7", "30", "Ben"]


def test_texts_beside_each_other() -> None:
    assert self_rouge_l(["a b", "a b", "c d"]) == pytest.approx(100 / 3)
    assert bigrams(["on my way", "On my bike"]) == (3, 4)
    with pytest.raises(ValueError, match="one text"):
        self_rouge_l(["a"])


def test_auc() -> None:
    assert auc([2.0, 3.0], [0.0, 1.0]) == 1.0
    assert auc([0.0, 1.0], [0.0, 1.0]) == 0.5
    assert auc([0.0], [1.0]) == 0.0
