"""What a later message changes of an answer."""

from __future__ import annotations

import pytest

from device.answers import spoken
from device.ask import ask, turn
from device.commands.ask import show
from device.displays.terminal import Screen
from device.inbox import Inbox
from tests.device.ask.conftest import TODAY, answer, keep


@pytest.mark.parametrize(
    ("later", "best"),
    [
        (["can't, the match", "make it 8:15"], "make it 8:15"),
        (["make it half 8"], "make it half 8"),
        (["Luigi's is full, make it half 8"], "Luigi's is full, make it half 8"),
        (["make it half 8?", "ok half 8 then"], "ok half 8 then"),
        (["could we do half 8 instead?", "sure"], "could we do half 8 instead?"),
        (["let's make it half 8"], "let's make it half 8"),
        (["we'd make it half 8 then"], "we'd make it half 8 then"),
        (["could we do half 8 instead?", "no"], "Dinner on Friday, 7 at Luigi's"),
        (["the dentist is at 9 now", "ok 9 then"], "Dinner on Friday, 7 at Luigi's"),
        (["ferry: make it 6:30"], "Dinner on Friday, 7 at Luigi's"),
    ],
)
@pytest.mark.parametrize(
    "question", ["when is dinner?", "what time on Friday?", "when are we meeting at Luigi's?"]
)
def test_the_newest_that_replaces_an_earlier_one_answers(
    inbox: Inbox, question: str, later: list[str], best: str
) -> None:
    senders = ("Sara", "Tom")
    keep(inbox, ("Tom", "Dinner on Friday, 7 at Luigi's"), *zip(senders, later, strict=False))
    assert answer(inbox, question) == best


FLIGHTS = ("Ben", "Shall we book the flights for 12 June?")
LONG_CHANGE = "my sister only gets back from her trip on Thursday night, let's make it 19 June"


@pytest.mark.parametrize("change", ["let's make it 19 June", LONG_CHANGE])
@pytest.mark.parametrize("question", ["when did Ben say the flights are?", "when are the flights?"])
def test_what_somebody_else_changed_later_is_told_along(
    inbox: Inbox, question: str, change: str
) -> None:
    keep(inbox, FLIGHTS, ("Cleo", "fine by me"), ("Ana", change), ("Ben", "the flights were cheap"))
    found = ask(inbox, question, limit=2 if question == "when are the flights?" else 1)
    assert {one.message.text for one in found} == {FLIGHTS[1], change}
    best, other = found
    assert turn(other, best) == ("later" if best.message.sender == "Ben" else "before")
    if "Ben" in question:
        assert best.message.sender == "Ben"
        assert f"Later, Ana, today 09:02, in t: {change}" in spoken(found, TODAY)


@pytest.mark.parametrize(
    "after", ["19 June is my birthday", "the dentist is now on 14 June", "let's make it two bags"]
)
def test_what_changes_nothing_is_no_later_word(inbox: Inbox, after: str) -> None:
    keep(inbox, ("Ben", "the flights are on 12 June"), ("Ana", after))
    best, *others = ask(inbox, "when are the flights?")
    assert best.message.sender == "Ben"
    assert not any(turn(one, best) for one in others)


def test_what_was_changed_is_shown_so(inbox: Inbox, capsys: pytest.CaptureFixture[str]) -> None:
    keep(inbox, FLIGHTS, ("Ana", "let's make it 19 June"))
    show(ask(inbox, "when are the flights?"), None, Screen())
    assert "before\n❝ Shall we book" in capsys.readouterr().out
    show(ask(inbox, "when did Ben say the flights are?"), None, Screen())
    assert "later\n❝ let's make it 19 June" in capsys.readouterr().out


def test_a_corrected_number_is_no_time(inbox: Inbox) -> None:
    keep(inbox, ("Ann", "train leaves 6:52 from platform 7"), ("Ann", "Correction: platform 9"))
    assert answer(inbox, "which platform does the train leave from?") == "Correction: platform 9"
    assert answer(inbox, "when does the train leave?") == "train leaves 6:52 from platform 7"


@pytest.mark.parametrize(
    "change",
    [
        "make it eight",
        "let's say 8",
        "let's do eight then",
        "change of plan: 8",
        "moved to 8:30",
        "dinner is cancelled",
        "cancelled, I'm ill",
    ],
)
def test_what_changes_or_calls_off_answers(inbox: Inbox, change: str) -> None:
    keep(inbox, ("Tom", "dinner on Friday at 7"), ("Sara", change))
    assert answer(inbox, "when is dinner?") == change


def test_a_sum_without_its_currency_changes_one(inbox: Inbox) -> None:
    keep(inbox, ("Tom", "tickets are 20 euro"), ("Sara", "it's 25 now"))
    assert answer(inbox, "how much are the tickets?") == "it's 25 now"


def test_a_change_of_a_change_answers(inbox: Inbox) -> None:
    later = ("make it 8", "ok?", "no, let's do 9")
    keep(inbox, ("Tom", "dinner at 7"), *zip(("Sara", "Sara", "Tom"), later, strict=True))
    assert answer(inbox, "when is dinner?") == "no, let's do 9"


def test_a_bare_change_is_of_the_last_that_was_spoken_of(inbox: Inbox) -> None:
    keep(inbox, ("Tom", "flight lands at 9:40"), ("Sara", "dinner at 7?"), ("Sara", "make it 8"))
    assert answer(inbox, "when does the flight land?") == "flight lands at 9:40"
    assert answer(inbox, "when is dinner?") == "make it 8"


def test_another_platform_is_no_other_time(inbox: Inbox) -> None:
    keep(inbox, ("Ann", "train leaves 6:52 from platform 7"), ("Ann", "platform changed to 5"))
    assert answer(inbox, "which platform is the train?") == "platform changed to 5"
    assert answer(inbox, "when does the train leave?") == "train leaves 6:52 from platform 7"


@pytest.mark.parametrize("said", ["let's say hello to Ida at 8", "let's do lunch", "bring eight"])
def test_what_only_sounds_like_a_change_changes_nothing(inbox: Inbox, said: str) -> None:
    keep(inbox, ("Tom", "dinner at 7"), ("Sara", said))
    assert answer(inbox, "when is dinner?") == "dinner at 7"


def test_only_what_was_changed_stands_before(inbox: Inbox) -> None:
    said = ("the dinner place is lovely, ask for the room on the second floor", "dinner is at 7")
    keep(inbox, *(("Tom", text) for text in said), ("Sara", "make it 8"))
    best, *others = ask(inbox, "when is dinner?")
    assert best.message.text == "make it 8"
    assert {one.message.text for one in others if turn(one, best)} == {"dinner is at 7"}
