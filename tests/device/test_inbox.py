"""The inbox: nothing lost, nothing twice, nothing left over, and nobody else's to read."""

from __future__ import annotations

import dataclasses
import datetime as dt
import os
import random
import signal
import sqlite3
import stat
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import device
from device import inbox_schema
from device.errors import StoreError
from device.inbox import Inbox
from device.messages import Message, Thread

ROOT = Path(device.__file__).parent.parent


def said(*texts: str, sender: str = "Anna", first: int = 0) -> tuple[Message, ...]:
    return tuple(Message(sender, text, id=f"m{first + i}") for i, text in enumerate(texts))


def chat(*messages: Message, thread: str = "t", title: str | None = None, read: int = 0) -> Thread:
    return Thread(thread, "Me", messages, title, unread_from=read)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "sidelong" / "inbox.db"


@pytest.fixture
def inbox(path: Path) -> Iterator[Inbox]:
    with Inbox(path) as opened:
        yield opened


def check_sound(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        db.execute("INSERT INTO words (words, rank) VALUES ('integrity-check', 1)")


# What goes in comes out


def test_thread_comes_back_as_it_went_in(inbox: Inbox) -> None:
    thread = Thread(
        id="!room:home",
        me="Ich",
        messages=(
            Message("Anna", "Dinner at 8?", dt.time(18, 5), dt.date(2025, 3, 31), "$1"),
            Message("Ich", "yes", dt.time(18, 6), None, "$2"),
            Message("Ben", "", None, None, "$3"),
        ),
        title="Dinner",
        is_group=True,
        unread_from=2,
    )
    assert inbox.ingest("matrix", thread) == 3
    assert inbox.thread("matrix", "!room:home") == thread
    assert inbox.ingest("matrix", thread) == 0
    assert inbox.thread("matrix", "!room:home") == thread


@pytest.mark.parametrize(
    "text",
    [
        "👩‍👩‍👧‍👦 🏳️‍🌈 👍🏽",
        "हिन्दी में संदेश",
        "مرحبا بالعالم",
        "שלום\u202eevil\u202c",
        "cafe\u0301",
        "a\0b\0",
        "\ufeffwith a mark",
        "\r\n\t\x1b[31mred",
        "<|im_start|>system",
        "'); DROP TABLE messages; --",
        "ab 🎉 " * 150_000,
    ],
    ids=lambda text: ascii(text[:12]),
)
def test_texts_survive_exactly(inbox: Inbox, text: str) -> None:
    inbox.ingest("replay", chat(*said(text)))
    assert inbox.thread("replay", "t").messages[0].text == text


def test_lone_surrogates_become_replacement_characters(inbox: Inbox) -> None:
    thread = Thread("t\ud800", "M\ud800", (Message("\udc00", "a\ud83d b \ud83d\ude00"),), "\udfff")
    assert inbox.ingest("replay", thread) == 1
    assert inbox.ingest("replay", thread) == 0
    kept = inbox.thread("replay", "t\ud800")
    assert kept.messages[0].text == "a� b 😀"
    assert (kept.id, kept.me, kept.title) == ("t�", "M�", "�")
    assert found(inbox, "\ud83d b") == [kept.messages[0].text]
    assert inbox.ingest("replay", kept) == 0


def test_same_ids_in_other_threads_and_connectors_are_other_messages(inbox: Inbox) -> None:
    assert inbox.ingest("a", chat(*said("hi"), thread="1")) == 1
    assert inbox.ingest("a", chat(*said("hi"), thread="2")) == 1
    assert inbox.ingest("b", chat(*said("hi"), thread="1")) == 1
    assert [(t.connector, t.id) for t in inbox.threads()] == [("b", "1"), ("a", "2"), ("a", "1")]


def test_equal_messages_without_id_are_told_apart_by_their_count(inbox: Inbox) -> None:
    ok = Message("Anna", "ok", dt.time(9, 0), dt.date(2025, 1, 1))
    empty = dataclasses.replace(ok, text="!", id="")
    assert inbox.ingest("replay", chat(ok, ok, empty)) == 3
    assert inbox.ingest("replay", chat(ok, ok, empty, ok)) == 1
    kept = inbox.thread("replay", "t")
    assert [m.text for m in kept.messages] == ["ok", "ok", "!", "ok"]
    assert len({m.id for m in kept.messages}) == 4
    assert inbox.ingest("replay", kept) == 0


def test_the_first_text_of_an_id_and_the_newest_title_stay(inbox: Inbox) -> None:
    inbox.ingest("c", chat(*said("first"), title="old"))
    inbox.ingest("c", chat(*said("second"), title="new"))
    inbox.ingest("c", chat())
    assert inbox.thread("c", "t").messages[0].text == "first"
    assert inbox.thread("c", "t").title == "new"


def test_a_batch_that_breaks_off_leaves_nothing(inbox: Inbox) -> None:
    broken = Message("Anna", None, id="x")  # type: ignore[arg-type]
    with pytest.raises(AttributeError):
        inbox.ingest("c", chat(*said("kept?"), broken))
    too_far = chat(*said("a", "b"), read=9)
    with pytest.raises(IndexError):
        inbox.ingest("c", too_far)
    assert inbox.threads() == []


def test_only_the_last_messages(inbox: Inbox) -> None:
    inbox.ingest("c", chat(*said("a", "b", "c", "d"), read=3))
    tail = inbox.thread("c", "t", last=2)
    assert [m.text for m in tail.messages] == ["c", "d"]
    assert [m.text for m in tail.unread] == ["d"]


def test_unknown_thread(inbox: Inbox) -> None:
    with pytest.raises(StoreError, match="no conversation 'nope' from 'c'"):
        inbox.thread("c", "nope")


messages_with_ids = st.builds(
    Message,
    sender=st.sampled_from(["Anna", "Me"]),
    text=st.text(max_size=8),
    time=st.none() | st.times(),
    date=st.none() | st.dates(),
    id=st.sampled_from("abcdefgh"),
)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.lists(messages_with_ids, max_size=6), max_size=5))
def test_any_deliveries_keep_each_id_once_in_order_of_arrival(
    deliveries: list[list[Message]],
) -> None:
    expected: dict[str | None, Message] = {}
    with tempfile.TemporaryDirectory() as folder, Inbox(Path(folder, "i.db")) as inbox:
        for batch in deliveries:
            fresh = {m.id for m in batch} - expected.keys()
            assert inbox.ingest("c", chat(), batch) == len(fresh)
            for message in batch:
                expected.setdefault(message.id, message)
        if deliveries:
            assert inbox.thread("c", "t").messages == tuple(expected.values())


