"""Values are the same whatever way they are written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.language.value_supply import Supply
from device.language.values import fold, values

CLOCK_WORDS = (
    "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven",
    "twelve",
)  # fmt: skip


def says(source: str, statement: str) -> bool:
    """Whether every value of the statement is offered by the source."""
    found = values(statement)
    assert found, f"no value in {statement!r}"
    return all(map(Supply([source]).has, found))


@pytest.mark.parametrize(
    ("source", "statement"),
    [
        ("see you 19:30", "half past seven"),
        ("see you 19:30", "half seven"),
        ("half seven then", "7:30"),
        ("at 7.30pm", "19:30"),
        ("730pm", "7:30"),
        ("at 7", "seven o'clock"),
        ("1 30 in the hall", "1:30"),
        ("0600 your time", "6am"),
        ("quarter to nine", "8:45"),
        ("20:45", "quarter to nine"),
        ("twenty past 4", "16:20"),
        ("saade saat baje", "7:30"),
        ("sawa paanch baje", "5:15"),
        ("7 baje milte hain", "at 7"),
        ("a las siete y media", "7:30"),
        ("a las 8 menos cuarto", "7:45"),
        ("open 12:45-1:45", "1:45"),
        ("at noon", "12:00"),
        ("12k each", "12,000"),
        ("it's 1 500 now", "1,500"),
        ("costs £4,200", "4200"),
        ("twenty-five people", "25"),
        ("two hundred copies", "200"),
        ("aadha ghanta", "0.5"),
        ("on the 3rd of May", "3 May"),
        ("May 3rd works", "3 May"),
        ("weds is best", "Wednesday"),
        ("lunes por la tarde", "Monday"),
        ("shukravar ko", "Friday"),
    ],
)  # fmt: skip
def test_one_value_in_two_ways(source: str, statement: str) -> None:
    assert says(source, statement)


@pytest.mark.parametrize(
    ("source", "statement"),
    [
        ("see you 19:30", "7:15"),
        ("7am sharp", "7pm"),
        ("07:30 pm", "7:30am"),
        ("half seven", "half eight"),
        ("12k each", "21,000"),
        ("3 May", "3 June"),
        ("on Monday", "Tuesday"),
        ("code 338102", "338120"),
        ("no numbers here", "7"),
    ],
)
def test_two_values(source: str, statement: str) -> None:
    assert not says(source, statement)


@given(st.integers(1, 12), st.sampled_from([0, 15, 30, 45]))
def test_every_way_to_say_a_time_is_that_time(hour: int, minute: int) -> None:
    following = CLOCK_WORDS[hour % 12]
    spoken = {
        0: f"{CLOCK_WORDS[hour - 1]} o'clock",
        15: f"quarter past {CLOCK_WORDS[hour - 1]}",
        30: f"half past {CLOCK_WORDS[hour - 1]}",
        45: f"quarter to {following}",
    }[minute]
    ways = [
        f"{hour}:{minute:02}",
        f"{hour}.{minute:02}pm",
        f"{(hour + 12) % 24:02}:{minute:02}",
        spoken,
    ]
    for source in ways:
        for statement in ways:
            assert says(f"see you {source}", f"at {statement}"), (source, statement)


@given(st.integers(1000, 9_999_999))
def test_grouping_changes_no_number(number: int) -> None:
    for written in (str(number), f"{number:,}", f"£{number:,}"):
        assert says(f"it is {written} now", str(number))
        assert not says(f"it is {written} now", str(number + 1))


@given(st.text())
def test_any_text_has_values_within_it(text: str) -> None:
    assert len(fold(text)) == len(text)
    for source in (True, False):
        for value in values(text, source):
            assert 0 <= value.start < value.end <= len(text)


@pytest.mark.parametrize(
    ("source", "statement"),
    [
        ("it was $20", "20 dollars"),
        ("twenty quid each", "£20"),
        ("20 each, the cab was £18", "£20"),
        ("20€ please", "20 euros"),
        ("Rs. 500 for 3", "₹500"),
        ("500 for 3", "₹500"),
        ("2 pounds of flour, $5", "2"),
    ],
)
def test_one_currency_in_two_ways(source: str, statement: str) -> None:
    assert says(source, statement)


@pytest.mark.parametrize(
    ("source", "statement"),
    [
        ("it was $20", "£20"),
        ("twenty quid each", "$20"),
        ("20 each, the cab was £18", "$20"),
        ("20€ please", "20 dollars"),
        ("20 people, $20 each", "20 pounds"),
    ],
)
def test_two_currencies(source: str, statement: str) -> None:
    assert not says(source, statement)
