"""Which chats are left in their senders' own words."""

from __future__ import annotations

import pytest

from device.language.languages import is_taught
from device.messages import Message, Thread


def chat(text: str) -> Thread:
    return Thread("t", "Anna", (Message("Ben", text),))


@pytest.mark.parametrize(
    "text",
    [
        "Can you bring the cake?",
        "ok",
        "",
        "😂😂",
        "haha",
        "kal shaam ko milte hai yaar, time pe aana",
        "Nos vemos mañana, trae las llaves please",
        "Pizza tonight?",
        "u coming?",
        "dinner at 7?",
        "pizza or sushi",
        "Landed safely",
        "kahan ho?",
        "aa rahe ho?",
        "¿dónde estás?",
        "te llamo luego",
        "running late, Müller & Söhne wants the Schlüssel back",
    ],
)
def test_taught(text: str) -> None:
    assert is_taught(chat(text))


@pytest.mark.parametrize(
    "text",
    [
        "Bist du schon zuhause? Mama fragt nach dem Schlüssel.",
        "J'ai perdu mes clés, tu peux m'ouvrir ?",
        "Oi, você pode trazer o bolo amanhã?",
        "明日6時に駅で会えますか？",
        "هل يمكنك المجيء غدا؟",
        "Привет, сможешь завтра?",
        "कल मिलोगे क्या?",
        "Kommst du?",
        "Vens?",
        "Wo bist du?",
        "tu viens ?",
        "Cadê você?",
        "Arrivo",
        "Ik kom",
    ],
)
def test_not_taught(text: str) -> None:
    assert not is_taught(chat(text))


def test_only_what_is_new_counts() -> None:
    both = Thread(
        "t",
        "Anna",
        (Message("Ben", "Bist du schon zuhause?"), Message("Ben", "Can you bring the cake?")),
        unread_from=1,
    )
    assert is_taught(both)
