"""The real sherpa-onnx, with a transducer of noise: loaded, biased, hearing as sound comes."""

from __future__ import annotations

from pathlib import Path

import pytest

from device.cli import main
from device.voice.audio import BLOCK, write_wav
from device.voice.recogniser import Vocabulary
from device.voice.sherpa_recogniser import Sherpa
from device.voice.speech_models import install, models_folder
from tests.needs import needs_espeak, needs_voice
from tests.speech import in_noise, scene, wearer

pytest.importorskip("sherpa_onnx")
pytest.importorskip("onnx")
from tests.device.voice.tiny_transducer import transducer

pytestmark = needs_espeak


@pytest.mark.parametrize("hotwords", [True, False])
def test_what_is_heard_while_it_is_said_is_what_is_heard_of_the_whole(
    tmp_path: Path, hotwords: bool
) -> None:
    recogniser = Sherpa(transducer(tmp_path, hotwords))
    recogniser.expect(Vocabulary(("Sarah", "A B"), ("dinner",)))
    first, second = wearer("reply to Sarah"), wearer("that I am late")
    whole = [recogniser.text(sound) for sound in (first, second)]
    assert all(whole)
    for sound, text in zip((first, second), whole, strict=True):
        for at in range(BLOCK, len(sound), BLOCK):
            recogniser.follow(sound[:at])
        assert recogniser.text(sound) == text
    recogniser.follow(first[:-BLOCK])  # and cut off: the next utterance has nothing of it
    assert recogniser.text(second) == whole[1]


@pytest.mark.parametrize("hotwords", [True, False])
def test_names_are_hotwords(tmp_path: Path, hotwords: bool) -> None:
    recogniser = Sherpa(transducer(tmp_path, hotwords))
    sound = wearer("reply to Sarah")
    plain = recogniser.text(sound)
    recogniser.expect(Vocabulary(names=("A B",)))
    assert (recogniser.text(sound) != plain) is hotwords


@needs_voice
def test_a_fetched_recogniser_is_used(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    install(models_folder(), transducer(tmp_path / "fetched"), "tiny", "https://example.org/tiny")
    write_wav(tmp_path / "said.wav", in_noise(scene([wearer("reply to Sarah")]), 30))
    assert main(["voice", "hear", str(tmp_path / "said.wav"), "--names", "Sarah"]) == 0
    assert "(unclear, after" in capsys.readouterr().out, "noise hears nonsense, and says it"
