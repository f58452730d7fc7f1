"""A text changed as the wearer wants it, and not otherwise."""

from __future__ import annotations

import pytest

from device.messages import Draft, Message, Thread
from device.revise import revised, translated
from device.utterances import understand


@pytest.mark.parametrize(
    ("text", "wish", "result"),
    [
        ("See you at 7 on Friday", "change Friday to Saturday", "See you at 7 on Saturday"),
        ("see you friday!", "change Friday to Saturday", "see you Saturday!"),
        ("At 7?", "change seven to half past seven", "At 7:30?"),
        ("Lunch at 12?", "change twelve to quarter to one pm", "Lunch at 12:45?"),
        ("At ten to six.", "change ten to six to half six", "At half six."),
        ("At 19:00.", "change seven to half past seven", "At 19:30."),
        ("Half past six is fine", "change half past six to seven", "Seven is fine"),
        ("Friday or friday?", "change Friday to Saturday", None),
        ("See you", "change Friday to Saturday", None),
        ("Fridays are good", "change Friday to Saturday", None),
        ("I think I'm really late.", "make it shorter", "I think I'm late."),
        ("See you on Sunday, really.", "make it shorter", "See you on Sunday."),
        ("Maybe I can come.", "make it shorter", None),
        ("I guess I can bring it.", "make it shorter", None),
        ("I bring 7 eggs", "change seven to eight", "I bring 8 eggs"),
        ("Table for 7", "change seven to eight", "Table for 8"),
        ("on 7 May", "change seven to eight", "on 8 May"),
        ("at 7 pm", "change seven to half past seven", "at 7:30 pm"),
        ("it weighs 7.5.", "change seven to eight", None),
        ("On my way. I had to wait.", "make it shorter", "On my way."),
        ("Yes.", "make it shorter", None),
        ("Yes.", "make it friendlier", "Hi Ben, yes."),
        ("OK", "make it friendlier", "Hi Ben, OK"),
        ("Hi Ben, yes", "make it friendlier", "Hi Ben, yes. Thank you!"),
        ("Hi Ben, thanks!", "make it friendlier", None),
    ],
)
def test_revised(text: str, wish: str, result: str | None) -> None:
    assert revised(understand(wish), text, "Ben Miller") == result


@pytest.mark.parametrize(
    ("how", "text", "result"),
    [
        ("Spanish", "i can't come tonight", "perdón, no puedo"),
        ("in Spanish style of mine", "i can't come tonight", "perdón, no puedo"),
        ("in Hindi", "sure", "haan, theek hai"),
        ("English", "sure", "yes, I can"),
        ("Klingon", "sure", None),
        ("Spanish", "my own words", None),
        ("Spanish", "the code is 7", None),
    ],
)
def test_another_language_has_a_plain_reply_of_the_same_intent(
    how: str, text: str, result: str | None
) -> None:
    drafts = [
        Draft("accept", "sure"),
        Draft("decline", "i can't come tonight"),
        Draft("inform", "the code is 7"),
    ]
    thread = Thread("t", "Ana", (Message("Ana", "ok then"), Message("Ben", "Dinner?")))
    meant = understand(f"make it {how}")
    assert translated(meant.text, text, drafts, thread) == result
