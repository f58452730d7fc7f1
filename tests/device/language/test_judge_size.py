"""What a stranger writes may be long: the judge's work grows with it, and no faster."""

from __future__ import annotations

import sys
from collections.abc import Callable

import pytest

from device.language.claims import features
from device.language.grounding import MOST_CHARS, check
from device.language.value_claims import MOST_VALUES
from device.language.values import values
from tests.fakes import thread


def calls(work: Callable[[], object]) -> int:
    """How many functions, of Python and of C, are called meanwhile."""
    count = 0

    def called(frame: object, event: str, argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(called)
    try:
        work()
    finally:
        sys.setprofile(before)
    return count


@pytest.mark.parametrize("written", ["1:", "7 ", "7:30 ", "not at 7 ", "half seven "])
def test_values(written: str) -> None:
    few, many = (calls(lambda n=n: values(written * n, source=True)) for n in (100, 400))
    assert many < 5 * few


@pytest.mark.parametrize("written", ["1: ", "at 7. ", "not 7, "])
def test_a_statement_of_many_values(written: str) -> None:
    there = thread("Ben: " + "7. 8. 9. " * 20)
    few, many = (
        calls(lambda n=n: features(written * n, there)) for n in (MOST_VALUES, 4 * MOST_VALUES)
    )
    assert many < 6 * few


@pytest.mark.parametrize("written", ["1: ", "at 7. ", "not 7, "])
def test_a_thread_of_many_values(written: str) -> None:
    few, many = (
        calls(lambda n=n: features("Ben comes at 8, not 7", thread(f"Ben: {written * n}")))
        for n in (100, 400)
    )
    assert many < 5 * few


def test_a_statement_that_is_none() -> None:
    there = thread("Ben: see you at 7")
    assert check("Ben sees you at 7 " + "." * (MOST_CHARS - 18), there).passes
    assert not check("Ben sees you at 7 " + "." * MOST_CHARS, there).passes


@pytest.mark.parametrize("nothing", ["...", "\ufffd", "<|im_start|>", "<|im_end|> ?!", "🙂", "—"])
def test_a_statement_without_a_word(nothing: str) -> None:
    assert not check(nothing, thread("Ben: see you at 7")).passes
    assert check(f"{nothing} 7", thread("Ben: see you at 7")).passes
