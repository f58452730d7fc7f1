"""A corrupted statement is another one, and its values come from the thread where it has any."""

from __future__ import annotations

import datetime as dt
import random

import pytest

from device.messages import Message, Thread
from export.corrupt import corrupt

THREAD = Thread(
    "t",
    "Anna",
    (
        Message("Ben", "Dinner at Luigi's is at 7:30, not 6:45. Can you book for 8?", dt.time(9)),
        Message("Zoe", "I'll bring the cake on Friday", dt.time(9, 1)),
    ),
    "Dinner",
    is_group=True,
)


@pytest.mark.parametrize(
    "statement",
    [
        "Ben asks you to book for 8.",
        "Dinner is at 7:30.",
        "Zoe will bring the cake on Friday.",
        "Ben did not come.",
        "Zoe offers to bring the cake before dinner.",
    ],
)
def test_one_change_makes_another_statement(statement: str) -> None:
    found = {corrupt(statement, THREAD, random.Random(seed)) for seed in range(40)}
    assert None not in found
    assert statement not in found
    assert len(found) > 1


def test_false_numbers_come_from_the_thread() -> None:
    found = [corrupt("Dinner is at 7:30.", THREAD, random.Random(seed)) for seed in range(60)]
    assert any("6:45" in (text or "") for text in found)


def test_nothing_to_change() -> None:
    assert corrupt("ok", THREAD, random.Random(0)) is None
