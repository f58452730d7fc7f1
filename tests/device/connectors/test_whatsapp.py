"""WhatsApp's exports: every layout gives back what was written, and no message vanishes."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device.connectors.whatsapp import read_chat
from device.connectors.whatsapp_words import LRM, MARKS
from device.errors import InputError
from device.language.triage import is_unknown
from device.messages import Thread
from device.settings import DateOrder

PATH = Path("_chat.txt")
NARROW = "\u202f"
"""The space that newer phones set before AM and PM."""
SPANISH = ("\u202fa.\xa0m.", "\u202fp.\xa0m.")
ARABIC = str.maketrans("0123456789,/", "٠١٢٣٤٥٦٧٨٩،/")


def items(text: str, **options: Any) -> list[InputError | Thread]:
    return read_chat(text, PATH, **{"me": "Anna", **options})


def read(text: str, **options: Any) -> Thread:
    *_, thread = items(text, **options)
    assert isinstance(thread, Thread)
    return thread


def half_day(when: dt.datetime, am: str, pm: str, seconds: bool = False) -> str:
    """A 12-hour time as phones write it: 12:05 AM is five past midnight."""
    rest = f"{when:%M:%S}" if seconds else f"{when:%M}"
    return f"{(when.hour - 1) % 12 + 1}:{rest}{pm if when.hour >= 12 else am}"


def chinese(when: dt.datetime, seconds: bool = False) -> str:
    """As phones write it: "下午6:04", "中午12:30"."""
    parts = {0: "凌晨", 6: "上午", 12: "中午", 13: "下午", 18: "晚上"}
    return parts[max(h for h in parts if h <= when.hour)] + half_day(when, "", "", seconds)


LAYOUTS: dict[str, tuple[Callable[[dt.datetime], str], DateOrder]] = {
    "android 24h": (lambda t: f"{t:%d/%m/%Y, %H:%M} - ", "dmy"),
    "android 12h us": (
        lambda t: f"{t.month}/{t.day}/{t:%y}, {half_day(t, ' AM', ' PM')} - ",
        "mdy",
    ),
    "android 12h narrow space": (
        lambda t: f"{t:%d/%m/%y}, {half_day(t, NARROW + 'am', NARROW + 'pm')} - ",
        "dmy",
    ),
    "android german": (lambda t: f"{t:%d.%m.%y}, {t:%H:%M} - ", "dmy"),
    "android portuguese": (lambda t: f"{t:%d/%m/%Y %H:%M} - ", "dmy"),
    "android french": (lambda t: f"{t:%d/%m/%Y à %H:%M} - ", "dmy"),
    "android dutch": (lambda t: f"{t:%d-%m-%Y %H:%M} - ", "dmy"),
    "android iso": (lambda t: f"{t:%Y-%m-%d, %H:%M} - ", "ymd"),
    "android spanish": (
        lambda t: f"{t.day}/{t.month}/{t:%y}, {half_day(t, *SPANISH)} - ",
        "dmy",
    ),
    "ios 24h": (lambda t: f"[{t:%d/%m/%y, %H:%M:%S}] ", "dmy"),
    "ios 12h": (
        lambda t: f"[{t.month}/{t.day}/{t:%y}, {half_day(t, NARROW + 'AM', NARROW + 'PM', True)}] ",
        "mdy",
    ),
    "ios german": (lambda t: f"[{t:%d.%m.%y, %H:%M:%S}] ", "dmy"),
    "ios year first": (
        lambda t: f"[{t:%Y-%m-%d}, {half_day(t, ' a.m.', ' p.m.', True)}] ",
        "ymd",
    ),
    "ios no comma": (lambda t: f"[{t:%d/%m/%Y %H:%M:%S}] ", "dmy"),
    "android arabic": (
        lambda t: f"{t.day}\u200f/{t.month}\u200f/{t.year}, {half_day(t, ' ص', ' م')} - ".translate(
            ARABIC
        ),
        "dmy",
    ),
    "ios arabic": (
        lambda t: f"\u200f[{t:%d/%m/%Y}, {half_day(t, ' ص', ' م', True)}] ".translate(ARABIC),
        "dmy",
    ),
    "android persian": (
        lambda t: f"{t:%Y/%m/%d},\u200f {half_day(t, ' ق.ظ.', ' ب.ظ.')} - ".translate(ARABIC),
        "ymd",
    ),
    "android chinese": (lambda t: f"{t.year}/{t.month}/{t.day} {chinese(t)} - ", "ymd"),
    "ios chinese": (lambda t: f"[{t.year}/{t.month}/{t.day} {chinese(t, True)}] ", "ymd"),
    "android korean": (
        lambda t: (
            f"{t.year}. {t.month}. {t.day}. {'오후' if t.hour >= 12 else '오전'} "
            f"{half_day(t, '', '')} - "
        ),
        "ymd",
    ),
}

LETTERS = st.characters(
    exclude_categories=("Cs", "Cc"), exclude_characters=MARKS + "<>()\u2028\u2029\x85"
)
NAMES = st.sampled_from(["Anna", "Ben O’Hara", "+44 7700 900123", "Zoë 🦊", "李雷", "Mum (home)"])
WORDS = st.text(LETTERS, min_size=1, max_size=30).map(str.strip).filter(bool)
TEXTS = st.lists(WORDS.map("x ".__add__), min_size=1, max_size=3).map("\n".join)
"""Lines that begin with a letter, so that none is a header or one of WhatsApp's own phrases."""
TIMES = st.datetimes(dt.datetime(2012, 1, 1), dt.datetime(2025, 12, 31))
CHATS = st.lists(st.tuples(TIMES, NAMES, TEXTS), min_size=1, max_size=8).map(sorted)