@settings(max_examples=30, deadline=None)
@given(st.lists(st.sampled_from(["ok", "no", "👍"]), max_size=8), st.data())
def test_a_growing_export_without_ids_is_kept_once(texts: list[str], data: st.DataObject) -> None:
    whole = [Message("Anna", text, dt.time(9, 0)) for text in texts]
    cuts = data.draw(st.lists(st.integers(0, len(texts)), max_size=4))
    with tempfile.TemporaryDirectory() as folder, Inbox(Path(folder, "i.db")) as inbox:
        for cut in [*sorted(cuts), len(texts), 0]:
            inbox.ingest("replay", chat(*whole[:cut]))
        assert [m.text for m in inbox.thread("replay", "t").messages] == texts


# Read, due, shown


def test_listing_counts_and_reading(inbox: Inbox) -> None:
    inbox.ingest("c", chat(*said("a", "b"), title="T"))
    inbox.ingest("c", chat(), [Message("Me", "mine", id="m2"), *said("c", first=3)])
    (info,) = inbox.threads()
    assert (info.title, info.messages, info.unread, info.last.text) == ("T", 4, 3, "c")
    inbox.mark_read("c", "t", "m1")
    inbox.mark_read("c", "t", "m0")  # never back
    inbox.mark_read("c", "t", "unknown")
    assert inbox.threads()[0].unread == 1
    assert inbox.thread("c", "t").unread_from == 2
    inbox.ingest("c", chat(*said("a", "b")))  # delivered again, as if nothing of it were read
    assert inbox.thread("c", "t").unread_from == 2


def test_a_card_is_claimed_once_and_a_newer_message_asks_again(inbox: Inbox, path: Path) -> None:
    inbox.ingest("c", chat(*said("a", "b")))
    assert [t.last.id for t in inbox.due()] == ["m1"]
    with Inbox(path) as other:
        assert other.claim_unshown("c", "t", "m1")
    assert not inbox.claim_unshown("c", "t", "m1")
    assert not inbox.claim_unshown("c", "t", "m0")  # older than what was claimed
    assert not inbox.claim_unshown("c", "t", "unknown")
    assert inbox.due() == []
    assert inbox.threads()[0].interrupted
    inbox.mark_shown("c", "t", "m1")
    assert not inbox.threads()[0].interrupted
    inbox.ingest("c", chat(), said("c", first=2))
    assert [t.last.id for t in inbox.due()] == ["m2"]
    assert inbox.claim_unshown("c", "t", "m2")


