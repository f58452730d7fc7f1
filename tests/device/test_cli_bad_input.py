"""What is wrong with the input is one clear line, exit code 2, and nothing else is lost."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from device.cli import main
from tests.engines import GGUF
from tests.exports import CHAT

COMMAND = [sys.executable, "-c", "from device.cli import main; raise SystemExit(main())"]


def line(id: str = "t", sender: str = "Ben", **more: object) -> str:
    messages = [{"from": sender, "at": "18:02", "text": "can you bring 3 chairs?"}]
    return json.dumps({"id": id, "me": "Anna", "messages": messages} | more)


def write(path: Path, *lines: str) -> str:
    path.write_text("\n".join(lines), encoding="utf-8")
    return str(path)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["inbox", "search", "x", "--limit", "0"], "--limit: 0 is not above 0"),
        (["inbox", "search", "x", "--limit", "-1"], "--limit: -1 is not above 0"),
        (["inbox", "search", "x", "--limit", "many"], "--limit: 'many' is no whole number"),
        (
            ["inbox", "search", "x", "--limit", "9" * 20],
            f"{'9' * 20} is too much; it is 1000000000",
        ),
        (["inbox", "search", "x", "--limit", "9" * 5000], "is no whole number"),
        (["read", "x", "--threads", "abc"], "--threads: 'abc' is no whole number"),
        (["read", "x", "--unread", "abc"], "--unread: 'abc' is no whole number"),
        (["read", "x", "--unread", "-2"], "--unread: -2 is below 0"),
    ],
)
def test_numbers(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2
    assert said in capsys.readouterr().err


def test_too_small_a_context(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    chats = write(tmp_path / "a.jsonl", line())
    assert main(["read", "--context", "200", chats]) == 2
    said = "sidelong: context can't be 200; it is from 768 to 1048576 tokens\n"
    assert capsys.readouterr().err == said


def test_least_context_holds_any_title(tmp_path: Path) -> None:
    chats = write(tmp_path / "a.jsonl", line(title="🦊" * 500), line(sender="🦊" * 5000))
    assert (
        main(["read", "--json", "--context", "768", "--threads", "1", "--model", str(GGUF), chats])
        == 0
    )


def test_errors_are_one_harmless_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    chats = tmp_path / "a\x1b[31m\u202eb.txt"
    write(chats, "01/03/24, 10:00 - B\x1b[2Jen: hi", "01/03/24, 10:01 - \u2066Cy: hello")
    assert main(["inbox", "import", str(chats)]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert error.isascii()
    assert error.strip().isprintable()
    assert "--me with one of: Ben, Cy" in error


@pytest.mark.skipif(sys.platform != "linux", reason="only here a name may be any bytes")
@pytest.mark.parametrize("text", [CHAT, "dear diary\n", "oops\n" + line()])
def test_names_that_are_no_text(tmp_path: Path, text: str) -> None:
    """In a process of its own: what pytest captures takes any character."""
    write(path := tmp_path / os.fsdecode(b"\xff.txt"), text)
    for arguments in (
        ["read", path, "--json", "--me", "-", "--threads", "1", "--model", GGUF],
        ["inbox", "import", path, "--me", os.fsdecode(b"\xfe")],
        ["inbox", "list"],
    ):
        done = subprocess.run([*COMMAND, *arguments], capture_output=True, timeout=100)
        assert done.returncode in (0, 2)
        assert all(said.startswith(b"sidelong: ") for said in done.stderr.splitlines())
        assert bool(done.stderr) == (done.returncode == 2)
        done.stdout.decode()


def test_statements_that_are_odd(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    chats = write(tmp_path / "a.jsonl", line("a\u2028b", title="\ud800"))
    path = write(
        tmp_path / "s.jsonl",
        '{"id": "a\u2028b", "statements": ["Ben \\ud800 asks\u2028for 3 chairs.", ""]}',
        '{"id": ' + "[" * 100_000,
        '{"id": 7, "statements": []}',
        '{"id": "a\u2028b", "statements": [NaN]}',
    )
    assert main(["check", chats, path, "--json"]) == 2
    captured = capsys.readouterr()
    assert [json.loads(t)["statement"] for t in captured.out.split("\n") if t] == [
        "Ben \ufffd asks\u2028for 3 chairs.",
        "",
    ]
    starts = [f"sidelong: {path}:{number}: not " for number in (2, 3, 4)]
    errors = captured.err.splitlines()
    assert [e[: len(s)] for e, s in zip(errors, starts, strict=True)] == starts
    assert main(["check", chats, path]) == 2


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"\xff", "not a text in UTF-8"),
        (b"PK\x03\x04", "a zip"),
        (b"\n", "empty"),
        (None, "no such"),
    ],
)
def test_statements_that_are_none(
    tmp_path: Path, data: bytes | None, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "s.jsonl"
    if data:
        path.write_bytes(data)
    assert main(["check", write(tmp_path / "a.jsonl", line()), str(path)]) == 2
    error = capsys.readouterr().err
    assert str(path) in error
    assert said in error


def test_a_reason_quotes_nothing_raw(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    chats = write(tmp_path / "a.jsonl", line(sender="Ben"))
    claim = {"id": "t", "statements": ["Ben asks for Ab\x1b[31mc\u202ed 7 chairs."]}
    path = write(tmp_path / "s.jsonl", json.dumps(claim))
    assert main(["check", chats, path]) == 0
    out = capsys.readouterr().out
    assert "not supported" in out
    assert not {"\x1b", "\u202e"} & set(out)


def test_check_reads_as_read_does(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    chats = write(tmp_path / "WhatsApp Chat with Ben.txt", CHAT)
    claim = {"id": "whatsapp:Ben", "statements": ["Ben says hi."]}
    path = write(tmp_path / "s.jsonl", json.dumps(claim))
    assert main(["check", chats, path, "--date-order", "dmy", "--unread", "1"]) == 0
    assert main(["check", chats, path, "--date-order", "mdy"]) == 2
    assert "13-3-24 can't be read as month" in capsys.readouterr().err


def test_one_id_twice(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    chats = write(tmp_path / "a.jsonl", line("t"), line("u"), line("t", title="other"))
    assert main(["inbox", "import", chats]) == 2
    captured = capsys.readouterr()
    assert captured.out.splitlines() == ["t: 1 new of 1 messages", "u: 1 new of 1 messages"]
    assert "a second conversation has the id 't'" in captured.err
    path = write(tmp_path / "s.jsonl", '{"id": "t", "statements": ["Ben asks for 3 chairs."]}')
    assert main(["check", chats, path, "--json"]) == 2
    captured = capsys.readouterr()
    assert len(captured.out.splitlines()) == 1
    assert "a second conversation has the id 't'" in captured.err


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a disk that is always full")
def test_full_disk() -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*COMMAND, "inbox", "list"], stdout=full, stderr=subprocess.PIPE, timeout=100
        )
    assert done.returncode == 2
    assert done.stderr.startswith(b"sidelong: stopped: ")
    assert done.stderr.count(b"\n") == 1


def test_a_name_that_is_empty(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (["read", ""], ["inbox", "import", ""], ["check", "", "x"]):
        with pytest.raises(SystemExit) as stopped:
            main(arguments)
        assert stopped.value.code == 2
        assert "this one is empty" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("data", "code", "said"),
    [
        (line("a").encode(), 0, b"a: 1 new of 1 messages\n"),
        (CHAT.encode(), 0, b"Ben: 2 new of 2 messages, "),
        (b"PK\x03\x04", 2, b"sidelong: -: a zip, which no pipe can bring; save it"),
        (b"", 2, b"sidelong: -: the file is empty"),
        (b'{"a": 1}', 2, b"sidelong: -:1: messages must be a list, but it is missing"),
    ],
)
def test_what_is_piped_in(data: bytes, code: int, said: bytes) -> None:
    command = [*COMMAND, "inbox", "import", "-", "--me", "Anna"]
    done = subprocess.run(command, input=data, capture_output=True, timeout=60)
    assert done.returncode == code
    assert (done.stderr if code else done.stdout).startswith(said)


def test_nothing_unread(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    chats = write(tmp_path / "a.jsonl", line())
    arguments = ["read", chats, "--threads", "1", "--model", str(GGUF)]
    assert main([*arguments, "--unread", "0"]) == 0
    assert "nothing new" in capsys.readouterr().out
    assert main([*arguments, "--unread", "1"]) == 0
    assert "nothing new" not in capsys.readouterr().out
    with pytest.raises(SystemExit):
        main([*arguments, "--unread", "-1"])
    with pytest.raises(SystemExit):
        main(["read", "--help"])
    assert "0 for none" in " ".join(capsys.readouterr().out.split())


def test_a_message_without_its_keys(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    message = {"from": "Ben", "text": "hi"}
    chats = write(tmp_path / "a.jsonl", line(), line(messages=[message, {"a": 1}]))
    assert main(["inbox", "import", chats]) == 2
    said = f"sidelong: {chats}:2: messages[1].text must be a text, but it is missing\n"
    assert capsys.readouterr().err == said
