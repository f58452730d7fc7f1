"""read_threads: golden exports of each layout, and every file that is no chat."""

from __future__ import annotations

import json
import os
import zipfile
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
"""A folder for each layout: the export, and expected.json with options and what comes out."""
CASES = sorted(p.parent.name for p in GOLDEN.glob("*/expected.json"))
CHAT = "31/03/2025, 18:04 - Ben: hi\n31/03/2025, 18:05 - Anna: hello\n"
LINE = '{"id": "a", "me": "Anna", "messages": [{"from": "Ben", "text": "hi"}]}\n'


def as_json(found: Thread | InputError) -> dict[str, Any]:
    """What golden files say of a thread or an error."""
    if isinstance(found, InputError):
        return {"line": found.line, "problem": found.problem}
    return {
        "id": found.id,
        "me": found.me,
        "title": found.title,
        "is_group": found.is_group,
        "unread_from": found.unread_from,
        "messages": [
            [f"{m.date or '-'} {m.time or '-'}", m.sender, m.text] for m in found.messages
        ],
    }


@pytest.mark.parametrize("case", CASES)
def test_golden(case: str) -> None:
    expected = json.loads((GOLDEN / case / "expected.json").read_text(encoding="utf-8"))
    [path] = [p for p in (GOLDEN / case).iterdir() if p.name != "expected.json"]
    found = list(read_threads(path, **expected["options"]))
    assert [as_json(f) for f in found] == expected["found"]
    for thread in found:
        if isinstance(thread, Thread):
            ids = [m.id for m in thread.messages if m.id]
            assert len(set(ids)) == len(ids)


def problem_of(path: Path, **options: Any) -> InputError:
    """The error of a file that can't be read as a whole."""
    with pytest.raises(InputError) as caught:
        list(read_threads(path, **options))
    assert str(path) in str(caught.value)
    return caught.value


def test_missing_file_and_directory(tmp_path: Path) -> None:
    assert "no such file" in problem_of(tmp_path / "nowhere.txt").problem
    assert "directory" in problem_of(tmp_path).problem
    (tmp_path / "_chat.txt").write_text(CHAT)
    assert "_chat.txt" in problem_of(tmp_path).problem


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root reads everything")
def test_forbidden_file(tmp_path: Path) -> None:
    path = tmp_path / "chat.txt"
    path.write_text(CHAT)
    path.chmod(0)
    assert "can't be read" in problem_of(path).problem


@pytest.mark.parametrize("data", [b"", b" \r\n", b"\xef\xbb\xbf", b"\xff\xfe", b"\0\0"])
def test_empty_file(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "chat.txt"
    path.write_bytes(data)
    assert "empty" in problem_of(path).problem


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"Dear diary,\n", "not a chat"),
        (b"<!DOCTYPE html><html>", "JSON as the format"),
        (b"\x89PNG\r\n\x1a\n", "UTF-8"),
        (b"[1, 2]", "not a chat"),
        (b'{\n "a": 1\n}', "another kind"),
        (b'{\n "messages": [\n', "broken JSON"),
        (b"PK\x03\x04 and so on", "damaged zip"),
        (b"\xff\xfe\x00\xd8", "UTF-16"),
    ],
)
def test_other_formats(tmp_path: Path, data: bytes, says: str) -> None:
    path = tmp_path / "chat.txt"
    path.write_bytes(data)
    assert says in problem_of(path).problem


def test_broken_places_have_a_line(tmp_path: Path) -> None:
    path = tmp_path / "chat.txt"
    path.write_bytes(CHAT.encode() + b"caf\xe9\n")
    assert problem_of(path).line == 3
    path.write_text('{\n "messages": [}\n')
    assert problem_of(path).line == 2
    path.write_text("the rest of a message\n" + CHAT)
    error = problem_of(path)
    assert error.line == 1
    assert "above line 2" in error.problem


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le-bom"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_encodings_and_newlines(tmp_path: Path, encoding: str, newline: str) -> None:
    path = tmp_path / "WhatsApp Chat with Ben.txt"
    text = CHAT.replace("hi", "hé\n👍").replace("\n", newline)
    bom = "\ufeff" if encoding.endswith("-bom") else ""
    path.write_bytes((bom + text).encode(encoding.removesuffix("-bom")))
    [thread] = read_threads(path)
    assert isinstance(thread, Thread)
    assert [m.text for m in thread.messages] == ["hé\n👍", "hello"]


