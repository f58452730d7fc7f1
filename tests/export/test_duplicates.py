"""Nearly the same thread is found, whoever speaks in it; what people often say is none."""

from __future__ import annotations

from device.messages import Message, Thread
from export.duplicates import twins

LONG = (
    "the ferry to the island leaves from pier nine now",
    "bring the blue cooler and both of the folding chairs please",
    "and tell Marek that the tickets are at the desk under my name",
)


def thread(name: str, *texts: str, sender: str = "Ida") -> Thread:
    return Thread(name, "Wren", tuple(Message(sender, text) for text in texts))


HELD_OUT = [thread("held", *LONG), thread("short", "ok see you tomorrow")]


def found(*texts: str, sender: str = "Ida") -> list[str]:
    return [t.held_out for t in twins([thread("x", *texts, sender=sender)], HELD_OUT)]


def test_the_same_under_other_names() -> None:
    assert found(*LONG, sender="Otto") == ["held"]
    assert found(*(text.upper() + "!" for text in LONG)) == ["held"]


def test_one_word_changed() -> None:
    assert found(*(text.replace("blue", "red") for text in LONG)) == ["held"]


def test_a_part_and_a_whole() -> None:
    assert found(*LONG[:2]) == ["held"]
    assert found(*LONG, *(f"{n} geese went over the {n} barns at dusk" for n in range(9))) == [
        "held"
    ]


def test_others() -> None:
    assert (
        found("the ferry to the island leaves at nine", "shall I bring chairs or a cooler?") == []
    )


def test_what_anybody_says_is_no_evidence() -> None:
    assert found("ok see you tomorrow") == []
