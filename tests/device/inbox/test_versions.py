"""A file of any version: brought forward whole, or left alone."""

from __future__ import annotations

import datetime as dt
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from device import inbox_schema
from device.errors import StoreError
from device.inbox import Inbox
from device.messages import Message
from device.outbox import Outbox
from tests.inboxes import chat, check_sound, found, said

VERSION_1 = """
CREATE TABLE threads (
    key INTEGER PRIMARY KEY, connector TEXT NOT NULL, id TEXT NOT NULL, me TEXT NOT NULL,
    title TEXT, is_group INTEGER NOT NULL, read INTEGER NOT NULL DEFAULT 0,
    claimed INTEGER NOT NULL DEFAULT 0, shown INTEGER NOT NULL DEFAULT 0, UNIQUE (connector, id)
);
CREATE TABLE messages (
    seq INTEGER PRIMARY KEY, thread INTEGER NOT NULL REFERENCES threads (key), id TEXT NOT NULL,
    sender TEXT NOT NULL, date TEXT, time TEXT, received INTEGER NOT NULL, text TEXT NOT NULL,
    UNIQUE (thread, id)
);
CREATE INDEX messages_by_thread ON messages (thread);
CREATE VIRTUAL TABLE words USING fts5 (
    text, content='messages', content_rowid='seq',
    tokenize="unicode61 remove_diacritics 2 categories 'L* N* Co Mn Mc'"
);
CREATE TRIGGER messages_in AFTER INSERT ON messages BEGIN
    INSERT INTO words (rowid, text) VALUES (new.seq, new.text);
END;
CREATE TRIGGER messages_out AFTER DELETE ON messages BEGIN
    INSERT INTO words (words, rowid, text) VALUES ('delete', old.seq, old.text);
END;
PRAGMA application_id = 1373507734;
PRAGMA user_version = 1;
INSERT INTO threads VALUES (1, 'c', 't', 'Me', 'Old', 0, 1, 0, 0);
INSERT INTO messages VALUES (1, 1, 'm0', 'Anna', '2025-01-02', '09:30:00', 1735810200, 'from then');
INSERT INTO messages VALUES (2, 1, 'm1', 'Anna', NULL, NULL, 1735810300, 'and later');
"""
"""A file as version 1 wrote it. This text never changes: such files lie on wearers' disks."""


VERSION_2 = (
    VERSION_1
    + """
ALTER TABLE messages ADD COLUMN gone INTEGER NOT NULL DEFAULT 0;
CREATE TRIGGER messages_changed AFTER UPDATE OF text ON messages BEGIN
    INSERT INTO words (words, rowid, text) VALUES ('delete', old.seq, old.text);
    INSERT INTO words (rowid, text) VALUES (new.seq, new.text);
END;
CREATE TABLE outbox (
    key TEXT PRIMARY KEY, connector TEXT NOT NULL, conversation TEXT NOT NULL,
    asked INTEGER NOT NULL, state TEXT NOT NULL DEFAULT 'asked', message_id TEXT,
    text TEXT NOT NULL
);
INSERT INTO messages (seq, thread, id, sender, received, text, gone)
    VALUES (3, 1, 'm2', 'Anna', 1735810400, '', 1);
INSERT INTO outbox VALUES ('k', 'c', 't', 1735810500, 'asked', NULL, 'under way');
PRAGMA user_version = 2;
"""
)
"""The same, as version 2 left it; that wrote the rows of `threads` as version 1 did."""
EARLIER = {1: VERSION_1, 2: VERSION_2}


def make_version_1(path: Path) -> None:
    make_version(path, 1)


def make_version(path: Path, version: int) -> None:
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as db:
        db.executescript(EARLIER[version])


def check_version_1(inbox: Inbox) -> None:
    first = Message("Anna", "from then", dt.time(9, 30), dt.date(2025, 1, 2), "m0")
    second = Message("Anna", "and later", None, None, "m1")
    assert inbox.thread("c", "t") == chat(first, second, title="Old", read=1)
    assert found(inbox, "then") == ["from then"]


def test_a_version_1_file_opens(path: Path) -> None:
    make_version_1(path)
    with Inbox(path) as inbox:
        check_version_1(inbox)
        assert inbox.ingest("c", chat(*said("again", "again", "new"))) == 1
    check_sound(path)


@pytest.mark.parametrize("version", EARLIER)
def test_a_file_of_any_earlier_version_becomes_what_a_new_one_is(path: Path, version: int) -> None:
    make_version(path, version)
    with Inbox(path) as inbox, Outbox(path) as outbox:
        check_version_1(inbox)
        assert [entry.text for entry in outbox.unsure("c")] == ["under way"] * (version > 1)
        assert inbox.ingest("c", chat(*said("again", "again", "new"))) == (version < 2)
        assert inbox.expire(dt.date(2025, 1, 3)) == ["t"]
        inbox.wipe()
    new = path.with_name("new.db")
    Inbox(new).close()
    assert schema(path) == schema(new)
    check_sound(path)


def schema(path: Path) -> tuple[int, list[tuple[str, str, list[str]]]]:
    """The version; of every table its columns, and every trigger and index."""
    with closing(sqlite3.connect(path)) as db:
        made = db.execute("SELECT type, name FROM sqlite_master ORDER BY type, name").fetchall()
        (version,) = db.execute("PRAGMA user_version").fetchone()
        return version, [
            (kind, name, [row[1] for row in db.execute(f"PRAGMA table_info({name})")])
            for kind, name in made
        ]


def test_what_version_2_can_do_is_there_for_old_messages(path: Path) -> None:
    make_version_1(path)
    with Inbox(path) as inbox, Outbox(path) as outbox:
        assert inbox.edit("c", "t", "m0", "Anna", "reworded")
        assert inbox.take_back("c", "t", "m1")
        assert [m.text for m in inbox.thread("c", "t").messages] == ["reworded"]
        assert found(inbox, "reworded") == ["reworded"]
        assert found(inbox, "then") == found(inbox, "later") == []
        assert outbox.begin("c", "t", "m0", "yes")
    check_sound(path)


def test_a_version_1_file_is_brought_forward_step_by_step(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_version_1(path)
    second = ("ALTER TABLE messages ADD COLUMN starred INTEGER NOT NULL DEFAULT 0",)
    broken = ("ALTER TABLE threads ADD COLUMN colour TEXT", "SELECT nonsense")
    kept = len(inbox_schema.MIGRATIONS) + 1
    monkeypatch.setattr(inbox_schema, "MIGRATIONS", (*inbox_schema.MIGRATIONS, second, broken))
    with pytest.raises(StoreError):
        Inbox(path)
    with closing(sqlite3.connect(path)) as db:  # the broken step left no trace
        assert db.execute("PRAGMA user_version").fetchone() == (kept,)
        assert db.execute("SELECT starred FROM messages").fetchall() == [(0,), (0,)]
        assert "colour" not in [row[1] for row in db.execute("PRAGMA table_info(threads)")]
    monkeypatch.setattr(inbox_schema, "MIGRATIONS", inbox_schema.MIGRATIONS[:kept])
    with Inbox(path) as inbox:
        check_version_1(inbox)


def test_a_file_from_a_newer_version_is_left_alone(path: Path) -> None:
    Inbox(path).close()
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA user_version = 99")
    with pytest.raises(StoreError, match=r"newer Sidelong \(version 99.*update Sidelong"):
        Inbox(path)
