"""The promise that everything stays on the device, held against the kernel's own record.

Python's own sockets are forbidden on every machine, by the fixture `no_sockets` that read, demo and
check run under in `test_cli`. llama.cpp's or ONNX Runtime's can't be: so here each command runs
under strace, which sees every socket of the process and its children.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TINY = ROOT / "tests" / "tiny"
WHATSAPP = """\
12/03/2024, 18:02 - Ben: can you bring 3 chairs?
12/03/2024, 18:05 - Anna: sure
12/03/2024, 18:07 - Ben: thanks, see you at 7
"""
TELEGRAM = {
    "name": "Ben",
    "type": "personal_chat",
    "id": 1,
    "messages": [
        {
            "id": i,
            "type": "message",
            "date": f"2024-03-12T18:0{i}:00",
            "date_unixtime": f"{1710266400 + i}",
            "from": name,
            "from_id": f"user{name}",
            "text": text,
            "text_entities": [{"type": "plain", "text": text}],
        }
        for i, (name, text) in enumerate([("Anna", "are you at home?"), ("Ben", "no, at eight")])
    ],
}
JSONL = {
    "id": "t",
    "me": "Anna",
    "title": None,
    "messages": [{"from": "Ben", "at": "18:02", "text": "can you bring 3 chairs? http://x.org"}],
}
RUN = "import sys; from device.cli import main; sys.exit(main())"
CLAIMS = {"id": "t", "statements": ["Ben wants 3 chairs.", "Ben wants 4 chairs."]}


LOOPBACK = re.compile(r'inet_addr\("127\.0\.0\.1"\)|inet_pton\(AF_INET6, "::1"')


def traced(folder: Path, *command: str | Path) -> tuple[subprocess.CompletedProcess[str], str]:
    """A command that has run, and every internet socket that it or a child asked for."""
    log = folder / "sockets"
    done = subprocess.run(
        ["strace", "-f", "--seccomp-bpf", "-e", "trace=socket", "-o", log, *command],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    lines = log.read_text().splitlines() if log.exists() else []
    return done, "\n".join(line for line in lines if "AF_INET" in line)


@pytest.fixture(autouse=True)
def strace(tmp_path: Path) -> None:
    """Skip where no process may be watched."""
    if not shutil.which("strace"):
        pytest.skip("strace is not installed: only Python's own sockets are tested (test_cli)")
    done, _ = traced(tmp_path, "true")
    if done.returncode:
        pytest.skip(f"strace may not watch a process here: {done.stderr.strip()[:200]}")


@pytest.fixture
def chats(tmp_path: Path) -> Path:
    """A folder with one chat of every kind."""
    (tmp_path / "WhatsApp Chat with Ben.txt").write_text(WHATSAPP)
    (tmp_path / "result.json").write_text(json.dumps(TELEGRAM))
    (tmp_path / "threads.jsonl").write_text(json.dumps(JSONL))
    (tmp_path / "claims.jsonl").write_text(json.dumps(CLAIMS))
    return tmp_path


def test_a_socket_would_be_seen(tmp_path: Path) -> None:
    for family in ("AF_INET", "AF_INET6"):
        # As a library would: in a child of its own, and quiet about it.
        script = f"import os, socket\nif not os.fork(): socket.socket(socket.{family}); os._exit(0)"
        _, sockets = traced(tmp_path, sys.executable, "-c", f"{script}\nos.wait()")
        assert family in sockets


FILES = ["WhatsApp Chat with Ben.txt", "result.json", "threads.jsonl"]


@pytest.mark.parametrize(
    ("command", "lines"),
    [
        (["read", *FILES, "--me", "Anna", "--json", "--threads", "1"], 3),
        (["read", "threads.jsonl", "--json", "--engine", "onnx", "--model", str(TINY)], 1),
        (["demo", "--fast", "--threads", "1", "--model", str(TINY / "tiny.gguf")], 9),
        (["check", "threads.jsonl", "claims.jsonl", "--json"], 2),
        (["inbox", "import", *FILES, "--me", "Anna"], 1),
        (["model", "use", "sidelong-118m"], 1),
        (["doctor"], 1),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else None,
)
def test_no_command_opens_a_socket(chats: Path, command: list[str], lines: int) -> None:
    done, sockets = traced(chats, sys.executable, "-c", RUN, *command)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) >= lines, "it did its work"
    assert sockets == ""
    # ONNX Runtime's telemetry waits before it calls home, but leaves its id here at once.
    assert not (chats / "xdg-cache").exists()


class Live:
    """`sidelong run` on a chat, watched; `addresses` are those of its internet sockets."""

    def __init__(self, folder: Path, *options: str):
        self._log = folder / "sockets"
        strace = ["strace", "-f", "--seccomp-bpf", "-e", "trace=socket,bind,connect,sendto"]
        replay = ["run", "--connector", "replay", "threads.jsonl", "--speed", "max"]
        tiny = ["--threads", "1", "--model", str(TINY / "tiny.gguf")]
        self.process = subprocess.Popen(
            [*strace, "-o", self._log, sys.executable, "-c", RUN, *replay, *options, *tiny],
            cwd=folder,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def until(self, words: str) -> str:
        """The first line of the output with these words."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if words in line:
                return line
        raise AssertionError(f"{words!r} never came: {self.process.communicate()[1]}")

    def end(self) -> list[str]:
        """Stop it, where it hasn't ended by itself; every line about an internet socket."""
        strace = self.process.pid
        for child in Path(f"/proc/{strace}/task/{strace}/children").read_text().split():
            os.kill(int(child), signal.SIGTERM)
        self.process.communicate(timeout=120)
        return [line for line in self._log.read_text().splitlines() if "AF_INET" in line]


def test_a_replay_opens_no_socket(chats: Path) -> None:
    run = Live(chats)
    assert run.process.stdin is not None
    run.until("can you bring 3 chairs?")
    for words, answer in (("type yes", "To Ben?"), ("send", "Sent to Ben"), ("quit", "sent: 1")):
        run.process.stdin.write(f"{words}\n")
        run.process.stdin.flush()
        run.until(answer)
    assert run.end() == []


def test_the_page_is_on_this_machine_only(chats: Path) -> None:
    run = Live(chats, "--display", "web", "--port", "0", "--log", "log")
    url = run.until("The glasses are at").split()[-1]
    with urllib.request.urlopen(url) as page:
        assert b"Sidelong" in page.read()
    lines = run.end()
    named = [line for line in lines if "sa_family" in line or "sin" in line]
    assert any("bind(" in line for line in named), "its own listening was seen"
    assert [line for line in named if not LOOPBACK.search(line)] == []
