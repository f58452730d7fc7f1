"""The command as a person types it, on the tiny model."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from device.cli import COMMANDS, main

TINY = Path(__file__).parents[1] / "tiny"
GGUF = str(TINY / "tiny.gguf")
KEYS = [
    "id", "glance", "glance_source", "summary", "summary_source", "asks", "asks_source",
    "needs_reply", "urgency", "replies", "timings_ms", "tokens", "model",
]  # fmt: skip


def line(id: str, text: str = "can you bring 3 chairs?", **more: object) -> str:
    messages = [{"from": "Ben", "at": "18:02", "text": text}]
    return json.dumps({"id": id, "me": "Anna", "title": None, "messages": messages} | more)


@pytest.fixture
def threads(tmp_path: Path) -> Path:
    path = tmp_path / "threads.jsonl"
    path.write_text("\n".join(line(f"t{i}") for i in range(3)) + "\n")
    return path


@pytest.mark.usefixtures("no_sockets")
def test_read_json(threads: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["read", str(threads), "--json", "--threads", "1", "--model", GGUF]) == 0
    records = [json.loads(text) for text in capsys.readouterr().out.splitlines()]
    assert [r["id"] for r in records] == ["t0", "t1", "t2"]
    for record in records:
        assert list(record) == KEYS
        assert record["glance_source"] in ("model", "quote")
        assert set(record["timings_ms"]) == {
            "prepare", "glance", "summary", "asks", "triage", "replies",
        }  # fmt: skip


@pytest.mark.usefixtures("no_sockets")
def test_read_for_people(threads: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["read", str(threads), "--threads", "1", "--model", GGUF]) == 0
    out = capsys.readouterr().out
    assert out.count("can you bring 3 chairs?") >= 3
    assert "urgency" in out


@pytest.mark.usefixtures("no_sockets")
def test_demo(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "--fast", "--threads", "1", "--model", GGUF]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "Ifeoma" in out
    assert "took: a glance includes reading its chat" in out


def test_demo_on_the_shipped_model() -> None:
    """In a process of its own: what a CPU's fast paths do to quantized weights can kill one."""
    code = "from device.cli import main; raise SystemExit(main(['demo', '--threads', '1']))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    assert "Ifeoma" in done.stdout


@pytest.mark.usefixtures("no_sockets")
def test_read_on_onnx(threads: Path, capsys: pytest.CaptureFixture[str]) -> None:
    args = ["read", str(threads), "--json", "--engine", "onnx", "--model", str(TINY)]
    assert main(args) == 0
    assert len(capsys.readouterr().out.splitlines()) == 3


def test_one_bad_thread_among_many(
    threads: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = tmp_path / "mixed.jsonl"
    bad.write_text("\n".join([line("a"), "{not json", line("b"), '{"id": "c"}']))
    assert main(["read", str(bad), str(threads), "--json", "--threads", "1", "--model", GGUF]) == 2
    captured = capsys.readouterr()
    assert [json.loads(t)["id"] for t in captured.out.splitlines()] == ["a", "b", "t0", "t1", "t2"]
    assert f"{bad}:2:" in captured.err
    assert f"{bad}:4:" in captured.err


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda p: None, "no such"),
        (lambda p: p.mkdir(), "directory"),
        (lambda p: p.write_text(""), "empty"),
        (lambda p: p.write_text("dear diary\n"), "export"),
    ],
)
def test_bad_input_is_named(
    tmp_path: Path, make: object, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "chat.txt"
    make(path)  # type: ignore[operator]
    assert main(["read", str(path), "--threads", "1", "--model", GGUF]) == 2
    err = capsys.readouterr().err
    assert str(path) in err
    assert said in err.casefold()
    assert "Traceback" not in err


def test_a_model_that_is_not_there(threads: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["read", str(threads), "--model", "nosuch"]) == 2
    assert "nosuch" in capsys.readouterr().err
    assert main(["read", str(threads), "--model", "nosuch.gguf"]) == 2


@pytest.mark.usefixtures("no_sockets")
def test_check(threads: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    statements = tmp_path / "statements.jsonl"
    statements.write_text(
        '{"id": "t1", "true": ["Ben asks about 3 chairs."], "false": ["Ben wants 7 chairs."]}\n'
        '{"id": "zz", "statements": ["x"]}\n'
        "[]\n"
    )
    assert main(["check", str(threads), str(statements), "--json"]) == 2
    captured = capsys.readouterr()
    records = [json.loads(text) for text in captured.out.splitlines()]
    assert [r["statement"] for r in records] == ["Ben asks about 3 chairs.", "Ben wants 7 chairs."]
    assert all(list(r) == ["id", "statement", "pass", "reason"] for r in records)
    assert not records[1]["pass"]
    assert "7" in records[1]["reason"]
    assert f"{statements}:2: no thread has the id 'zz'" in captured.err
    assert f"{statements}:3:" in captured.err


def test_inbox(threads: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inbox", "list"]) == 0
    assert main(["inbox", "import", str(threads)]) == 0
    assert main(["inbox", "import", str(threads)]) == 0
    capsys.readouterr()
    assert main(["inbox", "search", "chairs"]) == 0
    assert capsys.readouterr().out.count("can you bring 3 chairs?") == 3
    assert main(["inbox", "wipe"]) == 2, "nobody there to ask"
    assert main(["inbox", "wipe", "--yes"]) == 0
    assert main(["inbox", "search", "chairs"]) == 0
    assert "Nothing found" in capsys.readouterr().out


@pytest.mark.parametrize("command", COMMANDS)
def test_help(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main([command, "--help"])
    assert stopped.value.code == 0
    assert COMMANDS[command][1:20] in capsys.readouterr().out.replace("\n", " ")


@pytest.mark.parametrize("columns", ["40", "80"])
def test_model_list_fits(
    columns: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    assert main(["model", "list"]) == 0
    out = capsys.readouterr().out
    assert all(len(line) <= int(columns) for line in out.splitlines())
    assert "…" not in out
    assert out.startswith("* sidelong-118m  ")
    for word in ("Q4_0", "Apache-2.0", "sidelong-118m.gguf"):
        assert word in out
