"""One value however it is written; a reader that takes any text; a source that knows its own."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.language.value_supply import Supply
from device.language.values import HALF_DAY, Value, fold, values

HOURS = (
    "twelve", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
    "eleven",
)  # fmt: skip
ODD = st.text(max_size=60) | st.text("0123456789:.,½٣ ampkhalf£$-/'’", max_size=40)


def only(text: str, source: bool = False) -> Value:
    """The one value of a text."""
    (value,) = values(text, source)
    return value


def times(text: str) -> set[float]:
    return {v.number for v in values(text, source=True) if v.kind == "time"}


@given(st.integers(0, 23), st.integers(0, 59))
def test_a_time_is_the_same_in_every_clock(hour: int, minute: int) -> None:
    half = "am" if hour < 12 else "pm"
    twelve = hour % 12 or 12
    wanted = (60 * hour + minute) % HALF_DAY
    written = [
        f"{hour}:{minute:02}", f"{hour:02}:{minute:02}", f"{hour}.{minute:02}",
        f"{twelve}:{minute:02} {half}", f"{twelve}.{minute:02}{half}",
        f"{twelve}:{minute:02} {half[0]}.m.",
    ]  # fmt: skip
    assert {only(text).number for text in written} == {wanted}
    assert {only(text).kind for text in written} == {"time"}
    assert {only(text).half for text in written[3:]} == {half}


@given(st.integers(0, 11), st.sampled_from([0, 5, 10, 15, 20, 25, 30, 35, 40, 45, 50, 55]))
def test_a_time_in_words_is_the_time_in_digits(hour: int, minute: int) -> None:
    here, after = HOURS[hour], HOURS[(hour + 1) % 12]
    words = {0: f"{here} o'clock", 15: f"quarter past {here}", 30: f"half past {here}",
             45: f"quarter to {after}"}  # fmt: skip
    spelt = {5: "five", 10: "ten", 20: "twenty", 25: "twenty-five"}
    if minute in spelt:
        words[minute] = f"{spelt[minute]} past {here}"
    elif 60 - minute in spelt:
        words[minute] = f"{spelt[60 - minute]} to {after}"
    value = only(f"we meet at {words[minute]} there")
    assert (value.kind, value.number) == ("time", 60 * hour + minute)


@pytest.mark.parametrize(
    "written",
    ["half seven", "half past seven", "half-past seven", "half 7", "7:30", "19:30", "7.30pm",
     "7h30", "730pm", "7 30", "seven thirty", "saade saat", "saadhe saat baje", "sadhe 7 baje",
     "siete y media", "a las siete y media", "7 y media"],
)  # fmt: skip
def test_half_seven_in_the_source(written: str) -> None:
    assert 450 in times(written)
    assert Supply([f"aaj {written} ok"]).has(only("dinner is at 7:30"))
    assert not Supply([f"aaj {written} ok"]).has(only("dinner is at 7:45"))


@pytest.mark.parametrize(
    ("written", "minutes"),
    [("7 baje", 420), ("aath baje", 480), ("paune aath", 465), ("sawa saat", 435), ("noon", 0),
     ("ocho menos cuarto", 465), ("nueve y cuarto", 555), ("mediodía", 0), ("at seven", 420)],
)  # fmt: skip
def test_other_times_in_the_source(written: str, minutes: int) -> None:
    line = f"at {minutes // 60 or 12}:{minutes % 60:02}"
    assert Supply([written]).has(only(line))


@given(st.integers(1000, 999_999))
def test_a_number_is_the_same_with_and_without_groups(number: int) -> None:
    for written in (str(number), f"{number:,}", f"{number:,}".replace(",", " ")):
        assert only(written).number == number
    if number % 1000 == 0:
        assert only(f"{number // 1000}k").number == number


@pytest.mark.parametrize(
    ("written", "kind", "number"),
    [("£65", "amount", 65), ("Rs 1,249", "amount", 1249), ("$2.5k", "amount", 2500),
     ("R11 800", "amount", 11800), ("twelve thousand", "word", 12000), ("a dozen", "word", 12),
     ("twenty-four", "word", 24), ("3.1", "number", 3.1), ("3,1", "number", 3.1),
     ("the 3rd", "date", 3), ("9½", "number", 9.5), ("½", "number", 0.5)],
)  # fmt: skip
def test_numbers_and_amounts(written: str, kind: str, number: float) -> None:
    value = only(written)
    assert (value.kind, value.number) == (kind, number)


def test_dates_know_their_month() -> None:
    assert (only("14 March").number, only("14 March").month) == (14, 3)
    assert only("March 14").month == 3
    assert [v.month for v in values("12-14 May")] == [5, 5]
    source = Supply(["the 14 MAR sailing"])
    assert source.has(only("14 March"))
    assert not source.has(only("14 April"))
    assert not source.has(only("16 March"))


def test_weekdays_in_several_languages() -> None:
    for day in ("Thu", "thursday", "jueves", "guruvar", "Donnerstag"):
        assert Supply([day]).has(only("on Thursday")), day
        assert not Supply([day]).has(only("on Friday")), day


def test_am_and_pm_contradict_and_silence_does_not() -> None:
    assert Supply(["at 7pm"]).has(only("7 pm"))
    assert Supply(["at 7"]).has(only("7 pm"))
    assert Supply(["at 19:00"]).has(only("7pm"))
    assert Supply(["at 19:00"]).has(only("at 7:00"))
    assert not Supply(["at 7pm"]).has(only("7am"))
    assert not Supply(["at 19:00"]).has(only("7am"))


def test_thousands_do_not_offer_their_parts() -> None:
    assert not Supply(["it is £12,000"]).has(only("£12"))
    assert Supply(["it is £12,000"]).has(only("12k"))
    assert Supply(["rooms 101 102 103"]).has(only("room 102"))


@given(ODD)
def test_any_text_is_read_and_every_value_stands_where_it_says(text: str) -> None:
    folded = fold(text)
    assert len(folded) == len(text)
    for source in (False, True):
        found = values(text, source)
        assert all(0 <= v.start < v.end <= len(text) for v in found)
        assert all(v.number == v.number for v in found), "no NaN"


@pytest.mark.parametrize("digit", "²①½٣")
def test_digits_that_are_no_decimals_are_read(digit: str) -> None:
    assert 450 in times(f"{digit} y media, saadhe {digit}, siete y media")


@given(ODD)
def test_a_text_offers_its_own_values(text: str) -> None:
    supply = Supply([text])
    for value in values(text):
        assert supply.has(value), (text, value)


@given(st.text(max_size=60))
def test_a_statement_reads_no_stretch_twice(text: str) -> None:
    spans = sorted((v.start, v.end) for v in values(text))
    assert all(a[1] <= b[0] for a, b in pairwise(spans))