def test_a_card_that_could_not_be_drawn_is_due_again(inbox: Inbox) -> None:
    inbox.ingest("c", chat(*said("a")))
    assert inbox.claim_unshown("c", "t", "m0")
    inbox.release_claim("c", "t")
    assert inbox.due()
    assert inbox.claim_unshown("c", "t", "m0")
    inbox.mark_shown("c", "t", "m0")
    inbox.release_claim("c", "t")
    assert not inbox.claim_unshown("c", "t", "m0")


def test_own_and_read_messages_are_not_due(inbox: Inbox) -> None:
    inbox.ingest("c", chat(*said("a"), Message("Me", "b", id="m1"), read=1))
    assert inbox.due() == []
    assert inbox.threads()[0].unread == 0


# Search


def found(inbox: Inbox, query: str) -> list[str]:
    return [hit.message.text for hit in inbox.search(query)]


def test_search_finds_words_with_their_thread(inbox: Inbox) -> None:
    inbox.ingest("c", chat(*said("Dinner at the café?", "no words"), title="Food"))
    (hit,) = inbox.search("CAFE din")
    assert (hit.connector, hit.thread_id, hit.title) == ("c", "t", "Food")
    assert (hit.message.sender, hit.message.id) == ("Anna", "m0")
    assert hit.snippet == "Dinner at the café?"
    assert found(inbox, "dinner words") == []


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("हिन्दी", "हिन्दी में संदेश"),
        ("العالم", "مرحبا العالم"),
        ("🎉", "party🎉 time"),
        ("明天", "会议在明天"),
        ("it's", "it's late"),
        ("half-past", "at half-past nine"),
    ],
)
def test_search_in_other_scripts(inbox: Inbox, query: str, text: str) -> None:
    inbox.ingest("c", chat(*said("something else", text)))
    (hit,) = inbox.search(query)
    assert hit.message.text == text
    assert hit.snippet == text


HOSTILE = ['"', '""', "*", "a*", "NEAR(a b)", "text:a", "a AND", "NOT", "^a", "-a", "(", "a + b"]
HOSTILE += ["\0", "a\0b", "%", "\\", "{a}:b", "", " ", "OR " * 999, "x" * 99_999, "'--"]


@pytest.mark.parametrize("query", HOSTILE, ids=lambda q: ascii(q[:12]))
def test_nothing_in_a_query_is_syntax(inbox: Inbox, query: str) -> None:
    inbox.ingest("c", chat(*said("a and b")))
    inbox.search(query)


@settings(max_examples=100, deadline=None)
@given(st.text(st.characters(), max_size=20))
def test_no_query_raises(query: str) -> None:
    with tempfile.TemporaryDirectory() as folder, Inbox(Path(folder, "i.db")) as inbox:
        inbox.search(query)


def test_search_prefers_the_recent_and_obeys_the_limit(inbox: Inbox) -> None:
    today = dt.date.today()
    days = [400, 0, 40, 4000]
    texts = [Message("Anna", "lunch", date=today - dt.timedelta(d), id=str(d)) for d in days]
    inbox.ingest("c", chat(*texts, *said("other")))
    assert [hit.message.id for hit in inbox.search("lunch")] == ["0", "40", "400", "4000"]
    assert [hit.message.id for hit in inbox.search("lunch", limit=1)] == ["0"]
    assert inbox.search("lunch", limit=0) == []


def test_snippet_of_a_long_text_is_short(inbox: Inbox) -> None:
    inbox.ingest("c", chat(*said("x " * 50_000 + "needle " + "y" * 50_000)))
    for query in ("needle", "yyyyyyyyyyy"):
        (hit,) = inbox.search(query)
        assert len(hit.snippet) <= 160
    assert "needle" in inbox.search("needle")[0].snippet


# The file


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


def remains(folder: Path, *needles: str) -> list[str]:
    files = [f.read_bytes().lower() for f in folder.iterdir()]
    return [n for n in needles if any(n.lower().encode() in content for content in files)]


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


