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
        "let's go for 8",
        "let's go with eight",
        "let's meet at 8",
        "change of plan: 8",
        "change of plans, 8",
        "moved to 8:30",
        "let's do Saturday",
    ],
)
def test_what_changes_or_calls_off_answers(inbox: Inbox, change: str) -> None:
    keep(inbox, ("Tom", "dinner on Friday at 7"), ("Sara", change))
    assert answer(inbox, "when is dinner?") == change


@pytest.mark.parametrize(
    "off",
    [
        "dinner is cancelled",
        "dinner's off, I have the flu",
        "we called off dinner",
        "cancelled, I'm ill",
        "it's cancelled everyone",
    ],
)
def test_what_calls_it_off_is_told_along(inbox: Inbox, off: str) -> None:
    keep(inbox, ("Tom", "dinner on Friday at 7"), ("Sara", off))
    best, other = ask(inbox, "when is dinner?", limit=1)
    assert best.message.text == "dinner on Friday at 7"
    assert (other.message.text, turn(other, best)) == (off, "later")
    assert f"Later, Sara, today 09:01, in t: {off}" in spoken([best, other], TODAY)


def test_a_sum_without_its_currency_may_change_one(inbox: Inbox) -> None:
    keep(
        inbox, ("Tom", "tickets are 20 euro"), ("Sara", "it's 25 now"), ("Tom", "it's 30 euro now")
    )
    assert answer(inbox, "how much are the tickets?") == "it's 30 euro now"


@pytest.mark.parametrize(
    ("between", "change"),
    [
        ("one sec", "make it 6:30"),
        ("can I bring one friend?", "yes! make it 7 though"),
        ("I can bring 2 bottles of wine", "great, make it 7:30"),
        ("I'm 5 min late", "ok let's make it half 8"),
        ("can't before 6:30", "make it 7"),
    ],
)
def test_a_change_passes_over_what_is_no_time(inbox: Inbox, between: str, change: str) -> None:
    keep(inbox, ("Ida", "dinner at 6"), ("Ben", between), ("Ida", change))
    assert answer(inbox, "when is dinner?") == change


def test_a_change_of_a_change_answers(inbox: Inbox) -> None:
    later = ("make it 8", "ok?", "no, let's do 9")
    keep(inbox, ("Tom", "dinner at 7"), *zip(("Sara", "Sara", "Tom"), later, strict=True))
    assert answer(inbox, "when is dinner?") == "no, let's do 9"


DINNER = ("when is dinner?", "dinner is at 7")
TICKETS = ("how much are the tickets?", "tickets are 20 euro")
FERRY = ("when is the ferry?", "ferry is at 18:20, bring the tickets")
CODE = ("what's the door code?", "the door code is 4471")


@pytest.mark.parametrize(
    ("of", "between", "change"),
    [
        (("when does the flight land?", "flight lands at 9:40"), "dinner at 7?", "make it 8"),
        (DINNER, "tickets are 12 euro", "it's 15 now"),
        (DINNER, "the door code is 4471", "changed to 5512"),
        (DINNER, "who brings chairs? we need 4", "make it 6"),
    ],
)
def test_a_bare_change_is_of_the_last_that_was_spoken_of(
    inbox: Inbox, of: tuple[str, str], between: str, change: str
) -> None:
    question, said = of
    keep(inbox, ("Tom", said), ("Sara", between), ("Sara", change))
    assert answer(inbox, question) == said


def test_a_number_that_may_be_a_time_is_told_along(inbox: Inbox) -> None:
    keep(inbox, ("Ann", "match at 3"), ("Ben", "we are 9 players"), ("Ann", "make it 4"))
    best, other = ask(inbox, "when is the match?", limit=1)
    assert best.message.text == "match at 3"
    assert (other.message.text, turn(other, best)) == ("make it 4", "later")


def test_and_of_that_it_is_one(inbox: Inbox) -> None:
    keep(inbox, ("Tom", "flight lands at 9:40"), ("Sara", "dinner at 7?"), ("Sara", "make it 8"))
    assert answer(inbox, "when is dinner?") == "make it 8"


