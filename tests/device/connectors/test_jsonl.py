"""JSON Lines: what is read, what each wrong key is told."""

from __future__ import annotations

import datetime as dt
import json
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device.connectors.jsonl import read_lines, thread_of
from device.errors import InputError
from device.messages import Message, Thread

PATH = Path("threads.jsonl")
GOOD: dict[str, Any] = {
    "id": "t",
    "me": "Anna",
    "title": "Ben",
    "is_group": False,
    "messages": [
        {"from": "Anna", "at": "18:02", "text": "home?"},
        {"from": "Ben", "at": "18:04", "text": "ten minutes"},
        {"from": "Ben", "at": "18:05", "text": "bring milk"},
    ],
}


def read(
    *records: Any, me: str | None = None, unread: int | None = None
) -> list[Thread | InputError]:
    lines = (r if isinstance(r, str) else json.dumps(r) for r in records)
    return list(read_lines("\n".join(lines), PATH, me, unread))


def one(record: Any, me: str | None = None, unread: int | None = None) -> Thread:
    [thread] = read(record, me=me, unread=unread)
    assert isinstance(thread, Thread), thread
    return thread


def wrong(record: Any) -> str:
    [error] = read(record)
    assert isinstance(error, InputError)
    assert str(error).startswith("threads.jsonl:1: ")
    return error.problem


def test_one_record() -> None:
    assert thread_of(GOOD) == one(GOOD)
    with pytest.raises(InputError, match=r"^messages\[0\]\.from must be a text") as caught:
        thread_of(GOOD | {"messages": [{"text": "x"}]})
    assert caught.value.path is None


def test_unread() -> None:
    assert one(GOOD).unread_from == 1
    assert one(GOOD | {"unread_from": 3}).unread_from == 3
    assert one(GOOD | {"unread_from": 0}).unread_from == 0
    assert one(GOOD | {"unread_from": 3}, unread=2).unread_from == 1
    assert one(GOOD, unread=9).unread_from == 0
    assert one(GOOD, unread=0).unread_from == 3
    silent = [m for m in GOOD["messages"] if m["from"] == "Ben"]
    assert one(GOOD | {"messages": silent}).unread_from == 0
    assert one(GOOD | {"messages": GOOD["messages"][:1]}).unread_from == 1


def test_group_is_told_by_the_number_of_people() -> None:
    record = {key: value for key, value in GOOD.items() if key != "is_group"}
    assert not one(record).is_group
    assert one(record | {"me": "Cara"}).is_group


@pytest.mark.parametrize(
    ("at", "date", "clock"),
    [
        ("7:05", None, dt.time(7, 5)),
        ("18:04:59", None, dt.time(18, 4)),
        ("2025-03-31T18:04", dt.date(2025, 3, 31), dt.time(18, 4)),
        ("2025-03-31 18:04:59.123", dt.date(2025, 3, 31), dt.time(18, 4)),
        ("2025-03-31", dt.date(2025, 3, 31), None),
        ("2025-03-31T22:30:00Z", dt.date(2025, 4, 1), dt.time(4, 0)),
        ("2025-03-31T22:30:00+05:30", dt.date(2025, 3, 31), dt.time(22, 30)),
        (None, None, None),
    ],
)
def test_at(
    at: str | None,
    date: dt.date | None,
    clock: dt.time | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TZ", "Asia/Kolkata")
    time.tzset()
    try:
        thread = one(GOOD | {"messages": [{"from": "Ben", "at": at, "text": "x"}]})
    finally:
        monkeypatch.undo()
        time.tzset()
    assert thread.messages == (Message("Ben", "x", clock, date),)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"id": None}, "id must be a text that isn't empty, but it is missing"),
        ({"id": 7}, "id must be a text that isn't empty, not 7"),
        ({"me": ""}, 'me must be a text that isn\'t empty, not ""'),
        ({"title": ["x"]}, "title must be a text, not a list"),
        ({"is_group": "no"}, 'is_group must be true or false, not "no"'),
        ({"messages": {}}, "messages must be a list, not an object"),
        ({"messages": []}, "messages is empty"),
        ({"messages": [GOOD["messages"][0], 1]}, "messages[1] must be an object"),
        ({"messages": [{"from": "Ben"}]}, "messages[0].text must be a text, but it is missing"),
        ({"messages": [{"text": "x"}]}, "messages[0].from must be a text"),
        ({"messages": [{"from": "B", "text": "x", "at": "25:00"}]}, 'not "25:00"'),
        ({"messages": [{"from": "B", "text": "x", "at": 18}]}, "messages[0].at must be a time"),
        ({"messages": [{"from": "B", "text": "x", "at": "0001-01-01T00:00+23:59"}]}, "].at must"),
        ({"unread_from": 4}, "unread_from must be a whole number from 0 to 3, not 4"),
        ({"unread_from": -1}, "unread_from must be"),
        ({"unread_from": True}, "unread_from must be"),
        ({"unread_from": 1.5}, "unread_from must be"),
    ],
)
def test_each_wrong_key_is_named(change: dict[str, Any], said: str) -> None:
    assert said in wrong(GOOD | change)


