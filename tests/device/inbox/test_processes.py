"""Several programs on one inbox, and kill -9: nothing lost, nothing twice."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import textwrap
import threading
import time
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

import device
from device import inbox_schema
from device.errors import StoreError
from device.inbox import Inbox
from device.messages import Message
from tests.inboxes import chat, check_sound, found, said


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


def test_two_may_make_an_inbox_at_once(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = threading.Thread(target=lambda: Inbox(path).close())

    class Slow(sqlite3.Connection):
        """While it looks at what the file is, another one makes an inbox of it."""

        def execute(self, sql: str, *values: object) -> sqlite3.Cursor:
            if "sqlite_master" in sql and other.ident is None:
                other.start()
                other.join(0.2)  # it may have to wait for this one
            return super().execute(sql, *values)

    monkeypatch.setattr(sqlite3, "connect", partial(sqlite3.connect, factory=Slow))
    with Inbox(path) as inbox:
        other.join()
        assert inbox.threads() == []


def test_a_held_inbox_says_so(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inbox_schema, "BUSY_SECONDS", 0.05)
    with Inbox(path) as inbox, closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="another program is holding the inbox"):
            inbox.ingest("c", chat(*said("a")))
        other.execute("ROLLBACK")
        assert inbox.ingest("c", chat(*said("a"))) == 1


ROOT = Path(device.__file__).parent.parent

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