@pytest.mark.parametrize(
    ("of", "said"),
    [
        *((DINNER, said) for said in (
            "let's say hello to Ida at 8",
            "let's do lunch",
            "bring eight",
            "no need to bring wine to dinner",
            "no need to bring anything",
            "I'll drop it at yours",
            "don't cancel dinner!",
            "not cancelled!",
            "is dinner cancelled?",
            "dinner isn't cancelled",
            "if dinner is cancelled tell me",
            "I cancelled yoga so I can come to dinner",
            "yoga's off",
            "yoga is cancelled, see you at dinner",
            "my phone's off at work",
            "Pim's off to bed",
            "she's off to dinner",
            "never mind the rain, I'm in",
            "nvm found it",
            "forget that last message, wrong chat",
        )),
        (FERRY, "don't bother printing them"),
        (TICKETS, "no need for cash, transfer is fine"),
        (TICKETS, "rehearsal's off"),
        (TICKETS, "see you at 8 now"),
        (TICKETS, "let's go with 2 cars"),
        (CODE, "let's meet at 8"),
        (("how many eggs?", "buy 6 eggs"), "let's meet at 8"),
        (("what's Ben's phone number?", "Ben's phone number is 06123"), "Ben's party is cancelled"),
        (("when does Tom's train arrive?", "Tom's train arrives at 6:52"), "Tom cancelled yoga"),
        (("when does school start?", "school starts at 8:15"), "the school trip is cancelled"),
        (("how much is the hotel?", "hotel is 90 euro"), "the hotel can be cancelled until Monday"),
        (("when is the party?", "party is at 8"), "the old party room is off limits"),
        (DINNER, "he cancelled again"),
        (DINNER, "she's off today"),
        (CODE, "ignore my missed call"),
        (CODE, "meeting's off"),
        (("where are the keys?", "keys are under the mat"), "I dropped it on the stairs"),
        (("who brings the tent?", "I bring the tent"), "no need for a second tent"),
    ],
)  # fmt: skip
def test_what_only_sounds_like_a_change_changes_nothing(
    inbox: Inbox, of: tuple[str, str], said: str
) -> None:
    keep(inbox, ("Tom", of[1]), ("Sara", said))
    best, *others = ask(inbox, of[0])
    assert best.message.text == of[1]
    assert not any(turn(one, best) for one in others)


def test_what_was_called_off_and_set_again_is_on(inbox: Inbox) -> None:
    anew = "dinner is on again, 8 o'clock"
    keep(inbox, ("Tom", DINNER[1]), ("Sara", "dinner is cancelled"), ("Tom", anew))
    best, *others = ask(inbox, DINNER[0])
    assert best.message.text == anew
    assert not any(turn(one, best) == "later" for one in [best, *others])


def test_another_platform_is_no_other_time(inbox: Inbox) -> None:
    keep(inbox, ("Ann", "train leaves 6:52 from platform 7"), ("Ann", "platform changed to 5"))
    assert answer(inbox, "which platform is the train?") == "platform changed to 5"
    assert answer(inbox, "when does the train leave?") == "train leaves 6:52 from platform 7"


def test_only_what_was_changed_stands_before(inbox: Inbox) -> None:
    keep(inbox, *(("Tom", text) for text in ("dinner is on me", "dinner is at 7", "make it 8")))
    best, *others = ask(inbox, "what did Tom say about dinner?")
    assert best.message.text == "make it 8"
    assert {one.message.text: turn(one, best) for one in others} == {
        "dinner is at 7": "before",
        "dinner is on me": "",
    }


def test_what_changes_a_reply_changes_what_was_asked(inbox: Inbox) -> None:
    keep(inbox, ("Sara", "when is the match?"), ("Tom", "at 3"), ("Tom", "make it 4"))
    assert answer(inbox, "when is the match?") == "make it 4"


def test_a_sum_is_no_time_and_one_is_none_either(inbox: Inbox) -> None:
    keep(inbox, ("Tom", "the show tickets are 20 euro"), ("Tom", "the show is the blue one"))
    assert answer(inbox, "when is the show?") is None


def test_nobody_is_changed_by_a_number(inbox: Inbox) -> None:
    keep(inbox, ("Tom", "Ida brings the tent"), ("Sara", "two tents now"))
    best, *others = ask(inbox, "who brings the tent?")
    assert best.message.text == "Ida brings the tent"
    assert not any(turn(one, best) for one in others)
