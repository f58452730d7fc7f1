"""What of a scene is said aloud."""

from __future__ import annotations

from dataclasses import replace

import pytest

from device.displays.scene import Row, Scene
from device.scenes import DARK, with_notes
from device.settings import Activity
from device.spoken import MORE, SPOKEN_WORDS, speech

LONG = "can you bring three chairs and the long table to the club house before half past seven"
GLANCE = Scene("glance", (Row(LONG, "quote"),), "Ben", "reply")
DRAFTS = Scene(
    "card",
    tuple(Row(f"{LONG} {i}", "model", str(i)) for i in (1, 2, 3)),
    "Reply to Ben",
)
READ_BACK = Scene("card", (Row(LONG, "model", "your reply"),), "To Ben?", stage="read back")
COUNTDOWN = replace(READ_BACK, title="To Ben in 3 …", stage="countdown")


@pytest.mark.parametrize("scene", [GLANCE, DRAFTS])
def test_riding_hears_no_more_than_its_words_and_that_there_is_more(scene: Scene) -> None:
    said = speech(scene, None, "riding")
    assert len(said.removesuffix(MORE).split()) == SPOKEN_WORDS["riding"]
    assert said.endswith(f". {MORE}")
    assert len(speech(scene, None, "seated").split()) > 12
    assert MORE not in speech(scene, None, "seated")
    short = replace(scene, rows=(Row("coming?", "quote"),))
    assert speech(short, None, "riding") == speech(short, None, "seated")


def test_riding_hears_what_it_asked_for_to_its_end() -> None:
    asked = f"Sara, today 18:20, in Family: {LONG}."
    assert speech(with_notes(GLANCE, (asked,)), GLANCE, "riding") == asked
    both = speech(with_notes(GLANCE, (asked,)), None, "riding")
    assert both == f"{asked} {speech(GLANCE, None, 'riding')}"


@pytest.mark.parametrize("activity", ["riding", "walking", "seated"])
def test_a_text_to_be_confirmed_is_said_whole(activity: Activity) -> None:
    assert f"To Ben: {LONG}" in speech(READ_BACK, DRAFTS, activity)


def test_a_glance_names_the_conversation_once() -> None:
    assert speech(GLANCE).startswith("Ben: can you")
    cited = replace(GLANCE, rows=(Row("Ben: yes", "quote"),))
    assert speech(cited) == "Ben: yes."


def test_only_what_is_new_is_said() -> None:
    assert speech(GLANCE, GLANCE) == ""
    noted = with_notes(GLANCE, ("Not understood.",))
    assert speech(noted, GLANCE) == "Not understood."
    assert speech(GLANCE, noted) == ""
    assert speech(DARK, GLANCE) == ""
    assert speech(replace(COUNTDOWN, title="To Ben in 2 …"), COUNTDOWN) == ""


def test_the_same_text_is_read_back_again_after_a_stop() -> None:
    assert LONG in speech(READ_BACK, COUNTDOWN)
    assert speech(READ_BACK, READ_BACK) == ""


def test_nothing_that_is_spoken_is_a_command_that_confirms() -> None:
    """The loudspeaker's own words may come back through the microphone."""
    from device.utterances import understand

    for scene, before in ((READ_BACK, DRAFTS), (COUNTDOWN, READ_BACK)):
        sentences = speech(scene, before).replace("?", ".").split(".")
        assert all(understand(one).act != "confirm" for one in sentences)
