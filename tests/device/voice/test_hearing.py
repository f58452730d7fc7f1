"""Commands and chatter, spoken by eSpeak in noise, through the real detector and recogniser.

A few of each; `scripts/voice_figures.py` measures many.
"""

from __future__ import annotations

import asyncio

import pytest

from device.utterances import is_whole, understand
from device.voice.audio import Recording
from device.voice.ears import Ears
from device.voice.grammar import DECOYS, commands_of, grammar
from device.voice.pocketsphinx_recogniser import PocketSphinx
from device.voice.recogniser import Vocabulary
from device.voice.synthesis import Espeak
from tests.needs import needs_espeak, needs_voice
from tests.speech import in_noise, scene, wearer

pytestmark = needs_voice
COMMANDS = ["read it", "send it", "reply to David", "make it shorter", "change Friday to Saturday"]
CHATTER = [
    "I bought three tickets for the concert.",
    "Yes, but only if it doesn't rain.",
    "Could you send the invoice to my accountant?",
    "Later that night it started to rain.",
    "Thank you very much.",
]


@pytest.fixture(scope="module")
def recogniser() -> PocketSphinx:
    made = PocketSphinx()
    made.expect(Vocabulary(("David", "Sarah", "Xqwz"), ("dinner",)))
    return made


def heard(sound: bytes, recogniser: PocketSphinx) -> list[str]:
    async def test() -> list[str]:
        ears = Ears(Recording(sound, pace=None), recogniser, is_whole)
        try:
            return [one.text async for one in ears.heard() if one.text]
        finally:
            await ears.close()

    return asyncio.run(test())


@needs_espeak
@pytest.mark.parametrize(("snr", "least"), [(None, 4), (20, 4), (10, 2)])
def test_commands_are_heard_and_none_is_taken_for_a_send(
    recogniser: PocketSphinx, snr: float | None, least: int
) -> None:
    right = 0
    for seed, words in enumerate(COMMANDS):
        found = heard(in_noise(scene([wearer(words)]), snr, seed), recogniser)
        right += [understand(one) for one in found] == [understand(words.lower())]
        sends = [one for one in found if understand(one).act == "confirm"]
        assert not sends or words == "send it"
    assert right >= least


@needs_espeak
@pytest.mark.parametrize("snr", [20, 5])
def test_chatter_sends_nothing(recogniser: PocketSphinx, snr: float) -> None:
    sound = in_noise(scene([wearer(words, "en-us+f3") for words in CHATTER]), snr)
    found = [understand(one).act for one in heard(sound, recogniser)]
    assert "confirm" not in found
    assert len(found) <= 1


def test_noise_alone_says_nothing(recogniser: PocketSphinx) -> None:
    assert heard(in_noise(bytes(16_000 * 2 * 4), 5), recogniser) == []
    assert recogniser.text(b"") == ""
    assert recogniser.text(bytes(3200)) == ""


@pytest.mark.parametrize("decoy", DECOYS)
def test_a_decoy_is_no_command(decoy: str) -> None:
    assert understand(decoy).act == "unclear"


def test_the_grammar_takes_names_that_can_be_heard_and_answers_only_when_asked() -> None:
    known = {"climbing", "group", "sarah", "dinner", *" ".join(DECOYS).split()}.__contains__
    vocabulary = Vocabulary(("Sarah!", "Climbing group", "Xqwz; <evil>"), ("dinner", "xyzzy"))
    said = grammar(vocabulary, known)
    assert "<name> = climbing | climbing group | sarah ;" in said
    assert "<topic> = dinner ;" in said
    assert "evil" not in said
    assert " | <name>" not in said
    asked = grammar(Vocabulary(vocabulary.names, (), answering=True), known)
    assert " | <name>" in asked
    assert "<topic>" not in asked


@pytest.mark.parametrize(
    ("words", "whole"),
    [
        ("send it", True), ("the second one", True), ("change friday to half past six", True),
        ("what did sarah say about dinner", True), ("reply to climbing group", True),
        ("mute sarah until twenty one fifteen", True), ("reply", True),
        ("the", False), ("reply to", False), ("change friday to", False), ("thank you", False),
        ("mute sarah until twenty oh", False), ("send it it", False), ("sends", False),
        ("what did sarah say about the", False), ("", False),
    ],
)  # fmt: skip
def test_only_a_whole_command_of_the_grammar_counts(words: str, whole: bool) -> None:
    vocabulary = Vocabulary(("Sarah", "Climbing group"), ("dinner",))
    assert (commands_of(grammar(vocabulary)).fullmatch(words) is not None) is whole


def test_all_that_can_be_heard_is_understood() -> None:
    for words in ("send", "number three", "make it friendlier", "take it back", "not now", "why"):
        assert commands_of(grammar(Vocabulary())).fullmatch(words)
        assert understand(words).act != "unclear"


@needs_espeak
def test_espeak_takes_a_dash_for_no_option() -> None:
    assert len(Espeak().sound("--version is what he wrote")) > 16_000
