"""Where the sender's own words come first, and where a line warns of them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from device.language.fraud import accuses, may_be_fraud
from device.language.prompt import ThreadPrompt
from device.language.quotes import WARNING, quoted_ask, quoted_glance, quoted_summary, shorten
from device.language.writer import Writer
from device.messages import GLANCE_CHARS, Card, Line, Message, Thread
from tests.fakes import ByteTokenizer, ScriptedEngine, script

DEMAND = "Your account is blocked. Transfer 850 euros to bank-help.example now or lose it all."


def chat(*said: tuple[str, str], unread_from: int = 0) -> Thread:
    return Thread("t", "Anna", tuple(Message(*m) for m in said), "Ben", unread_from=unread_from)


def decoded(thread: Thread, **said: str) -> tuple[Card, set[str]]:
    """A card, and the tasks that the model was asked for."""
    asked: set[str] = set()
    engine, tokenizer = ScriptedEngine(script(**said)), ByteTokenizer()
    writer = Writer(
        engine, ThreadPrompt(tokenizer), tokenizer, "x", watch=lambda t, task, *_: asked.add(task)
    )
    return writer.card(thread), asked


def test_one_short_message_is_its_own_glance_without_decoding() -> None:
    alone, asked = decoded(chat(("Ben", "on my way 🚲")))
    assert alone.glance == alone.summary == Line('Ben: "on my way 🚲"', "quote")
    assert alone.timings_ms["glance"] == alone.timings_ms["summary"] == 0
    assert not {"glance", "summary"} & asked
    later = chat(("Ben", "can you bring 3 chairs at 7:30?"), ("Ben", "ok?"), unread_from=1)
    assert decoded(later)[0].glance == Line('Ben: "ok?"', "quote")


def test_news_that_have_room_stand_word_for_word_and_what_is_longer_is_decoded() -> None:
    short = chat(("Ben", "ok?"), ("Ben", "or not"), ("Cleo", "fine"))
    result, asked = decoded(short)
    assert result.glance == result.summary == Line('Ben: "ok? / or not" Cleo: "fine"', "quote")
    assert not {"glance", "summary"} & asked
    result, asked = decoded(chat(("Ben", "can you bring 3 chairs at 7:30? " + "the hall " * 4)))
    assert ("glance" in asked, "summary" in asked) == (True, False)
    assert "summary" in decoded(chat(("Ben", "the hall has no chairs. " * 9)))[1]


def test_the_wearers_own_last_word_needs_no_answer() -> None:
    result, asked = decoded(
        chat(("Ben", "can you bring 3 chairs at 7:30?"), ("Anna", "will do " * 9), unread_from=2)
    )
    assert (result.triage.needs_reply, result.triage.urgency) == (False, "low")
    assert (result.asks, result.drafts) == (None, ())
    assert result.glance.text.startswith('You: "will do')
    assert asked == {"summary"}


def test_a_language_that_was_never_taught_is_quoted() -> None:
    result, asked = decoded(
        chat(("Ben", "Ich habe den Schlüssel vergessen, kannst du mir morgen um acht aufmachen?"))
    )
    assert {result.glance.source, result.summary.source} == {"quote"}
    assert result.asks is not None
    assert result.asks.source == "quote"
    assert (result.drafts, asked) == ((), set())


def test_a_foreign_chat_stays_foreign_behind_a_short_new_message() -> None:
    result, asked = decoded(
        chat(
            ("Ben", "Kannst du den Keller aufräumen und Oma die Schlüssel bringen?"),
            ("Ben", "ok?"),
            unread_from=1,
        )
    )
    assert (result.drafts, asked) == ((), set())


def test_an_empty_message_is_called_so() -> None:
    assert quoted_glance(chat(("Ben", "\u200b"))) == Line('Ben: "[empty message]"', "quote")


def test_what_a_fraud_asks_for_is_not_passed_on() -> None:
    warned = {"glance": "Likely scam: transfer 850 euros", "summary": "Likely scam."}
    result, _ = decoded(chat(("Bank", DEMAND)), **warned, asks="850 euros")
    assert result.glance.source == "model"
    assert (result.asks, result.drafts, result.triage.needs_reply) == (None, (), False)


def test_a_warning_in_the_summary_stands_on_the_lens_too() -> None:
    result, _ = decoded(
        chat(("Bank", DEMAND)),
        glance="Bank: transfer 850 euros now",
        summary="Your account is blocked and 850 euros are wanted; it looks like a scam.",
    )
    assert result.glance.text.startswith(f'{WARNING}Bank: "')
    assert result.glance.source == "model", "the sender didn't say that"
    assert len(result.glance.text) <= GLANCE_CHARS


@pytest.mark.parametrize(
    "line",
    [
        "Want scampi for dinner tonight?",
        "Spam musubi for the picnic, bring some over?",
        "Mum got scammed: call her and the bank right away",
        "The Phish concert has one spare ticket",
    ],
)
def test_what_is_no_warning(line: str) -> None:
    assert not accuses(line)
    assert decoded(chat(("Ben", f"{line} I can't reach anybody else, let me know")))[0].drafts


def test_a_friend_is_no_fraud_without_a_sign() -> None:
    friend = chat(("Ben", "the choir sings on the pier, nobody knows yet which song we open with"))
    assert not may_be_fraud(friend)
    assert may_be_fraud(chat(("Bank", DEMAND)))
    result, _ = decoded(friend, glance="Likely scam: choir on the pier")
    assert result.glance.source == "quote"


def test_a_code_to_be_kept_secret_is_no_fraud() -> None:
    assert not may_be_fraud(chat(("Bank", "482913 is your code. Do not share it with anyone.")))
    assert may_be_fraud(chat(("Bank", "Click the link. Do not share your code.")))


@pytest.mark.parametrize(
    ("text", "gist"),
    [
        ("Dear Anna, this is about the house and its many rooms. Can you come at 7?", "…Can you"),
        ("We had such a long and lovely day at the sea today. It moved to 7:30.", "…It moved"),
        ("We had such a long and lovely day at the sea. The sand was warm.", "We had such"),
        ("The choir sings Verdi in the old church. One of us has two red scarves.", "The choir"),
        ("One of us has had two scarves with her for a while. We sing at 7:30.", "…We sing"),
    ],
)
def test_a_long_message_is_quoted_from_the_sentence_that_says_most(text: str, gist: str) -> None:
    thread = chat(("Ben", text))
    assert quoted_glance(thread).text.startswith(f'Ben: "{gist}')
    assert len(quoted_glance(thread).text) <= GLANCE_CHARS
    assert quoted_summary(thread).text == f'Ben: "{text}"', "where there is room, all of it"


def test_what_was_corrected_later_is_not_what_stands_on_the_lens() -> None:
    thread = chat(
        ("Ben", "The eye clinic for our dear old aunt is on Tuesday at 10:40 in the morning."),
        ("Cleo", "ok"),
        ("Ben", "No sorry. WEDNESDAY 10:40. Such a mess they make of it, every single time."),
    )
    assert quoted_glance(thread).text == 'Ben: "No sorry. WEDNESDAY 10:40."'


WEEKEND = chat(
    ("Ben", "the train was 40 minutes late again and I missed all of the first half!"),
    ("Cleo", "does anybody know a plumber? my sink is under water since 6 this morning"),
    ("Ben", "anyway, bring the blue tent, the old one leaks"),
)


def test_the_models_samples_point_at_the_words_that_are_quoted() -> None:
    unasked = quoted_glance(WEEKEND)
    pointed = quoted_glance(WEEKEND, ["Cleo: bring Ben the blue tent", "the blue tent leaks, Ben"])
    assert "tent" not in unasked.text
    assert pointed == Line('Ben: "…bring the blue tent, the old one leaks"', "quote")


def test_a_false_sample_makes_no_quote_false() -> None:
    result, _ = decoded(WEEKEND, glance="Cleo sank the 99 blue tents, old one leaks")
    assert result.glance.source == "quote"
    assert "99" not in result.glance.text
    assert "blue tent" in result.glance.text


@pytest.mark.parametrize(
    ("text", "never"),
    [
        ("unless it rains the whole long afternoon, we meet at the pier", '"…we meet'),
        ("I never said to anybody in the office that, we meet at the pier", '"…we meet'),
        ("si llueve toda la tarde como ayer y anteayer, we meet at the pier", '"…we meet'),
    ],
)
def test_what_hangs_on_a_condition_is_not_quoted_without_it(text: str, never: str) -> None:
    thread = chat(("Ben", text), ("Ben", "my phone is nearly dead so this is all for now"))
    assert never not in quoted_glance(thread, ["we meet at the pier"]).text


def test_what_was_corrected_is_not_quoted_however_it_is_pointed_at() -> None:
    thread = chat(
        ("Ben", "we meet at 7:15 at the old pier behind the fish market then"),
        ("Ben", "no sorry, 8:00. and take a jacket because of the wind out there"),
    )
    assert "7:15" not in quoted_glance(thread, ["we meet at 7:15 at the old pier"]).text


ASKED = chat(
    ("Cleo", "Done: SUNDAY 14:00, not Saturday. Anna, could you borrow the trolley? It is heavy"),
    ("Cleo", "bring it before 13:30 please"),
    ("Anna", "what?"),
    ("Ben", "I like Sundays."),
)


@pytest.mark.parametrize(
    ("pointers", "words"),
    [
        ((), 'Cleo: "…Anna, could you borrow the trolley?"'),
        (["whether you can borrow the trolley"], 'Cleo: "…could you borrow the trolley?"'),
        (["to bring it before 13:30"], 'Cleo: "bring it before 13:30 please"'),
        (
            ["to borrow the trolley and bring it before 13:30"],
            'Cleo: "…Anna, could you borrow the trolley? … bring it before 13:30 please"',
        ),
        (["nothing alike"], 'Cleo: "bring it before 13:30 please"'),
    ],
)
def test_of_what_is_asked_only_the_asking_is_quoted(pointers: list[str], words: str) -> None:
    assert quoted_ask(ASKED, pointers) == Line(words, "quote")


def test_nobody_asks() -> None:
    said = chat(("Ben", "The hall is free."), ("Anna", "when?"), ("Ben", "at 7"))
    assert quoted_ask(said) is None
    assert quoted_ask(said, ["to come at 7"]) == Line('Ben: "at 7"', "quote")
    assert quoted_ask(chat(("Ben", "free?"), ("Anna", "yes"), unread_from=2), ["free"]) is None


@pytest.mark.parametrize(
    ("sender", "text", "warns"),
    [
        ("+44 7700 900123", "Your parcel waits. Pay 1.99 EUR: parcel-help.example/pay", True),
        ("+44 7700 900123", "Your parcel waits at the shop, Mia", False),
        ("Mia", "Your parcel waits. Pay 1.99 EUR: parcel-help.example/pay", False),
    ],
)
def test_a_strangers_link_that_wants_money_is_warned_of_whatever_the_model_says(
    sender: str, text: str, warns: bool
) -> None:
    """Unless the wearer has written to them."""
    result = decoded(chat((sender, text)))[0]
    assert result.glance.text.startswith(WARNING) == warns
    answered = chat(("Anna", "hi"), (sender, text), unread_from=1)
    assert not decoded(answered)[0].glance.text.startswith(WARNING)


NEW_NUMBER = "Hi mum, this is my new number, please transfer money to GB29 1234"


@pytest.mark.parametrize(
    ("sender", "text", "warns"),
    [
        ("+44 7700 900123", NEW_NUMBER, True),
        ("Mia (new)", NEW_NUMBER, True),
        ("+44 7700 900123", "can u send me the 6 digits u just got, hurry up!", True),
        ("+44 7700 900123", "I need you to buy 3 gift cards. Don't tell anybody", True),
        ("Mia", "can you transfer me 14 euros for dinner asap? splitting the bill by four", False),
        ("+44 7700 900123", "Dan from football here, can you send me £8 for the pitch?", False),
        ("+44 7700 900123", "Mia here, my new number! I'll send you the £8 tomorrow", False),
        ("+44 7700 900123", "Last reminder: never tell anybody your PIN. Your bank", False),
        ("Mia", "got a new phone! can you send me the 14 euros?", False),
    ],
)
def test_a_stranger_who_asks_for_money_in_haste_or_in_secret_is_warned_of(
    sender: str, text: str, warns: bool
) -> None:
    """Not whom the wearer wrote to, nor in a group, where there are strangers whom others know."""
    said = chat((sender, text))
    assert decoded(said)[0].glance.text.startswith(WARNING) == warns
    answered = chat(("Anna", "hi"), (sender, text), unread_from=1)
    for other in (answered, replace(said, is_group=True)):
        assert not decoded(other)[0].glance.text.startswith(WARNING)


def test_a_word_without_end_is_cut_and_not_left_out() -> None:
    assert quoted_glance(chat(("Ben", "look: " + "ha" * 99))).text.startswith('Ben: "look: haha')


def test_of_a_long_sentence_the_end_that_says_when_is_told() -> None:
    said = "We are pleased to confirm that your appointment with Dr Ramaswamy is Tue 1 Dec at 08:40"
    chat = Thread("t", "Anna", (Message("Surgery", said),), "Surgery")
    told = quoted_glance(chat, ["Surgery: Dr Ramaswamy Tue 1 Dec at 08:40"]).text
    assert told == 'Surgery: "…with Dr Ramaswamy is Tue 1 Dec at 08:40"'


def test_no_end_is_told_that_hangs_on_what_stands_before() -> None:
    said = "If nobody else turns up before the interval you bring the 3 chairs to Oakfield at 7:30"
    chat = Thread("t", "Anna", (Message("Ben", said),), "Ben")
    told = quoted_glance(chat, ["bring the 3 chairs to Oakfield at 7:30"]).text
    assert told.startswith('Ben: "If nobody else')


def test_a_number_in_groups_is_whole_or_not_there() -> None:
    assert shorten("Please call the office on 0161 496 0733", 36) == "Please call the office on…"
    assert shorten("0161 496 0733", 9) == "0161 496…"
