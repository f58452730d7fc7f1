"""Figures out of sums, against the libraries and counts by hand."""

from __future__ import annotations

import numpy as np
import pytest
from sacrebleu.metrics.bleu import BLEU

from export.exam_marks import (
    Mark,
    Row,
    bleu,
    f1,
    figures_of,
    grouped,
    macro_f1,
    mean,
    perplexity,
    share,
)


def figure(*marks: Mark) -> float | None:
    found = figures_of([Row({}, {"it": mark}) for mark in marks])
    return found["it"].value if found else None


def test_counted_by_hand() -> None:
    assert figure(mean(1), mean(4)) == 2.5
    assert figure(share(1, 3), share(0, 1)) == 25
    assert figure(f1(True, True), f1(True, False), f1(False, False)) == 66.67
    assert figure(f1(False, False)) is None, "no such class: no figure"
    assert figure(Mark((np.log(4) * 3, 3), perplexity), Mark((np.log(4), 1), perplexity)) == 4
    classes = ("low", "normal", "high")
    half = [macro_f1("low", "low", classes), macro_f1("high", "low", classes)]
    assert figure(*half) == 33.33, "of the two classes that there are: 2/3 and 0"


@pytest.mark.parametrize(
    "texts",
    [
        [("the cat sat on the mat today", "the cat sat on a mat"), ("so it is now", "so it was")],
        [("one two three four", "one two"), ("five six seven eight", "five six seven")],
        [("one two", "three four")],
    ],
)
def test_bleu_is_sacrebleus(texts: list[tuple[str, str]]) -> None:
    golds, said = zip(*texts, strict=True)
    wanted = BLEU().corpus_score(list(said), [list(golds)]).score
    assert figure(*(bleu(gold, text) for gold, text in texts)) == pytest.approx(wanted, abs=0.005)


def test_the_interval_holds_the_mean() -> None:
    rows = [Row({}, {"it": mean(v)}) for v in range(100)]
    value, low, high, count = figures_of(rows)["it"]
    assert low < value == 49.5 < high
    assert 43 < low < 45, "1.96 standard errors of 2.9 below"
    assert count == 100
    assert figures_of(rows)["it"] == (value, low, high, count), "the same each time"


def test_rows_without_a_figure_do_not_count_for_it() -> None:
    rows = [Row({"lang": "en"}, {"it": mean(3)}), Row({"lang": "en", "kind": "time"}, {})]
    assert figures_of(rows)["it"] == (3, 3, 3, 1)
    assert {k: list(g) for k, g in grouped(rows).items()} == {"lang": ["en"], "kind": ["time"]}
