"""What is said means one thing or is unclear."""

from __future__ import annotations

import pytest

from device.utterances import Utterance, understand


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        ("send", Utterance("confirm")),
        (" Yes! ", Utterance("confirm")),
        ("SEND  it.", Utterance("confirm")),
        ("no", Utterance("cancel")),
        ("Cancel", Utterance("cancel")),
        ("more", Utterance("summary")),
        ("read it", Utterance("read")),
        ("reply", Utterance("reply")),
        ("2", Utterance("pick", 2)),
        ("the third one", Utterance("pick", 3)),
        ("First.", Utterance("pick", 1)),
        ("later", Utterance("later")),
        ("?", Utterance("help")),
        ("type  see you at 8!", Utterance("say", text="see you at 8!")),
        ("Say: yes", Utterance("say", text="yes")),
        ("say send", Utterance("say", text="send")),
    ],
)
def test_meant(words: str, meant: Utterance) -> None:
    assert understand(words) == meant


@pytest.mark.parametrize(
    "words",
    ["", " ", "!", "yes but not now", "don't send", "send 2", "nope", "4", "0", "type", "say  "],
)
def test_unclear(words: str) -> None:
    assert understand(words) == Utterance("unclear")
