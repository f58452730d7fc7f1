"""`sidelong voice` and `sidelong run --voice` as a new user types them, files for a sound card."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import numpy as np
import pytest

from device.cli import main
from device.voice.audio import RATE, read_wav, write_wav
from tests.needs import needs_espeak, needs_voice
from tests.runs import GGUF, ROOT, SIDELONG
from tests.speech import in_noise, silence, wearer

pytestmark = [needs_espeak, needs_voice]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the wearer stands: what was said, files that are no sound, and a chat."""
    monkeypatch.chdir(tmp_path)
    write_wav(tmp_path / "said.wav", in_noise(silence(4) + wearer("read it") + silence(1), 30))
    mumbled = wearer("colourless green ideas sleep furiously")
    write_wav(tmp_path / "mumbled.wav", in_noise(silence(1) + mumbled + silence(1), 30))
    write_wav(tmp_path / "nothing.wav", silence(1))
    write_wav(tmp_path / "empty.wav", b"")
    (tmp_path / "zero.wav").touch()
    (tmp_path / "text.mp3").write_text("no sound at all")
    messages = [{"from": "Ben", "at": "18:02", "text": "can you bring 3 chairs?"}]
    thread = {"id": "t", "me": "Anna", "title": "Ben", "messages": messages}
    (tmp_path / "chat.jsonl").write_text(json.dumps(thread) + "\n")
    return tmp_path


@pytest.mark.usefixtures("folder")
def test_a_file_is_listened_to(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["voice", "hear", "said.wav"]) == 0
    assert capsys.readouterr().out.startswith("read it  (read, after ")
    assert main(["voice", "say", "read it", "spoken.wav"]) == 0
    assert len(read_wav(Path("spoken.wav"))) > RATE
    assert main(["voice", "list"]) == 0
    assert "PocketSphinx hears and espeak-ng speaks" in capsys.readouterr().out


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["voice", "hear", "zero.wav"], "zero.wav: no WAV file of 16-bit samples (it ends"),
        (["voice", "hear", "text.mp3"], "convert it: ffmpeg"),
        (["voice", "hear", "nothing.wav"], "nothing.wav: there is no speech in it"),
        (["voice", "hear", "empty.wav"], "empty.wav: there is no speech in it"),
        (["voice", "hear", "mumbled.wav"], "mumbled.wav: nothing of it was understood"),
        (["voice", "hear", "missing.wav"], "missing.wav: can't be read: No such file"),
        (["voice", "say", "hello", "no/such/folder.wav"], "folder.wav: can't be written"),
        (["run", "--microphone", "missing.wav"], "missing.wav: can't be read"),
        (["run", "--microphone", "text.mp3"], "text.mp3: no WAV file"),
        (["run", "--microphone", "no such device"], "microphone"),
        (["run", "--microphone", "said.wav", "--loudspeaker", "no such device"], "loudspeaker"),
        (["run", "--microphone", "said.wav", "--loudspeaker", "no/folder.wav"], "can't be written"),
        (["run", "--microphone", "page"], "--display web"),
    ],
)
def test_what_is_wrong_is_said(
    args: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    if args[0] == "run":
        args = [*args, "--voice", "--connector", "replay", "chat.jsonl", "--model", GGUF]
    assert main(args) == 2
    err = capsys.readouterr().err
    assert said in err
    assert "Traceback" not in err


def by_files(folder: Path, microphone: str) -> subprocess.CompletedProcess[str]:
    """A run in which nobody types."""
    files = ("--voice", "--microphone", microphone, "--loudspeaker", "spoken.wav")
    return subprocess.run(
        [*SIDELONG, "run", "chat.jsonl", *files, "--threads", "1", "--model", GGUF],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=250,
    )


def test_a_run_by_files_ends_when_the_recording_was_answered(folder: Path) -> None:
    done = by_files(folder, "said.wav")
    assert done.returncode == 0, done.stderr
    assert "Ben 18:02: can you bring 3 chairs?" in done.stdout, "it was read when that was said"
    assert np.any(np.frombuffer(read_wav(folder / "spoken.wav"), "<i2"))


@pytest.mark.parametrize("microphone", ["nothing.wav", "mumbled.wav"])
def test_a_run_that_understood_nothing_of_it_fails(folder: Path, microphone: str) -> None:
    done = by_files(folder, microphone)
    assert done.returncode == 2, done.stdout
    assert f"{microphone}: nothing that was said was understood" in done.stderr
    assert "messages: 1" in done.stdout, "how it went is told all the same"
