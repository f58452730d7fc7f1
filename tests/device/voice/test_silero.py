"""The detector in its own process."""

from __future__ import annotations

import pytest

from device.errors import VoiceError
from device.voice.endpoint import CHUNK
from device.voice.silero import Silero
from tests.needs import needs_espeak, needs_voice
from tests.speech import wearer

pytestmark = needs_voice


@needs_espeak
def test_speech_is_told_from_silence_beside_llama_cpp() -> None:
    pytest.importorskip("llama_cpp")  # its libggml must not meet the detector's
    detector = Silero()
    try:
        quiet = detector(bytes(5 * CHUNK))
        sound = wearer("summarize it, please")
        spoken = detector(sound[: len(sound) // CHUNK * CHUNK])
    finally:
        detector.close()
    assert len(quiet) == 5
    assert max(quiet) < 0.35
    assert sum(likelihood > 0.5 for likelihood in spoken) > len(spoken) / 2


def test_a_detector_that_died_is_told() -> None:
    detector = Silero()
    detector.close()
    detector.close()
    with pytest.raises(VoiceError, match="has stopped"):
        detector(bytes(CHUNK))
