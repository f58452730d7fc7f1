"""A draft says what its intent says."""

from __future__ import annotations

import pytest

from device.language.claims import features
from device.language.polarity import contradicts
from device.language.prompt import ThreadPrompt
from device.language.writer import Writer
from device.messages import Card, Draft, Intent, Message, Thread
from tests.fakes import ByteTokenizer, ScriptedEngine, script, thread

CHAT = Thread("t", "Anna", (Message("Ben", "can you bring 3 chairs to Oakfield at 7:30?"),), "Ben")


@pytest.mark.parametrize(
    ("intent", "draft"),
    [
        ("accept", "Sorry, can't"),
        ("accept", "so sorry, I won't be able to make it"),
        ("accept", "no"),
        ("accept", "Nope, not this time"),
        ("accept", "ay no puedo hoy"),
        ("accept", "kal nahi ho payega yaar"),
        ("ack", "I can't come"),
        ("decline", "Sure, see you at 7:30"),
        ("decline", "Yes! on my way"),
    ],
)
def test_the_opposite_of_its_intent(intent: Intent, draft: str) -> None:
    assert contradicts(intent, draft)


@pytest.mark.parametrize(
    ("intent", "draft"),
    [
        ("accept", "can't wait!"),
        ("accept", "no problem, 3 chairs"),
        ("accept", "Won't be late, promise"),
        ("accept", "I can't go wrong with chairs"),
        ("accept", "no, sí, ya voy"),
        ("decline", "Sorry, can't"),
        ("decline", "yes but not today"),
        ("decline", "sure you need them?"),
        ("ask", "I can't today, is Friday ok?"),
        ("comfort", "no"),
    ],
)
def test_what_agrees_with_its_intent(intent: Intent, draft: str) -> None:
    assert not contradicts(intent, draft)


def card(**said: str | list[str]) -> Card:
    engine, tokenizer = ScriptedEngine(script(**said)), ByteTokenizer()
    return Writer(engine, ThreadPrompt(tokenizer), tokenizer, "x").card(CHAT)


def test_a_draft_that_contradicts_its_intent_is_replaced() -> None:
    wrong = "Sorry, can't do it"
    accept, *_ = card(reply=" accept", reply_accept=[wrong, "Of course."]).drafts
    assert accept == Draft("accept", "Of course.", "plain")
    accept, *_ = card(reply=" accept", reply_accept="sure").drafts
    assert accept == Draft("accept", "sure")


def test_a_reminder_denies_nothing_and_a_hindi_verb_is_denied_from_behind() -> None:
    reminded = thread("Marco: don't forget to lock the back door")
    assert not features("Marco reminds you to lock the back door", reminded)["neg_drop"]
    there = thread("Deepak: kal nahi aa paunga")
    assert not features("Deepak can't come tomorrow", there)["neg_add"]
