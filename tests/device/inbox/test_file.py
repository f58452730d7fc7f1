"""The inbox's file: nobody else's to read, nothing left over, and no other file touched."""

from __future__ import annotations

import os
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest

from device import inbox_schema
from device.errors import StoreError
from device.inbox import Inbox
from device.messages import Message
from tests.inboxes import chat, check_sound, found, remains, said


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o077])
def test_only_the_owner_may_read(tmp_path: Path, mask: int) -> None:
    path = tmp_path / "made" / "for it" / "inbox.db"
    before = os.umask(mask)
    try:
        with Inbox(path) as inbox:
            inbox.ingest("c", chat(*said("a")))
            files = sorted(path.parent.iterdir())
            assert [f.name for f in files] == ["inbox.db", "inbox.db-shm", "inbox.db-wal"]
            assert {stat.S_IMODE(f.stat().st_mode) for f in files} == {0o600}
    finally:
        os.umask(before)
    for folder in (path.parent, path.parent.parent):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_an_open_file_is_closed_to_others_again(inbox: Inbox, path: Path) -> None:
    inbox.ingest("c", chat(*said("a")))
    files = list(path.parent.iterdir())
    for file in files:
        file.chmod(0o644)
    with Inbox(path):
        assert {stat.S_IMODE(f.stat().st_mode) for f in files} == {0o600}


def test_wipe_leaves_no_trace(inbox: Inbox, path: Path) -> None:
    inbox.ingest("secretconn", chat(*said("zanzibar midnight", "b" * 9000), title="Rendezvous"))
    inbox.ingest("secretconn", chat(), [Message("Mata", f"xylo{i}", id=f"x{i}") for i in range(99)])
    words = ("zanzibar", "midnight", "Rendezvous", "Mata", "xylo42", "b" * 500, "secretconn")
    assert remains(path.parent, *words) == list(words)
    assert inbox.wipe() == 101
    assert remains(path.parent, *words) == []
    assert inbox.threads() == []
    assert inbox.search("zanzibar") == []
    assert not inbox.claim_unshown("secretconn", "t", "m0")
    assert inbox.ingest("c", chat(*said("after"))) == 1
    inbox.close()
    assert [f.name for f in path.parent.iterdir()] == ["inbox.db"]
    check_sound(path)


def test_wipe_of_one_conversation_spares_the_others(inbox: Inbox, path: Path) -> None:
    inbox.ingest("a", chat(*said("zanzibar"), thread="1"))
    inbox.ingest("a", chat(*said("tomorrow"), thread="2"))
    inbox.ingest("b", chat(*said("sunday"), thread="1"))
    assert inbox.wipe("a", "1") == 1
    assert remains(path.parent, "zanzibar", "tomorrow", "sunday") == ["tomorrow", "sunday"]
    assert found(inbox, "tomorrow") == ["tomorrow"]
    assert inbox.wipe("b") == 1
    assert [t.id for t in inbox.threads()] == ["2"]
    check_sound(path)


def test_wipe_says_when_a_reader_keeps_the_old_log(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbox_schema, "BUSY_SECONDS", 0.1)
    with Inbox(path) as inbox, closing(sqlite3.connect(path)) as reader:
        inbox.ingest("c", chat(*said("zanzibar")))
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM messages").fetchall()
        with pytest.raises(StoreError, match="wipe again"):
            inbox.wipe()
        reader.execute("COMMIT")
        assert inbox.threads() == []
        inbox.wipe()
        assert remains(path.parent, "zanzibar") == []


def test_places_that_are_no_inbox(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="directory"):
        Inbox(tmp_path)
    text = tmp_path / "text"
    text.write_text("Dear diary, this is no database. " * 50)
    with pytest.raises(StoreError, match="not an inbox"):
        Inbox(text)
    assert text.read_text().startswith("Dear diary")
    with pytest.raises(StoreError, match="check the rights"):
        Inbox(text / "inbox.db")
    with pytest.raises(StoreError, match="check the rights"):
        Inbox(Path("/proc/no/inbox.db"))
    with closing(sqlite3.connect(tmp_path / "other.db")) as db:
        db.execute("CREATE TABLE recipes (name)")
    with pytest.raises(StoreError, match="another program's database"):
        Inbox(tmp_path / "other.db")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_rights(tmp_path: Path) -> None:
    (tmp_path / "locked").mkdir(mode=0o500)
    with pytest.raises(StoreError, match="check the rights"):
        Inbox(tmp_path / "locked" / "inbox.db")


def test_a_damaged_file_is_told_and_left_alone(path: Path) -> None:
    with Inbox(path) as inbox:
        inbox.ingest("c", chat(*said(*("a b c" for _ in range(2000)))))
    content = bytearray(path.read_bytes())
    content[4096:] = bytes(len(content) - 4096)
    path.write_bytes(content)
    with pytest.raises(StoreError, match="damaged"), Inbox(path) as inbox:
        inbox.threads()
    assert path.read_bytes()[4096:] == bytes(len(content) - 4096)


def test_a_closed_inbox_says_so(path: Path) -> None:
    inbox = Inbox(path)
    inbox.close()
    inbox.close()
    with pytest.raises(StoreError, match="closed"):
        inbox.threads()
