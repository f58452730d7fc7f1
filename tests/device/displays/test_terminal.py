"""A card in the terminal: readable on a narrow screen too."""

from __future__ import annotations

import datetime as dt
import io

import pytest
from rich.console import Console
from rich.text import Text

from device.displays.terminal import hang, legend, show_card, show_thread
from device.messages import Card, Draft, Line, Message, Thread, Triage

LONG = "can you bring three chairs and the blue folding table from the cellar on Saturday at 9:30?"
CARD = Card(
    "t", Line("Ben: chairs?", "model"), Line("Ben asks for chairs.", "model"), None,
    Triage(True, "normal"), (Draft("accept", LONG),), "tiny", 9,
    dict.fromkeys(("prepare", "glance", "triage", "summary", "asks", "replies"), 1.0),
)  # fmt: skip


def screen(width: int) -> Console:
    return Console(file=io.StringIO(), width=width, highlight=False)


def shown(console: Console) -> list[str]:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


def thread(*texts: str, sender: str = "Ben", day: int = 0) -> Thread:
    monday = dt.date(2025, 3, 31)
    messages = [
        Message(sender, text, dt.time(8, 2), monday + dt.timedelta(day * i))
        for i, text in enumerate(texts)
    ]
    return Thread("t", "Anna", tuple(messages), "Ben")


@pytest.mark.parametrize("width", [40, 80])
def test_a_long_message_hangs_under_its_text(width: int) -> None:
    console = screen(width)
    show_thread(thread(LONG), console)
    first, *rest = shown(console)[2:]
    assert first.startswith("  08:02 Ben can you")
    assert rest
    assert all(line.startswith(" " * 12 + line.strip()[0]) for line in rest)
    assert all(len(line) <= width for line in (first, *rest))
    assert " ".join(line.strip() for line in (first, *rest)) == f"08:02 Ben {LONG}"


def test_a_long_name_stands_over_its_text() -> None:
    console = screen(40)
    show_thread(thread(LONG, sender="Benedikt Maria von und zu Hohenlohe"), console)
    lines = shown(console)[2:]
    assert lines[:3] == [
        "  08:02 Benedikt Maria von und zu",
        "    Hohenlohe",
        "    can you bring three chairs and the",
    ]


@pytest.mark.parametrize("text", ["", "x" * 100, "李" * 50, "a\n\nb"])
@pytest.mark.parametrize("width", [1, 7, 40])
def test_any_text_on_any_width(text: str, width: int) -> None:
    console = screen(width)
    hang(Text("head "), Text(text), console)
    assert "".join("".join(shown(console)).split()) == "head" + "".join(text.split())


def test_each_day_has_its_date_once() -> None:
    console = screen(80)
    show_thread(thread("a", "b"), console)
    show_thread(thread("a", "b", day=1), console)
    dates = [line for line in shown(console) if "2025" in line]
    assert dates == ["  Mon 31 Mar 2025", "  Mon 31 Mar 2025", "  Tue 1 Apr 2025"]


@pytest.mark.parametrize("width", [40, 80])
def test_a_card_fits(width: int) -> None:
    console = screen(width)
    console.print(legend())
    show_card(CARD, console)
    lines = shown(console)
    assert all(len(line) <= width for line in lines)
    [start] = [i for i, line in enumerate(lines) if line.strip().startswith("draft 1")]
    assert lines[start + 1].startswith(" " * 11)


def test_nothing_new() -> None:
    """The lens stays dark; a summary is there all the same, and no drafts are missed."""
    console = screen(80)
    quiet = Card(
        "t", CARD.glance, CARD.summary, None, Triage(False, "low"), (), "tiny", 9, CARD.timings_ms
    )
    show_card(quiet, console, nothing_new=True)
    text = "\n".join(shown(console))
    assert "nothing new" in text
    assert "Ben asks for chairs." in text
    for word in ("Ben: chairs?", "urgency", "asks you", "draft"):
        assert word not in text
