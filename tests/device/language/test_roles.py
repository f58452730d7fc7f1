"""Who lends to whom, who can, and how many of what."""

from __future__ import annotations

import pytest

from device.language.grounding import check, check_reply
from device.messages import Thread
from tests.fakes import thread

SHOPPING = thread(
    "Ben: can you bring 2 kg of rice and 5 of flour? two tickets are left", "Wren: ok"
)
ASKS = thread("Ana: could I borrow your drill till Sunday?")
OFFERS = thread("Ana: can lend you my drill till Sunday", "Wren: great")


@pytest.mark.parametrize(
    ("there", "true", "false"),
    [
        (SHOPPING, "Ben asks for 2 kg of rice", "Ben asks for 5 kg of rice"),
        (SHOPPING, "5 kg flour and 2 kg rice", "2 kg of flour"),
        (SHOPPING, "Ben has two tickets left", "Ben has three tickets left"),
        (ASKS, "Ana asks to borrow your drill till Sunday", "Ana lends you a drill till Sunday"),
        (ASKS, "Ana wants you to lend her the drill", "You borrow a drill from Ana"),
        (OFFERS, "Ana lends you her drill", "Ana wants to borrow your drill"),
        (OFFERS, "You can borrow Ana's drill", "You lend Ana your drill"),
    ],
)
def test_roles_and_numbers_stay_where_they_belong(there: Thread, true: str, false: str) -> None:
    assert check(true, there).passes
    assert not check(false, there).passes


BUYERS = thread("Leo: I sold the bike for 120", "Mia: I bought a bike for 80", "Wren: nice")
BENS = thread("Ben Ott: I'm bringing the tent", "Ben Ray: I'm bringing the stove", "Wren: ok")
WINE = thread("Kim: party at mine 8pm, bring nothing!", "Jo: I'll bring wine anyway", "Wren: ok")


@pytest.mark.parametrize(
    ("there", "true", "false"),
    [
        (BUYERS, "Leo sold the bike for 120", "Leo bought the bike for 120"),
        (BUYERS, "Mia bought a bike for 80", "Mia sold a bike for 80"),
        (BENS, "Ben Ott brings the tent", "Ben Ray brings the tent"),
        (BENS, "Ben brings the tent", "Ben Ott: bringing the stove"),
        (WINE, "Jo brings wine", "Kim brings wine"),
        (
            thread("Nan: tell your brother he still owes me a visit"),
            "Your brother owes Nan a visit",
            "You owe Nan a visit",
        ),
    ],
)
def test_a_deed_stays_with_its_doer(there: Thread, true: str, false: str) -> None:
    assert check(true, there).passes
    assert not check(false, there).passes


def test_lending_among_several() -> None:
    there = thread("Ana: Ben can you lend me the tent?", "Ben: sure", "Wren: nice")
    assert check("Ana borrows the tent", there).passes
    assert not check("Ana lends the tent", there).passes


@pytest.mark.parametrize(
    ("said", "true", "false"),
    [
        (("Ana: I can't come",), "Ana can't come", "Ana can come"),
        (("Ben: can you come?", "Ana: I can't come"), "Ana can't come", "Ana can come"),
        (
            ("Ben: can you come on Saturday?", "Ana: I can't come"),
            "Ana can't come on Saturday",
            "Ana can come on Saturday",
        ),
    ],
)
def test_can_and_cannot_with_one_word_in_common(
    said: tuple[str, ...], true: str, false: str
) -> None:
    assert check(true, thread(*said)).passes
    assert not check(false, thread(*said)).passes


def test_who_cannot_on_one_day_can_on_another() -> None:
    assert check("Ana can come Saturday", thread("Ana: I can't come friday. Saturday suits")).passes


@pytest.mark.parametrize("draft", ["I'll take three tickets", "three tickets please"])
def test_a_draft_counts_what_the_thread_counts(draft: str) -> None:
    assert not check_reply(draft, SHOPPING).passes
    assert check_reply(draft.replace("three", "two"), SHOPPING).passes


@pytest.mark.parametrize("draft", ["give me two minutes", "three of us come", "four hugs"])
def test_a_drafts_own_numbers_in_words_are_the_wearers(draft: str) -> None:
    assert check_reply(draft, SHOPPING).passes


def test_somebody_elses_house_lends() -> None:
    there = thread("Ana: Wren, would it be possible for the hall to lend us 12 chairs?")
    assert check("Ana: lend 12 chairs?", there).passes
    assert check("Ana asks if your hall can lend 12 chairs", there).passes


def test_a_question_claims_nothing() -> None:
    assert check("whether you can come", thread("Ana: I can't come. Can you?")).passes