@pytest.mark.parametrize("layout", LAYOUTS)
@settings(max_examples=20, deadline=None)
@given(chat=CHATS)
def test_what_is_written_comes_back(layout: str, chat: list[tuple[dt.datetime, str, str]]) -> None:
    header, order = LAYOUTS[layout]
    export = "".join(f"{header(when)}{name}: {text}\n" for when, name, text in chat)
    thread = read(export, me="-", date_order=order)
    found = [(m.date, m.time, m.sender, m.text) for m in thread.messages]
    assert found == [
        (when.date(), dt.time(when.hour, when.minute), name, text) for when, name, text in chat
    ]
    assert len({m.id for m in thread.messages}) == len(chat)


@settings(max_examples=60, deadline=None)
@given(chat=st.lists(st.tuples(NAMES, st.text(max_size=40)), min_size=1, max_size=8))
def test_no_message_vanishes(chat: list[tuple[str, str]]) -> None:
    """Whatever people write, short of U+200E that marks WhatsApp's own words."""
    export = ""
    for name, text in chat:
        text = text.replace("\r", "").replace(LRM, "")
        export += f"31/03/2025, 18:04 - {name}: {text}\n"
    thread = read(export, me="-")
    assert len(thread.messages) == len(chat)
    assert all(m.text.strip() for m in thread.messages)


@settings(max_examples=60, deadline=None)
@given(text=st.text(st.sampled_from("1/.,: -[]APM\u202f\u200e<>()\nab"), max_size=120))
def test_any_text_raises_nothing_else(text: str) -> None:
    try:
        read("31/03/2025, 18:04 - Ben: hi\n" + text, me="-")
    except InputError:
        pytest.fail("a chat whose first line is whole can always be read")


@pytest.mark.parametrize(
    ("dates", "first"),
    [
        (["03/04/25", "13/04/25"], dt.date(2025, 4, 3)),  # no 13th month
        (["03/04/25", "04/13/25"], dt.date(2025, 3, 4)),
        (["01/02/25", "02/01/25"], dt.date(2025, 1, 2)),  # else time would run backwards
        (["01/02/25", "03/02/25"], dt.date(2025, 2, 1)),  # both will do: day first
        (["25/03/01", "25/04/02", "25/05/03"], dt.date(2025, 3, 1)),  # no chats before WhatsApp
        (["2025-03-04", "2025-03-05"], dt.date(2025, 3, 4)),
        (["1.2.2025", "13.2.2025"], dt.date(2025, 2, 1)),
    ],
)
def test_order_of_dates(dates: list[str], first: dt.date) -> None:
    thread = read("".join(f"{date}, 18:04 - Anna: hi\n" for date in dates))
    assert thread.messages[0].date == first
    assert len(thread.messages) == len(dates)


def test_order_that_is_asked_for() -> None:
    ambiguous = "03/04/25, 18:04 - Anna: hi\n"
    assert read(ambiguous, date_order="mdy").messages[0].date == dt.date(2025, 3, 4)
    with pytest.raises(InputError, match="13-4-25") as caught:
        read(ambiguous + "13/04/25, 18:04 - Anna: hi\n", date_order="mdy")
    assert caught.value.line == 2


def test_a_year_in_front_leaves_no_question() -> None:
    """Somebody whose settings say "day first" reads exports of such phones too."""
    export = "2025-03-04, 18:04 - Anna: hi\n"
    assert read(export, date_order="dmy").messages[0].date == dt.date(2025, 3, 4)


def test_headers_of_another_layout_or_of_no_date_are_text() -> None:
    pasted = "[31.03.25, 18:04:05] Bob: x\n31.03.2025, 18:04 - Bob: x\n99/99/2025, 18:04 - Bob: x\n"
    pasted += "31/03/2025, 25:61 - Bob: x"
    [message] = read(f"31/03/2025, 18:04 - Anna: look\n{pasted}\n").messages
    assert message.text == f"look\n{pasted}"


