"""Many conversations in one call: each has its card, in its place, wherever the output goes."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from device.cli import main
from tests.engines import GGUF

IDS = ["a", "b", "a", "c", "d", "e", "f", "b", "g"]


def write(path: Path, ids: list[str]) -> str:
    records = [
        {
            "id": id,
            "me": "Anna",
            "messages": [{"from": "Ben", "text": f"can you bring {n} chairs?"}],
        }
        for n, id in enumerate(ids, start=3)
    ]
    path.write_text("\n".join(map(json.dumps, records)))
    return str(path)


def ids(output: str) -> list[str]:
    return [json.loads(line)["id"] for line in output.splitlines()]


@pytest.mark.usefixtures("no_sockets")
def test_one_id_twice(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    few, many = write(tmp_path / "few.jsonl", ["b", "b"]), write(tmp_path / "many.jsonl", IDS)
    for chats, wanted in (([few], ["b", "b"]), ([many, few], [*IDS, "b", "b"])):
        assert main(["read", "--json", "--threads", "1", "--model", str(GGUF), *chats]) == 0
        assert ids(capsys.readouterr().out) == wanted


@pytest.mark.skipif(sys.platform == "win32", reason="it has no such terminals")
def test_json_in_a_file_and_progress_on_a_terminal(tmp_path: Path) -> None:
    """`sidelong read --json > file`: what is meant for the file must not go to the terminal."""
    import pty

    terminal, stderr = pty.openpty()
    code = "from device.cli import main; raise SystemExit(main())"
    args = [
        "read",
        "--json",
        "--threads",
        "1",
        "--model",
        str(GGUF),
        write(tmp_path / "many.jsonl", IDS),
    ]
    with (tmp_path / "out").open("w") as out:
        process = subprocess.Popen([sys.executable, "-c", code, *args], stdout=out, stderr=stderr)
    os.close(stderr)
    shown = b""
    with contextlib.suppress(OSError):  # Linux's way to say that nobody holds the other end
        while part := os.read(terminal, 1024):
            shown += part
    os.close(terminal)
    assert process.wait(timeout=60) == 0
    assert ids((tmp_path / "out").read_text()) == IDS
    assert b"reading" in shown
    assert b'"id"' not in shown
