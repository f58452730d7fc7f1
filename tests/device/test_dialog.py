"""Slots: filled, asked for, never guessed."""

from __future__ import annotations

import datetime as dt

import pytest

from device.dialog import Dialog, Meant, Place, Question
from device.utterances import Utterance

PLACES = [
    Place("1", "David"),
    Place("2", "Sarah Miller"),
    Place("3", "Sarah Jones"),
    Place("4", "Climbing group"),
]


def take(*words: str) -> Meant | Question:
    """What the last of several utterances means."""
    dialog = Dialog()
    *_, last = (dialog.take(one, PLACES) for one in words)
    return last


def test_a_name_finds_its_conversation() -> None:
    assert take("reply to david") == Meant(Utterance("reply", name="david"), PLACES[0])
    assert take("reply to Sarah Jones that I'm late") == Meant(
        Utterance("reply", name="Sarah Jones", text="I'm late"), PLACES[2]
    )
    muted = take("mute climbing until 18:30")
    assert isinstance(muted, Meant)
    assert (muted.place, muted.said.until) == (PLACES[3], dt.time(18, 30))


@pytest.mark.parametrize(
    ("words", "question"),
    [
        ("reply to sarah", "Sarah Miller or Sarah Jones?"),
        ("reply to", "David, Sarah Miller or Sarah Jones?"),
        ("reply to Nobody", "Nobody is called Nobody here."),
        ("mute Climbing group", "Until when?"),
        ("mute David until whenever", "Until when?"),
        ("change Friday", "To what?"),
        ("change", "Change what?"),
        ("change to Friday", "Change what?"),
    ],
)
def test_what_lacks_is_asked(words: str, question: str) -> None:
    assert take(words) == Question(question)


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (("reply to sarah", "Sarah Jones"), ("reply", PLACES[2])),
        (("reply to sarah", "jones"), ("reply", PLACES[2])),
        (("reply to sarah", "the second"), ("reply", PLACES[2])),
        (("mute", "David", "half past six"), ("mute", PLACES[0])),
        (("change Friday", "Saturday"), ("change", None)),
        (("reply to sarah", "cancel"), ("cancel", None)),
        (("reply to sarah", "send"), ("confirm", None)),
        (("reply to sarah", "hello there"), ("unclear", None)),
        (("mute David", "no idea"), ("unclear", None)),
        (("reply to sarah", "what?", "sarah jones"), ("unclear", None)),
    ],
)
def test_an_answer_fills_the_slot_and_nothing_else_does(
    words: tuple[str, ...], meant: tuple[str, Place | None]
) -> None:
    found = take(*words)
    assert isinstance(found, Meant)
    assert (found.said.act, found.place) == meant


def test_a_number_that_no_name_has_is_asked_again_and_picks_no_draft() -> None:
    question = Question("Sarah Miller or Sarah Jones?")
    assert take("reply to sarah", "the third one") == question
    again = take("reply to sarah", "the third one", "the second one")
    assert isinstance(again, Meant)
    assert again.place == PLACES[2]


def test_both_slots_of_a_change_are_asked_for() -> None:
    found = take("change", "Friday", "Saturday")
    assert isinstance(found, Meant)
    assert (found.said.old, found.said.new) == ("Friday", "Saturday")


def test_two_of_one_name_can_be_told_apart_by_their_number() -> None:
    twins = [Place("1", "Ben"), Place("2", "Ben")]
    dialog = Dialog()
    assert dialog.take("reply to Ben", twins) == Question("Ben or Ben?")
    assert dialog.take("second", twins) == Meant(Utterance("reply", name="Ben"), twins[1])