@pytest.mark.parametrize("date", ["99/99/2025", "2025-99-99"])
def test_first_date_that_does_not_exist(date: str) -> None:
    good = date.replace("99", "02")
    with pytest.raises(InputError, match=f"1: {date} is no date"):
        read(f"{date}, 18:04 - Anna: hi\n{good}, 18:05 - Anna: yes\n")


def test_names_with_a_colon() -> None:
    export = "31/03/2025, 18:04 - Dr: Who: hi: there\n31/03/2025, 18:05 - Anna: yes: no\n"
    thread = read(export, title="Dr: Who", me=None)
    assert [(m.sender, m.text) for m in thread.messages] == [
        ("Dr: Who", "hi: there"),
        ("Anna", "yes: no"),
    ]
    assert read(export).messages[0].sender == "Dr"
    assert read(export, title="Dr_ Who", me=None) == thread  # as files are named
    header = "[31/03/2025, 18:00:00] Dr: Who:"
    ios = f"{header} {LRM}Messages and calls are end-to-end encrypted.\n{header} hi: there\n"
    assert read(ios, me="-").messages[0].sender == "Dr: Who"
    thread = read(export, me="Dr: Who")
    assert thread.me == thread.messages[0].sender == "Dr: Who"


def test_a_stranger_is_told_by_a_tilde() -> None:
    """As triage needs it, and as WhatsApp shows it."""
    export = "31/03/2025, 18:04 - ~\u202fMia: hi\n31/03/2025, 18:04 - Mia: hi\n"
    thread = read(export, me="-")
    assert [m.sender for m in thread.messages] == ["~Mia", "Mia"]
    assert is_unknown("~Mia")
    assert len({m.id for m in thread.messages}) == 2
    alone = export.partition("\n")[0]
    assert read(alone, me="mia").me == "~Mia"
    known = read(alone.replace("~\u202f", ""), me="-")
    assert known.messages[0].id == thread.messages[0].id, "an import after Mia became a contact"


TWO = "31/03/2025, 18:04 - Ben: hi\n31/03/2025, 18:05 - Anna: yes\n31/03/2025, 18:06 - Ben: ok\n"


def test_wearer_is_known_only_where_the_title_names_the_other() -> None:
    assert read(TWO, me=None, title="Ben").me == "Anna"
    with pytest.raises(InputError, match="Ben, Anna"):
        read(TWO, me=None)
    with pytest.raises(InputError, match="did you mean 'Anna'"):
        read(TWO, me="Ana")
    with pytest.raises(InputError, match="did you mean 'Anna Lund'"):
        read(TWO.replace("Anna", "Anna Lund"), me="Ana")
    three = TWO + "31/03/2025, 18:07 - Cy: me too\n"
    with pytest.raises(InputError, match="Ben, Anna, Cy"):
        read(three, me=None, title="Ben")
    silent = read("31/03/2025, 18:04 - Ben: hi\n", me=None, title="Ben")
    assert silent.me not in {m.sender for m in silent.messages}
    assert (silent.is_group, silent.unread_from) == (False, 0)


def test_unread() -> None:
    assert read(TWO).unread_from == 2
    assert read(TWO, me="Ben").unread_from == 3
    assert read(TWO, unread=1).unread_from == 2
    assert read(TWO, unread=9).unread_from == 0
    assert read(TWO, unread=0).unread_from == 3


def test_group_or_not() -> None:
    assert not read(TWO, title="Ben").is_group
    assert read(TWO, title="Flat 4B").is_group
    assert read("31/03/2025, 18:00 - Ben created group “Flat”\n" + TWO).is_group


def test_a_group_speaks_only_in_notices_whatever_the_language() -> None:
    header = "[31/03/2025, 18:04:00]"
    export = (
        f"{header} Chór: {LRM}Messages and calls are end-to-end encrypted.\n"
        f"{header} Chór: {LRM}Ben dodał(a) Cię\n"
        f"{header} Ben: {LRM}obraz pominięto\n{header} Anna: hej\n{header} Cy: hej\n"
    )
    assert [(m.sender, m.text) for m in read(export).messages] == [
        ("Ben", "obraz pominięto"),  # a phrase that isn't known stays: no message vanishes
        ("Anna", "hej"),
        ("Cy", "hej"),
    ]


def test_a_person_may_quote_whatsapps_first_notice() -> None:
    quoted = "31/03/2025, 18:07 - Ben: Messages and calls are end-to-end encrypted, it says"
    thread = read(TWO + quoted + "\n")
    assert (thread.messages[-1].sender, len(thread.messages)) == ("Ben", 4)


@pytest.mark.parametrize("hostile", [" ", LRM, "<", "a.b (", "x: ", "\n", "[", f"{LRM}<", "1/"])
def test_hostile_messages_take_no_time(hostile: str) -> None:
    """A contact may send 65,536 characters; none of them may hang the reader."""
    start = time.process_time()
    long = hostile * (65_536 // len(hostile))
    read(f"31/03/2025, 18:04 - Anna: {long}\n{long}x\n")
    assert time.process_time() - start < 2
