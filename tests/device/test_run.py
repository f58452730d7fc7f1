"""`sidelong run` and `sidelong init`, as a wearer types them."""

from __future__ import annotations

import datetime as dt
import io
import json
import logging
import os
import signal
import sys
import time
import tomllib
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from types import SimpleNamespace

import pytest

from device.cli import main
from device.commands.run import status_path
from device.settings import Settings, load_settings, settings_file, settings_path
from device.voice.audio import write_wav
from tests.needs import needs_espeak, needs_voice
from tests.runs import GGUF, Typing
from tests.speech import silence

SECRET = "can you bring 3 chairs?"
TINY = ["--threads", "1", "--model", GGUF]


@pytest.fixture
def chats(tmp_path: Path) -> Path:
    path = tmp_path / "threads.jsonl"
    messages = [{"from": "Ben", "at": "18:02", "text": SECRET}]
    thread = {"id": "t", "me": "Anna", "title": "Ben", "messages": messages}
    path.write_text(json.dumps(thread) + "\n")
    return path


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """What a run sets up for its process is taken down after the test."""
    yield
    root = logging.getLogger("device")
    for handler in root.handlers[:]:
        root.removeHandler(handler)
        handler.close()
    root.propagate, root.level = True, logging.NOTSET


def test_a_replay_from_message_to_reply(
    chats: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = tmp_path / "log"
    run = Typing("--connector", "replay", str(chats), "--log", str(log), cwd=tmp_path)
    run.until(SECRET)
    run.say("type yes, four even")
    run.until("nobody at the other end")
    run.say("send")
    run.until("Sent to Ben")
    run.say("quit")
    out, err = run.end()
    assert (run.process.returncode, err) == (0, "")
    assert "sent: 1" in out
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert {"start", "arrived", "card", "said", "sent", "stop"} <= {line["event"] for line in lines}
    for secret in ("chairs", "four", "Ben"):
        assert secret not in log.read_text()
    assert main(["run", "--status"]) == 0
    assert capsys.readouterr().out.startswith("ran: 2"), "it runs no longer"
    assert json.loads(status_path().read_text())["sent"] == 1
    assert not (tmp_path / "xdg-data/sidelong/inbox.sqlite").exists(), "a replay keeps nothing"


def test_what_loads_and_what_could_not_be_read_is_on_the_lens(chats: Path, tmp_path: Path) -> None:
    run = Typing("missing.txt", str(chats), "--log", "log", cwd=tmp_path)
    assert run.until("").strip("· \n") == "Loading the model …"
    assert "the terminal says why" in run.until("missing.txt")
    run.say("quit")
    _, err = run.end()
    assert (run.process.returncode, err.count("missing.txt: there is no such file")) == (2, 1)


def test_a_model_that_can_not_be_loaded_ends_it(
    chats: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", str(chats), "--model", "missing.gguf"]) == 2
    assert "missing.gguf: no such" in capsys.readouterr().err


@needs_espeak
@needs_voice
def test_who_says_riding_to_a_voice_sees_nothing_more(chats: Path, tmp_path: Path) -> None:
    write_wav(tmp_path / "wearer.wav", silence(1))
    voice = ("--voice", "--microphone", "wearer.wav", "--loudspeaker", "said.wav")
    run = Typing("--connector", "replay", str(chats), "--log", "log", *voice, cwd=tmp_path)
    run.until(SECRET)
    run.say("riding")
    while '"riding"' not in (tmp_path / "log").read_text():
        time.sleep(0.05)
    run.say("walking")
    run.until("You are walking now.")
    run.say("quit")
    out, err = run.end()
    assert (run.process.returncode, err) == (0, "")
    assert "You are riding now." not in out


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_cleanly(chats: Path, tmp_path: Path, number: int) -> None:
    run = Typing(str(chats), "--log", "log", "--log-text", cwd=tmp_path)
    run.until(SECRET)
    run.process.send_signal(number)
    _, err = run.end()
    assert (run.process.returncode, err) == (0, "")
    events = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]
    assert events[-1]["event"] == "stop"
    assert any("chairs" in event.get("text", "") for event in events), "the text was asked for"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_before_the_model_is_loaded_too(chats: Path, tmp_path: Path, number: int) -> None:
    run = Typing(str(chats), cwd=tmp_path)
    run.until("Loading the model …")
    run.process.send_signal(number)
    _, err = run.end()
    assert (run.process.returncode, err) == (130, "sidelong: stopped\n")


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ([], "no connector is chosen"),
        (["--connector", "replay", "missing.txt"], "missing.txt: there is no such file"),
        (["--connector", "matrix", "chat.txt"], "leave out one of the two"),
        (["--microphone", "said.wav"], "need --voice"),
        (["--status"], "has not run yet"),
    ],
)
def test_what_is_wrong_is_said(
    args: list[str], said: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main(["run", *args, *TINY]) == 2
    err = capsys.readouterr().err
    assert said in err
    assert "Traceback" not in err


@pytest.mark.parametrize("speed", ["0", "-1", "inf", "nan", "fast"])
def test_no_speed(speed: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["run", "--speed", speed])
    assert stopped.value.code == 2
    assert "--speed" in capsys.readouterr().err


def test_init_explains_every_setting_and_sets_none(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init"]) == 0
    assert str(settings_path()) in capsys.readouterr().out
    assert load_settings() == Settings()
    written = settings_path().read_text()
    assert written == settings_file()
    assert max(map(len, written.splitlines())) <= 100
    bare = "\n".join(line[2:] for line in written.splitlines() if " = " in line)
    assert list(tomllib.load(io.BytesIO(bare.encode()))) == [f.name for f in fields(Settings)]
    for block in written.split("\n\n")[1:]:
        assert block.startswith("# ")
        assert len(block.split(" = ")[0].splitlines()) > 1, "explained before it is set"


def test_init_leaves_a_file_alone(capsys: pytest.CaptureFixture[str]) -> None:
    settings_path().parent.mkdir(parents=True)
    settings_path().write_text('me = "Anna"\n')
    assert main(["init"]) == 2
    assert "is there already" in capsys.readouterr().err
    assert settings_path().read_text() == 'me = "Anna"\n'


def test_settings_can_be_uncommented(tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"
    path.write_text("\n".join(line[2:] for line in settings_file().splitlines() if " = " in line))
    loaded = load_settings(path)
    assert (loaded.countdown, loaded.display, loaded.connector) == (3, "terminal", "replay")
    assert loaded.quiet_hours == (dt.time(22), dt.time(7))
    for field in fields(Settings):
        assert getattr(loaded, field.name) not in (None, "", ()), f"{field.name} shows nothing"


@pytest.mark.parametrize(
    ("display", "package", "said"),
    [
        ("halo", "brilliant_ble", "Brilliant Halo: Bluetooth needs the package brilliant-ble"),
        ("frame", "brilliant_ble", "Brilliant Frame: Bluetooth needs the package brilliant-ble"),
        ("g1", "bleak", "Even G1: Bluetooth needs the package bleak"),
    ],
)
def test_glasses_without_their_package(
    chats: Path,
    display: str,
    package: str,
    said: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    assert main(["run", str(chats), "--display", display, *TINY]) == 2
    assert f"sidelong: {said}" in capsys.readouterr().err


def test_glasses_that_are_not_there(
    chats: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Nobody:
        async def connect(self, name: str | None) -> None:
            raise RuntimeError("no device was found")

    monkeypatch.setitem(sys.modules, "brilliant_ble", SimpleNamespace(BrilliantBle=Nobody))
    assert main(["run", str(chats), "--display", "halo", *TINY]) == 2
    assert "no connection (no device was found); wake them" in capsys.readouterr().err


def test_a_reply_over_glasses(
    chats: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Drawn on a link that only writes down, answered on the keyboard."""
    drawn: list[str] = []
    wearer, keyboard = os.pipe()
    answers = {"can you bring": "type yes", "To Ben?": "send", "Sent to Ben": "quit"}

    class Link:
        async def connect(self, name: str | None) -> None:
            pass

        async def send_lua(self, string: str, /, *, await_print: bool = False) -> None:
            drawn.append(string)
            for words in [words for words in answers if words in string]:
                os.write(keyboard, f"{answers.pop(words)}\n".encode())

        async def disconnect(self) -> None:
            drawn.append("disconnected")

    monkeypatch.setitem(sys.modules, "brilliant_ble", SimpleNamespace(BrilliantBle=Link))
    with open(wearer) as typed:  # noqa: PTH123 - a pipe has no path
        monkeypatch.setattr(sys, "stdin", typed)
        assert main(["run", str(chats), "--display", "halo", *TINY]) == 0
        os.close(keyboard)
    assert answers == {}
    assert drawn[-1] == "disconnected"
    assert "sent: 1" in capsys.readouterr().out