def pack(path: Path, **members: str) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in members.items():
            archive.writestr(name, text)
    return path


def test_zip_of_either_phone(tmp_path: Path) -> None:
    attachments = {"notes.txt": "milk", "IMG-1.jpg": "x", "__MACOSX/._chat.txt": "x"}
    for name, inside in (
        ("WhatsApp Chat - Ben.zip", "_chat.txt"),
        ("export (1).zip", "WhatsApp Chat with Ben.txt"),
    ):
        [thread] = read_threads(pack(tmp_path / name, **attachments, **{inside: CHAT}))
        assert isinstance(thread, Thread)
        assert (thread.title, thread.me, thread.id) == ("Ben", "Anna", "whatsapp:Ben")


def test_zip_without_a_chat(tmp_path: Path) -> None:
    assert "without a chat" in problem_of(pack(tmp_path / "a.zip", **{"a.jpg": "x"})).problem
    assert "without a chat" in problem_of(pack(tmp_path / "b.zip")).problem


def test_zip_bomb_is_never_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "LARGEST_CHAT", 1000)
    path = pack(tmp_path / "bomb.zip", **{"_chat.txt": CHAT * 10_000})
    assert "unpacks to more" in problem_of(path).problem


def test_zip_with_a_password(tmp_path: Path) -> None:
    path = pack(tmp_path / "locked.zip", **{"_chat.txt": CHAT})
    data = bytearray(path.read_bytes())
    for header, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(header) + offset] |= 1  # the flag that says "encrypted"
    path.write_bytes(data)
    assert "password" in problem_of(path).problem


def test_too_long_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "LARGEST_FILE", 20)
    (tmp_path / "chat.txt").write_text(CHAT)
    assert "too much" in problem_of(tmp_path / "chat.txt").problem


def test_content_counts_not_the_name(tmp_path: Path) -> None:
    path = tmp_path / "threads.txt"
    path.write_text(LINE)
    assert isinstance(next(read_threads(path)), Thread)
    path = tmp_path / "result.json"
    path.write_text(CHAT)
    assert isinstance(next(read_threads(path, me="Anna")), Thread)


def test_broken_first_line_of_json_lines_leaves_the_others(tmp_path: Path) -> None:
    path = tmp_path / "threads.jsonl"
    for broken in ("oops\n", '{"id": \n', "{\n", "[]\n"):
        path.write_text(broken + LINE)
        error, thread = read_threads(path)
        assert isinstance(error, InputError)
        assert error.line == 1
        assert isinstance(thread, Thread)


@settings(max_examples=60, deadline=None)
@given(
    data=st.one_of(
        st.binary(max_size=200),
        st.builds(
            lambda start, junk: start + junk,
            st.sampled_from([CHAT.encode(), LINE.encode(), b"PK\x03\x04", b"{\n", b"\xff\xfe"]),
            st.binary(max_size=100),
        ),
    )
)
def test_random_bytes_raise_nothing_else(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "random"
    path.write_bytes(data)
    try:
        found = list(read_threads(path, me="Anna"))
    except InputError:
        return
    assert all(isinstance(f, Thread | InputError) for f in found)


@settings(max_examples=60, deadline=None)
@given(cut=st.integers(0, 2000), case=st.sampled_from(CASES))
def test_exports_cut_anywhere_raise_nothing_else(
    tmp_path_factory: pytest.TempPathFactory, cut: int, case: str
) -> None:
    [path] = [p for p in (GOLDEN / case).iterdir() if p.name != "expected.json"]
    copy = tmp_path_factory.getbasetemp() / path.name
    copy.write_bytes(path.read_bytes()[:cut])
    try:
        list(read_threads(copy, me="Anna"))
    except InputError as error:
        assert str(copy) in str(error)
