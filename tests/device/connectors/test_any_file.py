"""Whatever a file holds, reading it raises nothing but `InputError`."""

from __future__ import annotations

import contextlib
import datetime as dt
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device.connectors.files import read_threads
from device.errors import InputError
from device.messages import Thread
from tests.exports import EXPECTED, GOLDEN, export_of


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
