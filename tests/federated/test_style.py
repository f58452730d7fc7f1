"""The style distance: nothing between the same texts, more for each habit that differs."""

from __future__ import annotations

import dataclasses

import pytest

from federated.style import Style, distance, style_of

CURT = ["ok", "see u at 8", "cant, sry 😅"]
FORMAL = ["I cannot attend the meeting on Friday.", "Thank you for the invitation.", "Certainly!"]


def test_the_same_texts_have_no_distance() -> None:
    assert distance(style_of(CURT, 4.0), style_of(CURT, 4.0)) == 0
    assert distance(style_of(CURT, 4.0), style_of(FORMAL, 4.0)) > 0.3


@pytest.mark.parametrize(
    ("feature", "one", "other"),
    [
        ("length", ["see you"], ["see you at the station at eight"]),
        ("casing", ["Sure thing"], ["sure thing"]),
        ("punctuation", ["on my way."], ["on my way"]),
        ("emoji", ["on my way :)"], ["on my way"]),
        ("emoji", ["on my way 🚲"], ["on my way"]),
        ("contractions", ["I'll do it"], ["I will do it"]),
        ("contractions", ["dont know"], ["do not know"]),
        ("mixing", ["kal jaldi milte"], ["tomorrow early meet"]),
        ("burstiness", ["ok", "ok then I will see you there"], ["see you then", "ok bye now"]),
    ],
)
def test_each_habit_counts(feature: str, one: list[str], other: list[str]) -> None:
    a, b = style_of(one, 3.0), style_of(other, 3.0)
    assert getattr(a, feature) != getattr(b, feature)
    assert distance(a, b) > 0


def test_an_unlikelier_text_is_another_style() -> None:
    assert distance(style_of(CURT, 3.0), style_of(CURT, 5.0)) == pytest.approx(2 / 8)


@pytest.mark.parametrize("texts", [[""], ["🙂"], ["", ""]])
def test_texts_without_a_word_have_a_style(texts: list[str]) -> None:
    style = style_of(texts, 2.0)
    assert all(abs(value) < 3 for value in dataclasses.astuple(style))
    assert isinstance(style, Style)
