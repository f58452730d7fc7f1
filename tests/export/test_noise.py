"""Typed otherwise, meant the same."""

from __future__ import annotations

import datetime as dt
import random

import pytest

from device.messages import Message, Thread, Triage
from export.data import Example
from export.noise import Typos, bare, merged, split
from export.retell import stays_true


def example(*said: tuple[str, str], unread_from: int = 0, glance: str = "") -> Example:
    messages = tuple(Message(who, text, dt.time(9, i)) for i, (who, text) in enumerate(said))
    thread = Thread("t", "Anna", messages, "Ben", False, unread_from)
    return Example(thread, glance, "", None, Triage(True, "low"), (), "p", "en")


def said(found: Example) -> list[str]:
    return [m.text for m in found.thread.messages]


LONG = example(
    *[("Ben", "the concert wasn't moved, seventeen of us never queue on wednesday https://ab.cd/where")]
    * 40,
    ("Marek", "marek brings the concert tickets"),
    glance="Ben: concert wasn't moved",
)  # fmt: skip


def test_slips_leave_alone_what_targets_stand_on() -> None:
    found = Typos([LONG])(LONG, random.Random(0))
    assert said(found) != said(LONG)
    assert found.glance == LONG.glance
    assert stays_true(LONG, found)
    for text in said(found)[:40]:
        for kept in ("wasn't", "seventeen", "never", "wednesday", "https://ab.cd/where"):
            assert kept in text
    assert said(found)[40].startswith("marek")


def test_a_slip_makes_no_other_word() -> None:
    words = [w for text in said(LONG) for w in text.split()]
    typos = Typos([LONG, example(("Ben", "conecrt cncert cooncert"))])
    slips = {
        w for n in range(20) for text in said(typos(LONG, random.Random(n))) for w in text.split()
    }
    new = slips - set(words)
    assert new
    assert not new & {"conecrt", "cncert", "cooncert"}


def test_without_emoji() -> None:
    found = bare(
        example(("Ben", "done 🎉🎉 see you 👩🏽‍🍳"), ("Ben", "😀"), ("Ben", "coming? 👍 ✅ 3️⃣ 🇮🇳")),
        random.Random(0),
    )
    assert said(found) == ["done see you", "😀", "coming? 👍 ✅ 3️⃣ 🇮🇳"]
    told = example(("Ben", "the 🎸 and the 🎉"), glance="Ben brings the 🎸")
    assert said(bare(told, random.Random(0))) == ["the 🎸 and the"]


def test_run_together() -> None:
    chat = example(("Ben", "home."), ("Ben", "key?"), ("Anna", "hi"), unread_from=2)
    found = merged(chat, random.Random(0))
    assert said(found) == ["home. key?", "hi"]
    assert found.thread.unread_from == 1
    assert found.thread.messages[0].time == dt.time(9, 0)


@pytest.mark.parametrize(
    "chat",
    [
        example(("Ben", "home"), ("Zoe", "key?")),
        example(("Ben", "home"), ("Ben", "key?"), unread_from=1),
        example(("Ben", "home")),
    ],
    ids=["two people", "read and new", "one message"],
)
def test_kept_apart(chat: Example) -> None:
    assert merged(chat, random.Random(0)) is chat


def test_taken_apart() -> None:
    chat = example(
        ("Zoe", "hi"), ("Ben", "I am home. where is the key?"), ("Ben", "x"), unread_from=2
    )
    found = split(chat, random.Random(0))
    assert said(found) == ["hi", "I am home.", "where is the key?", "x"]
    assert found.thread.unread_from == 3
    assert {m.time for m in found.thread.messages[1:3]} == {dt.time(9, 1)}


@pytest.mark.parametrize(
    "text",
    [
        "at 7 a.m. sharp",
        "ask Dr. Lindqvist",
        "no. 5 is ours",
        'she said "no! never" twice',
        "(yes! both)",
    ],
)
def test_left_whole(text: str) -> None:
    chat = example(("Ben", text))
    assert split(chat, random.Random(0)) is chat
