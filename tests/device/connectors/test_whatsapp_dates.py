"""Dates of a WhatsApp export that contradict the order they are read in: told, with the line."""

from __future__ import annotations

from pathlib import Path

import pytest

from device.connectors.whatsapp import read_chat
from device.errors import InputError
from device.messages import Thread
from device.settings import DateOrder


def read(dates: list[str], order: DateOrder | None = None) -> tuple[list[InputError], Thread]:
    text = "".join(f"{date}, 18:04 - Anna: hi\n" for date in dates)
    *odd, thread = read_chat(text, Path("_chat.txt"), me="Anna", date_order=order)
    assert isinstance(thread, Thread)
    assert all(isinstance(item, InputError) for item in odd)
    return odd, thread  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("dates", "order", "said"),
    [
        (
            ["01/02/25", "02/01/25"],
            "dmy",
            ":2: time runs backwards, from 01/02/25 to 02/01/25, with the dates read as day",
        ),
        (["03/04/25", "13/04/25", "05/03/25", "06/03/25"], None, ":3: time runs backwards"),
        (["2025-03-09", "2025-03-01"], None, ":2: time runs backwards"),
        (["03/04/25", "13/04/25", "04/13/25"], "mdy", ":2: the date 13/04/25 can't be read as mon"),
        (["03/04/25", "13/04/25", "04/13/25"], None, ":3: the date 04/13/25 can't be read as day"),
    ],
)
def test_contradictions(dates: list[str], order: DateOrder | None, said: str) -> None:
    [error], thread = read(dates, order)
    assert str(error).startswith(f"_chat.txt{said}")
    written = "\n".join(m.text for m in thread.messages)
    assert len(thread.messages) + written.count("18:04") == len(dates), "nothing is lost"


def test_how_often() -> None:
    [error], _ = read(["09/05/25", "01/05/25", "09/05/25", "02/05/25", "09/05/25", "03/05/25"])
    assert error.line == 2
    assert "(and 2 more)" in error.problem


@pytest.mark.parametrize("dates", [["25/12/24", "26/12/24"], ["26/12/24", "25/12/24"]])
def test_a_message_that_came_late_contradicts_nothing(dates: list[str]) -> None:
    odd, thread = read(dates)
    assert not odd
    assert len(thread.messages) == 2


def test_a_pasted_date_of_no_order_is_text() -> None:
    odd, thread = read(["25/12/24", "99/99/24"])
    assert not odd
    assert len(thread.messages) == 1


def test_an_unambiguous_date_refuses_the_order_that_is_asked_for() -> None:
    with pytest.raises(InputError, match=r"_chat.txt:2: the date 25-12-24 can't be read as month"):
        read(["01/12/24", "25/12/24"], "mdy")
    with pytest.raises(InputError, match="25/12/24 is no date as month, day, year"):
        read(["25/12/24", "12/26/24"], "mdy")
