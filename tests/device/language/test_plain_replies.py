"""A closed set that says no more than its intent, in the wearer's way of writing."""

from __future__ import annotations

import pytest

from device.language.grounding import check_reply
from device.language.plain_replies import HINDI, PLAIN, SPANISH, is_mixed, plain_replies
from device.language.polarity import contradicts
from device.messages import INTENTS, Message, Thread


def chat(*own: str) -> Thread:
    said = [Message("Ana", text) for text in own]
    return Thread("t", "Ana", (*said, Message("Ben", "can you come?")), unread_from=len(said))


@pytest.mark.parametrize("replies", [PLAIN, SPANISH, HINDI])
def test_every_set_has_all_intents_but_one_and_claims_nothing(
    replies: dict[str, tuple[str, ...]],
) -> None:
    assert set(INTENTS) - set(replies) == {"inform"}
    for intent, texts in replies.items():
        for text in texts:
            assert check_reply(text, chat()).passes, text
            assert not contradicts(intent, text), text


@pytest.mark.parametrize(
    ("own", "said"),
    [
        ([], "Sorry, I can't."),
        (["On my way!", "Fine."], "Sorry, I can't."),
        (["on my way", "ok"], "sorry, I can't"),
        (["on my way.", "ok."], "sorry, I can't."),
        (["Estoy en la casa pero ya voy"], "Perdón, no puedo"),
        (["qué pasó mija, who do I gotta fight"], "sorry, I can't"),
        (["Haan main aa raha hoon"], "Sorry, nahi ho payega"),
        (["haan aa gaya, forward karti hoon ruk"], "sorry, nahi ho payega"),
        (["🙂", " "], "Sorry, I can't."),
    ],
)
def test_it_is_written_as_the_wearer_writes(own: list[str], said: str) -> None:
    assert plain_replies("decline", chat(*own))[0] == said


def test_small_letters_leave_no_capital_in_the_first_word() -> None:
    assert plain_replies("ack", chat("on my way"))[0] == "ok"
    assert plain_replies("defer", chat("on my way"))[1] == "i'm not sure yet"
    assert plain_replies("ask", chat("ya voy para la casa"))[1] == "¿te puedo llamar?"


def test_a_wearer_who_wrote_nothing_is_answered_for_in_the_language_of_the_others() -> None:
    spanish = Thread("t", "Ana", (Message("Ben", "¿puedes venir por los niños en la tarde?"),))
    assert plain_replies("accept", spanish)[0] == "Sí, claro."
    assert plain_replies("inform", spanish) == []
    assert is_mixed(spanish)
    assert not is_mixed(chat("on my way"))