def test_a_reader_reads_while_a_writer_writes(inbox: Inbox, path: Path) -> None:
    inbox.ingest("c", chat(*said("before")))
    with closing(sqlite3.connect(path, isolation_level=None)) as writer, Inbox(path) as reader:
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("UPDATE messages SET sender = 'half done'")
        assert reader.thread("c", "t").messages[0].sender == "Anna"
        assert found(reader, "before") == ["before"]
        writer.execute("ROLLBACK")
        assert reader.ingest("c", chat(), said("after", first=1)) == 1


def test_writers_wait_for_each_other(path: Path) -> None:
    def write(name: str) -> None:
        with Inbox(path) as inbox:
            for i in range(20):
                inbox.ingest("c", chat(Message(name, "x", id=f"{name}{i}")))

    threads = [threading.Thread(target=write, args=(name,)) for name in "abc"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with Inbox(path) as inbox:
        assert len(inbox.thread("c", "t").messages) == 60


def test_a_held_inbox_says_so(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inbox_schema, "BUSY_SECONDS", 0.05)
    with Inbox(path) as inbox, closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="another program is holding the inbox"):
            inbox.ingest("c", chat(*said("a")))
        other.execute("ROLLBACK")
        assert inbox.ingest("c", chat(*said("a"))) == 1


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


# Versions


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


def make_version_1(path: Path) -> None:
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as db:
        db.executescript(VERSION_1)


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


def test_a_version_1_file_is_brought_forward_step_by_step(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_version_1(path)
    second = ("ALTER TABLE messages ADD COLUMN starred INTEGER NOT NULL DEFAULT 0",)
    broken = ("ALTER TABLE threads ADD COLUMN colour TEXT", "SELECT nonsense")
    monkeypatch.setattr(inbox_schema, "MIGRATIONS", (*inbox_schema.MIGRATIONS, second, broken))
    with pytest.raises(StoreError):
        Inbox(path)
    with closing(sqlite3.connect(path)) as db:  # the second step is kept, the third left no trace
        assert db.execute("PRAGMA user_version").fetchone() == (2,)
        assert db.execute("SELECT starred FROM messages").fetchall() == [(0,), (0,)]
        assert "colour" not in [row[1] for row in db.execute("PRAGMA table_info(threads)")]
    monkeypatch.setattr(inbox_schema, "MIGRATIONS", inbox_schema.MIGRATIONS[:2])
    with Inbox(path) as inbox:
        check_version_1(inbox)


def test_a_file_from_a_newer_version_is_left_alone(path: Path) -> None:
    Inbox(path).close()
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA user_version = 99")
    with pytest.raises(StoreError, match=r"newer Sidelong \(version 99.*update Sidelong"):
        Inbox(path)


# kill -9


WRITER = textwrap.dedent("""
    import random, sys
    from pathlib import Path
    from device.inbox import Inbox
    from device.messages import Message, Thread

    path, start, seed = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    choose = random.Random(seed)
    with Inbox(path) as inbox:
        while True:
            size = choose.randint(1, 40)
            numbers = range(start, start + size)
            texts = [Message("Anna", f"text {n} " * choose.randint(1, 90), id=str(n))
                     for n in numbers]
            inbox.ingest("c", Thread("t", "Me", ()), texts)
            print(start + size, flush=True)
            start += size
""")


def test_kill_9_loses_nothing_and_doubles_nothing(path: Path) -> None:
    choose = random.Random(5)
    acknowledged = 0
    for round_ in range(12):
        # A source that was cut off delivers anew what it saw no answer for, and some more.
        start = max(0, acknowledged - choose.randint(0, 20))
        child = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path), str(start), str(round_)],
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        assert child.stdout is not None
        with child.stdout:
            # The first rounds are cut anywhere, start-up included; the others amid writing.
            first = b"" if round_ < 4 else child.stdout.readline()
            time.sleep(choose.uniform(0.0, 0.3 if round_ < 4 else 0.08))
            child.send_signal(signal.SIGKILL)
            printed = (first + child.stdout.read()).split(b"\n")[:-1]
        assert child.wait() == -signal.SIGKILL
        acknowledged = max([acknowledged, *map(int, printed)])
        if path.exists() and acknowledged:
            with Inbox(path) as inbox:
                ids = [m.id for m in inbox.thread("c", "t").messages]
            assert ids[:acknowledged] == [str(n) for n in range(acknowledged)]
            assert len(set(ids)) == len(ids)
            check_sound(path)
    assert acknowledged > 100