@pytest.mark.parametrize("line", ["{", '{"id": }', "[]", "7", '"x"', '{"id": "a"} {"id": "b"}'])
def test_a_broken_line(line: str) -> None:
    assert "must hold one thread" in wrong(line)


def test_one_bad_line_among_many() -> None:
    good, bad, blank, last = read(GOOD, "{oops", "", GOOD | {"id": "u"}, GOOD | {"id": "v"})
    assert isinstance(good, Thread)
    assert isinstance(bad, InputError)
    assert bad.line == 2
    assert isinstance(blank, Thread)
    assert isinstance(last, Thread)
    assert (blank.id, last.id) == ("u", "v")


def test_an_id_that_came_before_is_no_reason_to_lose_a_thread() -> None:
    first, second = read(GOOD, GOOD | {"title": "other"})
    assert isinstance(first, Thread)
    assert isinstance(second, Thread)
    assert (first.title, second.title) == ("Ben", "other")


def test_me_that_is_asked_for() -> None:
    assert one(GOOD, me="Ben").me == "Ben"
    assert one(GOOD, me="ben").unread_from == 3, "Ben wrote the last one"
    assert one(GOOD, me="-").me not in ("Anna", "Ben")
    assert one({k: v for k, v in GOOD.items() if k != "me"}, me="Anna") == one(GOOD)
    [error] = read(GOOD, me="Bem")
    assert isinstance(error, InputError)
    assert error.line == 1
    assert "nobody called 'Bem' wrote in this chat; did you mean 'Ben'?" in error.problem
    silent = GOOD | {"me": "Cara", "is_group": True}
    assert one(silent, me="Cara") == one(silent), "the line itself says who that is"


def test_no_title() -> None:
    for title in (None, "", " "):
        assert one(GOOD | {"title": title}).title is None


def test_windows_line_ends_and_separators_inside_texts() -> None:
    text = "a\u2028b\x0bc\x85d"
    message = {"from": "Ben", "text": text}
    line = json.dumps(GOOD | {"messages": [message]}, ensure_ascii=False)
    [thread] = read_lines(f"{line}\r\n\r\n", PATH)
    assert isinstance(thread, Thread)
    assert thread.messages[0].text == text


def test_lone_surrogates_become_replacement_characters() -> None:
    thread = one(GOOD | {"messages": [{"from": "Ben", "text": "\ud83d\ude00 \ud83d"}]})
    assert thread.messages[0].text == "😀 \ufffd"


TEXT = st.text(st.characters(exclude_categories=["Cs"]))
NAME = TEXT.filter(str.strip)
MINUTE = st.times().map(lambda t: t.replace(second=0, microsecond=0))


@settings(max_examples=60, deadline=None)
@given(
    me=NAME,
    title=st.none() | NAME,
    messages=st.lists(st.builds(Message, sender=NAME, text=TEXT, time=MINUTE), min_size=1),
    data=st.data(),
)
def test_what_is_written_comes_back(
    me: str, title: str | None, messages: list[Message], data: st.DataObject
) -> None:
    start = data.draw(st.integers(0, len(messages)))
    record = {
        "id": "x",
        "me": me,
        "title": title,
        "is_group": data.draw(st.booleans()),
        "unread_from": start,
        "messages": [{"from": m.sender, "at": f"{m.time:%H:%M}", "text": m.text} for m in messages],
    }
    line = json.dumps(record, ensure_ascii=data.draw(st.booleans()))
    [thread] = read_lines(line, PATH)
    assert thread == Thread("x", me, tuple(messages), title, bool(record["is_group"]), start)
