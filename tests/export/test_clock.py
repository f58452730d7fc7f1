"""Another hour: every time moves alike, or nothing does."""

from __future__ import annotations

import datetime as dt
import random
import re
from dataclasses import replace

import pytest

from device.language.values import values
from device.messages import Draft, Message, Thread, Triage
from export.clock import FARTHEST, shifted
from export.data import Example
from export.retell import stays_true, texts


def example(*said: str, glance: str = "", summary: str = "", draft: str = "") -> Example:
    messages = tuple(Message("Ben", text, dt.time(14, 5 + i)) for i, text in enumerate(said))
    return Example(
        Thread("t", "Anna", messages, "Ben"), glance, summary, None, Triage(True, "low"),
        (Draft("accept", draft),) if draft else (), "p", "en",
    )  # fmt: skip


TABLE = example(
    "table moved from 6:30pm to 7.15 pm, bring 4 chairs",
    "kitchen closes 21:40. Room 4471",
    glance="Table now 7.15 pm, not 6:30pm; bring 4 chairs",
    summary="Ben moved the table to 7.15 pm, and the kitchen closes at 21:40.",
    draft="7.15 pm works",
)


def minutes(found: Example) -> list[float]:
    return [v.number for text in texts(found) for v in values(text) if v.kind == "time"]


def test_all_times_move_alike() -> None:
    for seed in range(30):
        found = shifted(TABLE, random.Random(seed))
        assert stays_true(TABLE, found)
        first, second = (m.time for m in found.thread.messages)
        assert first
        assert second
        shift = 60 * first.hour + first.minute - (14 * 60 + 5)
        assert 0 < abs(shift) <= FARTHEST
        assert minutes(found) == [(m + shift) % 720 for m in minutes(TABLE)]
        assert 60 * second.hour + second.minute == 14 * 60 + 6 + shift
        assert "4 chairs" in found.glance
        assert found.thread.messages[1].text.endswith("Room 4471")
        assert re.match(r"table moved from \d:\d\dpm to \d\.\d\d pm, bring", texts(found)[0])


def test_written_as_before() -> None:
    [found] = {shifted(example("it opens 09:00"), random.Random(3)).thread.messages[0].text}
    assert found.startswith("it opens 0") or found.startswith("it opens 1")
    assert len(found) == len("it opens 09:00")


@pytest.mark.parametrize(
    "said",
    [
        "half seven or 7:45?",
        "at 7 or at 8:15",
        "between 6 and 7:30pm",
        "7:30. noon is too early",
        "7:30pm, so leave by seven",
        "saade saat ya 8:15",
        "8:15 or 7ish",
        "doors 1930, start 20:15",
        "7:30? 8?",
        "7.30 or 8:15",
        "the 7:30, or 8 then",
        "quarter past would do, 7:30 is early",
        "[voice note 0:52]",
    ],
)
def test_nothing_moves_where_a_time_is_not_understood(said: str) -> None:
    whole = example(said)
    for seed in range(5):
        assert shifted(whole, random.Random(seed)) is whole


def test_a_time_keeps_its_part_of_the_day() -> None:
    for seed in range(30):
        found = shifted(example("lunch 11:50? this morning was hell"), random.Random(seed))
        hour = int(found.thread.messages[0].text[6:8])
        assert 9 <= hour < 12


def test_nothing_to_move() -> None:
    timeless = example("bring 4 chairs")
    messages = tuple(replace(m, time=None) for m in timeless.thread.messages)
    timeless = replace(timeless, thread=replace(timeless.thread, messages=messages))
    assert shifted(timeless, random.Random(0)) is timeless
    late = example("see you 23:55, or 12:00, or 16:58, or 17:00")
    assert shifted(late, random.Random(0)) is late
