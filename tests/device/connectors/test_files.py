"""Files as people have them: every golden export, every kind of file that is none."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from device.connectors import files
from device.connectors.files import read_threads
from device.errors import InputError
from device.messages import Thread
from tests.exports import CHAT, EXPECTED, GOLDEN, as_json, export_of, problem


def test_every_golden_export_has_its_expectation() -> None:
    exports = {p for p in GOLDEN.rglob("*") if p.is_file()} - set(EXPECTED)
    assert exports == set(map(export_of, EXPECTED))
    assert len(EXPECTED) >= 14


@pytest.mark.parametrize("expected", EXPECTED, ids=lambda p: p.name.split(".")[0])
def test_golden(expected: Path) -> None:
    golden = json.loads(expected.read_text(encoding="utf-8"))
    assert [as_json(t) for t in read_threads(export_of(expected), me=golden["me"])] == golden[
        "threads"
    ]


@pytest.mark.parametrize("expected", EXPECTED, ids=lambda p: p.name.split(".")[0])
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_golden_in_other_encodings(expected: Path, encoding: str, tmp_path: Path) -> None:
    golden = json.loads(expected.read_text(encoding="utf-8"))
    export = export_of(expected)
    other = tmp_path / export.relative_to(GOLDEN)
    other.parent.mkdir(exist_ok=True)
    other.write_bytes(export.read_bytes().decode().encode(encoding))
    assert [as_json(t) for t in read_threads(other, me=golden["me"])] == golden["threads"]


@pytest.mark.parametrize("expected", [e for e in EXPECTED if "WhatsApp" in e.name])
def test_golden_in_a_zip(expected: Path, pack: Callable[..., Path]) -> None:
    golden = json.loads(expected.read_text(encoding="utf-8"))
    export = export_of(expected)
    path = pack(
        {export.name: export.read_bytes(), "00000001-notes.txt": "no chat", "a.jpg": b"\xff\xd8"},
        f"{expected.name.removesuffix('.expected.json').removesuffix('.txt')}.zip",
    )
    assert [as_json(t) for t in read_threads(path, me=golden["me"])] == golden["threads"]


def test_shared_examples_are_read() -> None:
    found = sorted((Path(__file__).parents[4] / "shared/data/glancechat").glob("threads-*.jsonl"))
    if not found:
        pytest.skip("the data of the training lies elsewhere")
    for path in found[:2]:
        records = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        threads = list(read_threads(path))
        for record, thread in zip(records, threads, strict=True):
            assert isinstance(thread, Thread)
            assert thread.unread_from == record["unread_from"]
            assert [m.text for m in thread.messages] == [m["text"] for m in record["messages"]]


# What can't be read


def test_missing_directory_empty(tmp_path: Path, write: Callable[..., Path]) -> None:
    assert str(problem(tmp_path / "none.txt")) == f"{tmp_path / 'none.txt'}: there is no such file"
    (tmp_path / "result.json").write_text("{}")
    assert "is a directory; name" in str(problem(tmp_path))
    assert str(tmp_path / "result.json") in problem(tmp_path).problem
    for data in (b"", b" \n\n", b"\xef\xbb\xbf", b"\xff\xfe"):
        assert "is empty" in str(problem(write(data)))


def test_not_text(write: Callable[..., Path]) -> None:
    error = problem(write(CHAT.encode() + "14/03/24, 10:00 - Ben: schön".encode("latin-1")))
    assert error.line == 3
    assert "UTF-8" in error.problem
    assert "UTF-16" in problem(write(b"\xff\xfea")).problem
    assert "not a chat that Sidelong knows" in problem(write(b"GIF89a\x00\x00")).problem


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name,age\nBen,4\n", "not a chat that Sidelong knows"),
        ("[1, 2]", "not a chat that Sidelong knows"),
        ("\ufeff<!DOCTYPE html><html></html>", "choose JSON"),
        ('{\n "a": 1\n}', "JSON of another kind"),
        ('{\n "name": "Ben",\n "messages": [', "broken JSON"),
        ('{\n "chats": {}\n}', "chats.list"),
        ('{\n "chats": {"list": []}\n}', "no messages"),
        ('{"messages": [], "type": "personal_chat", "id": 1}', "no messages"),
        ("01/03/24, 10:00 - Ben created group", "only WhatsApp's own notices"),
    ],
)
def test_another_format(text: str, said: str, write: Callable[..., Path]) -> None:
    assert said in problem(write(text)).problem


def test_broken_json_names_the_line(write: Callable[..., Path]) -> None:
    assert problem(write('{\n "name": "Ben",\n "messages": [}\n}')).line == 3


def test_deep_nesting_and_long_numbers(write: Callable[..., Path]) -> None:
    assert "not a chat" in problem(write("[" * 100_000)).problem
    [deep] = read_threads(write('{"id": ' + "[" * 100_000))
    [long] = read_threads(write('{"id": ' + "1" * 10_000 + "}"))
    assert isinstance(deep, InputError)
    assert isinstance(long, InputError)


def test_device_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "LARGEST_FILE", 1024)
    assert "export single chats" in problem(Path("/dev/zero")).problem
    assert "empty" in problem(Path("/dev/null")).problem


@pytest.mark.skipif(sys.platform != "linux", reason="only here a name may be any bytes")
@pytest.mark.parametrize("name", [b"\xff.txt", b"WhatsApp Chat with \xff.txt"])
def test_name_that_is_no_text(name: bytes, write: Callable[..., Path]) -> None:
    [thread] = read_threads(write(CHAT, os.fsdecode(name)), me="Anna")
    assert isinstance(thread, Thread)
    assert thread.title in ("\ufffd", "Ben")
    thread.id.encode()


def test_usual_name_holds_only_where_the_file_says_none(write: Callable[..., Path]) -> None:
    line = '{"id": "a", "me": "Anna", "messages": [{"from": "Ben", "text": "hi"}]}'
    [thread] = read_threads(write(line), usual_me="Ben")
    assert isinstance(thread, Thread)
    assert thread.me == "Anna"
    [thread] = read_threads(write(line), me="Ben", usual_me="Anna")
    assert isinstance(thread, Thread)
    assert thread.me == "Ben"
    [thread] = read_threads(write(CHAT), usual_me="Ben")
    assert isinstance(thread, Thread)
    assert thread.me == "Ben"


def test_negative_unread(write: Callable[..., Path]) -> None:
    assert "--unread" in problem(write(CHAT), unread=-1).problem


def test_chat_that_begins_in_the_middle(write: Callable[..., Path]) -> None:
    error = problem(write("the rest of a message\n" + CHAT))
    assert error.line == 1
    assert "above line 2" in error.problem


def test_broken_first_line_of_json_lines_leaves_the_others(write: Callable[..., Path]) -> None:
    line = '{"id": "a", "me": "Anna", "messages": [{"from": "Ben", "text": "hi"}]}\n'
    for broken in ("oops\n", '{"id": \n', "[]\n"):
        error, thread = read_threads(write(broken + line))
        assert isinstance(error, InputError)
        assert error.line == 1
        assert isinstance(thread, Thread)


def test_too_long_a_file(write: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "LARGEST_FILE", 20)
    assert "export single chats" in problem(write(CHAT)).problem


CUT_OFF = '{"name":"Ben","type":"personal_chat","id":1,"messages":[{"id":1,"type":"mess'
THREADS = '[{"id": "a", "me": "Anna", "messages": [{"from": "Ben", "text": "hi"}]}]'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (CUT_OFF, "broken JSON"),
        ('{"personal_information":{"user_id":4},"chats":{"li', "broken JSON"),
        (THREADS, "a JSON list; write each thread on a line of its own"),
    ],
)
def test_json_of_another_shape(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "result.json"
    path.write_text(text)
    with pytest.raises(InputError, match=said):
        list(read_threads(path))


def test_an_empty_chat_in_a_zip(pack: Callable[..., Path]) -> None:
    with pytest.raises(InputError, match=r"_chat\.txt: the file is empty"):
        list(read_threads(pack({"_chat.txt": " \r\n"}, "WhatsApp Chat - Ben.zip")))


def test_lines_that_end_as_on_old_macs(tmp_path: Path) -> None:
    path = tmp_path / "WhatsApp Chat with Ben.txt"
    path.write_bytes(CHAT.replace("\n", "\r").encode())
    there = tmp_path / "lf" / path.name
    there.parent.mkdir()
    there.write_bytes(CHAT.encode())
    (found,), (expected,) = (list(read_threads(p, me="-")) for p in (path, there))
    assert found == expected
    assert isinstance(found, Thread)
    assert len(found.messages) > 1
