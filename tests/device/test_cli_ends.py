"""However a command ends, it is quiet: Ctrl-C, Ctrl-D, a reader that has had enough."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from prompt_toolkit.application import create_app_session
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.output import DummyOutput

from device import cli
from device.cli import STOPPED, UNREAD, main
from tests.engines import GGUF

COMMAND = [sys.executable, "-c", "from device.cli import main; raise SystemExit(main())"]
MODEL = ["--threads", "1", "--model", str(GGUF)]


@pytest.fixture
def chats(tmp_path: Path) -> str:
    messages = [{"from": "Ben", "at": "18:02", "text": "can you bring 3 chairs?"}]
    path = tmp_path / "threads.jsonl"
    path.write_text(json.dumps({"id": "t", "me": "Anna", "messages": messages}))
    return str(path)


@pytest.fixture
def claims(tmp_path: Path) -> str:
    path = tmp_path / "claims.jsonl"
    path.write_text(json.dumps({"id": "t", "statements": ["Ben asks for 3 chairs."]}))
    return str(path)


def test_ctrl_c_while_modules_are_imported(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stopped(name: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "_module", stopped)
    assert main(["doctor"]) == STOPPED == 130
    assert capsys.readouterr().err == "sidelong: stopped\n"


def test_nothing_that_takes_time_is_imported_before_ctrl_c_is_answered() -> None:
    code = "import os, sys; had = {*sys.modules}; import device.cli; print(*{*sys.modules} - had)"
    done = subprocess.run(
        # Isolated from `site`, which imports what this installation happens to need.
        [sys.executable, "-S", "-c", code],
        cwd=Path(cli.__file__).parents[1],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert set(done.stdout.split()) <= {"device", "device.cli", "__future__"}, done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="its pipes end otherwise")
@pytest.mark.parametrize("json_too", [[], ["--json"]], ids=["people", "json"])
@pytest.mark.parametrize("command", ["read", "check"])
def test_a_reader_that_has_had_enough(
    command: str, json_too: list[str], chats: str, claims: str
) -> None:
    more = MODEL if command == "read" else [claims]
    process = subprocess.Popen(
        [*COMMAND, command, chats, *more, *json_too],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout
    process.stdout.close()
    assert process.stderr
    error = process.stderr.read()
    process.stderr.close()
    assert (process.wait(timeout=60), error) == (UNREAD, b"")


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["--version"])
    assert stopped.value.code == 0
    assert capsys.readouterr().out.startswith("sidelong 0.")


@pytest.mark.parametrize(
    ("typed", "removed"), [("\x04", False), ("\r", False), ("n\r", False), ("Yes\r", True)]
)
def test_only_yes_wipes(
    chats: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    typed: str,
    removed: bool,
) -> None:
    assert main(["inbox", "import", chats]) == 0
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    with create_pipe_input() as keys, create_app_session(keys, DummyOutput()):
        keys.send_text(typed)
        assert main(["inbox", "wipe"]) == 0
    assert ("Nothing was removed." in capsys.readouterr().out) != removed
    assert main(["inbox", "search", "chairs"]) == 0
    assert ("3 chairs" in capsys.readouterr().out) != removed
