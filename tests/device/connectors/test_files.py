"""Files as people have them: every golden export, every kind of file that is none."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device.connectors import files
from device.connectors.files import read_threads
from device.errors import InputError
from device.messages import Thread

GOLDEN = Path(__file__).parent / "golden"
EXPECTED = sorted(GOLDEN.glob("*.expected.json"))
CHAT = "01/03/24, 10:00 - Ben: hi\n13/03/24, 10:01 - Anna: hello\n"


def export_of(expected: Path) -> Path:
    export = GOLDEN / expected.name.removesuffix(".expected.json")
    return export / "_chat.txt" if export.is_dir() else export


def as_json(item: Thread | InputError) -> dict[str, Any]:
    """A thread as the golden files write it."""
    if isinstance(item, InputError):
        return {"error": item.problem, "line": item.line}
    return {
        "id": item.id,
        "title": item.title,
        "me": item.me,
        "is_group": item.is_group,
        "unread_from": item.unread_from,
        "messages": [
            [
                m.date.isoformat() if m.date else None,
                m.time.isoformat("minutes") if m.time else None,
                m.sender,
                m.text,
            ]
            for m in item.messages
        ],
    }


def problem(path: Path, **options: Any) -> InputError:
    """The error for a file that can't be read at all, raised before anything is asked for."""
    with pytest.raises(InputError) as caught:
        read_threads(path, **options)
    return caught.value


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    def write(data: str | bytes, name: str = "export.txt") -> Path:
        path = tmp_path / name
        path.write_bytes(data if isinstance(data, bytes) else data.encode())
        return path

    return write


@pytest.fixture
def pack(tmp_path: Path) -> Callable[..., Path]:
    def pack(members: dict[str, str | bytes], name: str = "export.zip") -> Path:
        with zipfile.ZipFile(tmp_path / name, "w", zipfile.ZIP_DEFLATED) as archive:
            for member, data in members.items():
                archive.writestr(member, data)
        return tmp_path / name

    return pack


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


def test_negative_unread(write: Callable[..., Path]) -> None:
    assert "--unread" in problem(write(CHAT), unread=-1).problem


# Zips


def test_zip_without_a_chat(pack: Callable[..., Path]) -> None:
    assert "without a chat" in problem(pack({"a.jpg": b"x", "b.jpg": b"y"})).problem
    assert "without a chat" in problem(pack({})).problem


def test_damaged_zip(pack: Callable[..., Path], write: Callable[..., Path]) -> None:
    whole = pack({"_chat.txt": CHAT * 50}).read_bytes()
    assert "damaged zip" in problem(write(whole[: len(whole) // 2], "a.zip")).problem
    torn = whole[:60] + bytes([whole[60] ^ 0xFF]) + whole[61:]
    assert "can't be unpacked" in problem(write(torn, "b.zip")).problem


def test_zip_with_a_password(pack: Callable[..., Path], write: Callable[..., Path]) -> None:
    data = bytearray(pack({"_chat.txt": CHAT}).read_bytes())
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    assert "has a password; unpack it" in problem(write(bytes(data), "locked.zip")).problem


def test_zip_bomb(pack: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "LARGEST_CHAT", 1024**2)
    path = pack({"_chat.txt": CHAT + "0" * 1024**2})
    assert path.stat().st_size < 10_000
    assert "more than 1 MB" in problem(path).problem


def test_several_chats_in_a_zip(pack: Callable[..., Path]) -> None:
    path = pack(
        {
            "WhatsApp Chat with Ben.txt": CHAT,
            "WhatsApp Chat with Cara.txt": "nothing",
            "WhatsApp Chat with Dan.txt": CHAT.replace("Ben", "Dan"),
            "__MACOSX/._WhatsApp Chat with Ben.txt": "x",
        }
    )
    first, second, third = read_threads(path)
    assert isinstance(first, Thread)
    assert isinstance(third, Thread)
    assert (first.title, first.me, third.title) == ("Ben", "Anna", "Dan")
    assert isinstance(second, InputError)
    assert str(second).startswith(f"{path}/WhatsApp Chat with Cara.txt:1: ")


def test_an_export_sent_in_a_chat_is_not_a_chat_of_the_zip(pack: Callable[..., Path]) -> None:
    members = {"WhatsApp Chat with Ben.txt": CHAT, "WhatsApp Chat with Zed.txt": CHAT}
    [thread] = read_threads(pack(members, "WhatsApp Chat with Ben.zip"))
    assert isinstance(thread, Thread)
    assert thread.title == "Ben"


def test_error_in_a_zip_names_member_and_line(pack: Callable[..., Path]) -> None:
    path = pack({"_chat.txt": CHAT})
    error = problem(path, me="Anna", date_order="mdy")
    assert str(error).startswith(f"{path}/_chat.txt:2: the date 13-3-24 can't be read as month")


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


# Whatever comes, nothing but InputError


def check(item: Thread | InputError) -> None:
    """What holds for anything that is read."""
    if isinstance(item, InputError):
        assert item.problem
        return
    assert item.messages
    assert 0 <= item.unread_from <= len(item.messages)
    ids = [m.id for m in item.messages if m.id is not None]
    assert len(set(ids)) == len(ids)
    for message in item.messages:
        assert message.sender
        assert message.text.encode() is not None
        assert message.time is None or isinstance(message.time, dt.time)


def consume(path: Path, data: bytes) -> None:
    path.write_bytes(data)
    with contextlib.suppress(InputError):
        for item in read_threads(path, me="Anna"):
            check(item)


START = st.sampled_from(
    [
        *(b"", b"PK\x03\x04", b"PK\x05\x06", b"{", b'{\n"messages": ', b"\xff\xfe"),
        *(b"\xef\xbb\xbf[", b"[01.02.24, 10:00:00] ", b"01/02/24, 10:00 - "),
        b'{"id": "a", "me": "Anna"}\n',
    ]
)


@settings(max_examples=60, deadline=None)
@given(start=START, rest=st.binary(max_size=200))
def test_random_bytes(start: bytes, rest: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    consume(tmp_path_factory.getbasetemp() / "random", start + rest)


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_damaged_exports(data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    base = tmp_path_factory.getbasetemp()
    packed = base / "whole.zip"
    if not packed.exists():
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.write(GOLDEN / "WhatsApp Chat with Dana.txt", "_chat.txt")
    export = data.draw(st.sampled_from([packed, *map(export_of, EXPECTED)]))
    whole = export.read_bytes()
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(whole)))
        cut = data.draw(st.integers(0, 40))
        whole = whole[:at] + data.draw(st.binary(max_size=8)) + whole[at + cut :]
    consume(base / "damaged", whole)
