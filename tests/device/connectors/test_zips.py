"""WhatsApp's zips, and zips that are none or mean harm."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from device.connectors import files
from device.connectors.files import read_threads
from device.errors import InputError
from device.messages import Thread
from tests.exports import CHAT, problem


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


def patched(data: bytes, at: int, central: int, value: int) -> bytes:
    """A zip with one byte of its local and its central header set."""
    new = bytearray(data)
    new[at] = new[data.index(b"PK\x01\x02") + central] = value
    return bytes(new)


def test_zips_of_other_kinds(pack: Callable[..., Path], write: Callable[..., Path]) -> None:
    whole = pack({"_chat.txt": CHAT}).read_bytes()
    for data, said in (
        (patched(whole, 8, 10, 99), "compression method"),
        (patched(whole, 4, 6, 99), "version 9.9"),
        (patched(whole, 6, 8, 0x20), "patch"),
        (patched(patched(whole, 7, 9, 8), 30, 46, 0xFF), "0xff"),  # a name said to be UTF-8
    ):
        assert said in problem(write(data, "other.zip")).problem


@pytest.mark.skipif(sys.platform != "linux", reason="/dev/fd is another thing there")
def test_through_a_pipe(pack: Callable[..., Path]) -> None:
    """As `sidelong read <(ssh phone cat chat.zip)` gives it."""
    for data in (CHAT.encode(), pack({"_chat.txt": CHAT}).read_bytes()):
        reading, writing = os.pipe()
        os.write(writing, data)
        os.close(writing)
        pipe = Path(f"/dev/fd/{reading}")
        if data == CHAT.encode():
            assert len(list(read_threads(pipe, me="Anna"))) == 1
        else:
            assert "save it as a file first" in problem(pipe).problem
        os.close(reading)


def test_many_chats_that_are_a_bomb_together(
    pack: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "LARGEST_FILE", 2 * 1024**2)
    chat = CHAT + "0" * 1024**2
    path = pack({f"WhatsApp Chat with {name}.txt": chat for name in "abcd"})
    found = read_threads(path, me="Anna")
    assert [isinstance(next(found), Thread) for _ in range(2)] == [True, True]
    with pytest.raises(InputError, match="more than 2 MB"):
        list(found)


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
