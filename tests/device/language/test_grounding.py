"""What is not in the thread fails, what is there in other words passes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.language.grounding import Verdict, check, check_reply
from device.language.judge import Judge
from device.messages import Message, Thread
from tests.fakes import thread

DINNER = thread(
    "Oskar: table for 6 at Bellini's on Friday, 19:00?",
    "Wren: sounds good",
    "Oskar: Bellini's is full, so it's Marlow Street at 7:30 instead",
    "Pia: I'm bringing Tomasz, he owes me 40",
    "Oskar: Wren can you book the cab? it was £18 last time",
    "Pia: don't tell Jonah about the cake pls",
    title="Friday lot",
)
HINGLISH = thread(
    "Deepa: kal saade saat baje milte hain, station ke bahar", "Deepa: aadha ghanta late ho jaungi"
)


def kinds(verdict: Verdict) -> set[str]:
    return {reason.kind for reason in verdict.reasons}


@pytest.mark.parametrize(
    "statement",
    [
        "Oskar moved dinner to Marlow Street at half seven",
        "Oskar asks you to book the cab",
        "Pia brings Tomasz; don't tell Jonah about the cake",
        "Dinner Fri 7:30pm, Marlow Street",
        "The cab was 18 pounds last time.",
        "Someone wants a table for six",
        "Tomasz owes Pia 40",
    ],
)
def test_a_true_paraphrase_passes(statement: str) -> None:
    assert check(statement, DINNER) == Verdict(True)


@pytest.mark.parametrize(
    ("statement", "kind"),
    [
        ("Marta moved dinner to Marlow Street", "name"),
        ("Dinner at Marlow Street with Marta", "name"),
        ("Dinner moved to Harbour Lane", "name"),
        ("Dinner moved to 8:15", "time"),
        ("Dinner moved to quarter past nine", "time"),
        ("Dinner at Marlow Street on Saturday", "date"),
        ("Tomasz owes Pia 45", "number"),
        ("The cab was £81 last time", "amount"),
        ("Book the cab at cabs.example/pay", "url"),
    ],
)
def test_an_invented_fact_fails_and_says_which(statement: str, kind: str) -> None:
    verdict = check(statement, DINNER)
    assert not verdict.passes
    assert kind in kinds(verdict)
    assert all(reason.span in statement and reason.text for reason in verdict.reasons)


def test_code_mixed_threads_support_plain_english() -> None:
    assert check("Deepa: tomorrow 7:30 outside the station", HINGLISH).passes
    assert not check("Deepa: tomorrow 6:30 outside the station", HINGLISH).passes


@pytest.mark.parametrize(
    ("said", "true", "false", "kind"),
    [
        (
            ("Ada: turn left after the bridge",),
            "Left after the bridge",
            "Right after the bridge",
            "negation",
        ),
        (("Ada: the shop is open till late",), "Shop is open", "Shop is closed", "negation"),
        (
            ("Ada: you still owe me for lunch",),
            "You owe Ada for lunch",
            "Ada owes you for lunch",
            "request",
        ),
        (
            ("Ada: Bo can you water the plants", "Bo: ok", "Wren: ta"),
            "Ada asks Bo to water the plants",
            "Ada asks you to water the plants",
            "request",
        ),
    ],
)
def test_a_plain_contradiction_fails(
    said: tuple[str, ...], true: str, false: str, kind: str
) -> None:
    there = thread(*said)
    assert check(true, there).passes
    assert kinds(check(false, there)) == {kind}


@pytest.mark.parametrize(
    "text",
    [
        "Sure, booking it now",
        "Can Tomasz eat gluten? Ask Pia",
        "Honestly? Lovely. See you at 7:30",
        "give me 2 min",
        "NOT telling him, promise",
        "Thanks Oskar, I'm in",
        "¿Vienes? Claro que sí",
        "Get out and call 112",
        "on my way — 73",
    ],
)
def test_a_draft_without_invention_passes(text: str) -> None:
    assert check_reply(text, DINNER) == Verdict(True)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Booked it for 18:45", "time"),
        ("I'll bring 25 chairs", "number"),
        ("see you on Tuesday", "date"),
        ("I'm at the Crown with Ingrid", "name"),
        ("pay here: www.cabs.example", "url"),
        ("it's on bit.ly/x7", "url"),
        ("fine by me. -Walt", "name"),
        ("on my way - 400", "number"),
        ("I owe you 911", "number"),
        ("Zoe: can you come?", "name"),
        ("Zoe and Oskar can come", "name"),
    ],
)
def test_a_draft_that_invents_fails(text: str, kind: str) -> None:
    assert kind in kinds(check_reply(text, DINNER))


@given(st.sampled_from(DINNER.messages))
def test_a_message_in_its_senders_mouth_passes(message: Message) -> None:
    assert check(f"{message.sender}: {message.text}", DINNER).passes


@given(st.integers(100, 99_999), st.integers(100, 99_999))
def test_a_changed_number_fails(there: int, said: int) -> None:
    source = thread(f"Ada: the code is {there} ok")
    assert check(f"Ada's code is {there}", source).passes
    assert check(f"Ada's code is {said}", source).passes == (said == there)


@given(st.lists(st.tuples(st.text(), st.text()), max_size=4), st.text(), st.text())
def test_no_text_makes_it_raise(said: list[tuple[str, str]], statement: str, me: str) -> None:
    messages = tuple(Message(who, text) for who, text in said)
    there = Thread("t", me, messages)
    for text in (statement, f"{statement} 7:30 Ada says half {me}"):
        check_reply(text, there)
        check(text, there)
        Judge().judge(text, there)


@pytest.mark.parametrize(
    "line", ["Dinner Saturday 14:00, not Saturday", "pick up at 8:30, not 8:30", "7, not at 7"]
)
def test_a_line_that_contradicts_itself_fails(line: str) -> None:
    said = Message("Ben", "Dinner on Saturday at 14:00, no pick up at 8:30, 7 of us")
    thread = Thread("t", "Anna", (said,))
    reasons = check(line, thread).reasons
    assert any("contradicts itself" in reason.text for reason in reasons)
    assert not any(
        "contradicts itself" in reason.text
        for reason in check("Dinner at 14:00, not 8:30", thread).reasons
    )


def test_a_day_denied_in_another_spelling() -> None:
    there = thread("Ada: SUNDAY 14:00, not Saturday, Saturday is at 7:30")
    assert not check("Sat 14:00, not Saturday", there).passes
    assert not check("19:30, not at half seven", there).passes
    assert check("Sunday 14:00, not Saturday", there).passes


def test_who_is_called_what_must_be_said() -> None:
    there = thread("Ada: give the ring to gran, do it before she sat down once")
    assert not check("Ada wants Grandpa to have the ring", there).passes
    assert check_reply("ok Sister, thank God", there).passes
    for number in (2, 7, 11):
        assert not check(f"Ada wants {number} rings", there).passes, "no numbers: do, sat, once"


def test_a_name_does_not_grow_over_a_gap() -> None:
    there = thread("Ada: Mam am I late? Sai Ying Pun, says O'Hara")
    assert not check("late for Mamam", there).passes
    assert check("late for SaiYingPun and OHara", there).passes


def test_invented_capitals_fail() -> None:
    thread = Thread("t", "Anna", (Message("Ben", "the jfk form is due at 8:30"),))
    assert check("Ben: JFK form due at 8:30", thread).passes
    assert not check("Ben: KAL SHOP BOTTLES at 8:30", thread).passes


@pytest.mark.parametrize(
    "line",
    ["Zoe: bring 3 chairs", "Zoe and Ada come", "3 chairs. Zoe asks for them", "Zoe's 3 chairs"],
)
def test_a_name_that_opens_a_sentence_must_be_there(line: str) -> None:
    assert not check(line, thread("Ada: bring 3 chairs")).passes
    assert check(line.replace("Zoe", "Ada"), thread("Ada: bring 3 chairs")).passes
    assert check("Reminder: 3 chairs", thread("Ada: bring 3 chairs")).passes


@pytest.mark.parametrize("address", ["evil.ru/login", "bit.ly/x7", "pay.example.museum", "a1.fo"])
def test_an_address_has_any_ending(address: str) -> None:
    assert check(f"Ada: pay at {address}", thread(f"Ada: pay at {address}")).passes
    assert kinds(check(f"Ada: pay at {address}", thread("Ada: pay at dl.example"))) == {"url"}
    assert check("Ada: pay at 7.am, e.g. now", thread("Ada: pay at 7am, say now")).passes


@pytest.mark.parametrize(
    ("said", "true", "false", "kind"),
    [
        (
            ("Ana: hello all", "Ben: bring the folding chairs", "Cleo: ok"),
            "Ben: bring the folding chairs",
            "Ana: bring the folding chairs",
            "speaker",
        ),
        (
            ("Ana: hello all", "Ben: bring the folding chairs", "Cleo: ok"),
            "Ben asks you to bring the folding chairs",
            "Cleo asks you to bring the folding chairs",
            "speaker",
        ),
        (
            ("Ana: please feed the cat tonight",),
            "Ana asks you to feed the cat tonight",
            "Ana: don't feed the cat tonight",
            "negation",
        ),
        (
            ("Ana: please don't feed the cat tonight",),
            "Ana: don't feed the cat tonight",
            "Ana: feed the cat tonight",
            "negation",
        ),
        (
            ("Ana: he is awake and wants his crossword. No visitors today",),
            "Ana: no visitors today",
            "Ana: no crossword today",
            "negation",
        ),
        (
            ("Ana: can you drive mum to the airport on friday?",),
            "Ana asks you to drive mum to the airport",
            "Ana offers to drive mum to the airport",
            "request",
        ),
    ],
)
def test_what_a_small_model_turns_round(
    said: tuple[str, ...], true: str, false: str, kind: str
) -> None:
    assert check(true, thread(*said)) == Verdict(True)
    assert kind in kinds(check(false, thread(*said)))


def test_quotation_marks_hold_what_somebody_wrote() -> None:
    there = thread("Kai: see you at the *old* pier, 8pm!")
    assert check('Kai: "see you at the old pier" at 8pm', there).passes
    assert not check('Kai: "meet me at the old pier"', there).passes


def test_a_fraud_is_called_so_only_where_the_thread_has_a_sign_of_one() -> None:
    friend = thread("Kai: the choir sings on the pier")
    assert not check("Likely scam: the choir on the pier", friend).passes
    assert check("Likely scam: a gift at the pier", thread("Kai: claim a gift at the pier")).passes


def test_a_single_letter_signs_for_the_wearer_alone() -> None:
    there = thread("Kai: see you at the pier?")
    assert check_reply(f"See you there — {there.me[0].upper()}.", there).passes
    assert not check_reply("See you there — K.", there).passes
    assert not check_reply("See you there. Regards, K.", there).passes
    assert not check_reply("See you there. Love,\nZoe", there).passes
    assert check_reply("Best, Kai", there).passes


def test_minutes_past_midnight_are_no_mere_number() -> None:
    there = thread("Kai: 30 people come")
    assert not check("Kai comes at 12:30", there).passes
    assert not check("Kai comes at 00:30", there).passes
    assert check("It starts at 12:30", thread("Kai: we start 1230")).passes
