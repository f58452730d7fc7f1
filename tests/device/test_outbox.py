"""The journal of what is sent; with kill -9 anywhere, nothing is sent twice."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import device
from device.inbox import Inbox
from device.outbox import Entry, Outbox
from tests.inboxes import chat, check_sound, said


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "inbox.sqlite"


@pytest.fixture
def outbox(path: Path) -> Iterator[Outbox]:
    with Inbox(path) as inbox:
        inbox.ingest("c", chat(*said("coming?")))
        with Outbox(path) as opened:
            yield opened


def test_what_was_answered_is_sure(outbox: Outbox) -> None:
    one, two = (outbox.begin("c", "t", "m0", text) for text in ("yes", "no"))
    assert one is not None
    assert two is not None
    assert one != two
    outbox.sent(one, "$1")
    outbox.refused(two)
    assert outbox.unsure("c") == []
    assert outbox.entries("sent") == [Entry(one, "c", "t", "yes", "$1")]
    assert outbox.entries("refused") == [Entry(two, "c", "t", "no")]


def test_what_was_not_answered_is_told_once_to_its_connector(outbox: Outbox, path: Path) -> None:
    keys = [outbox.begin("c", "t", "m0", text) for text in ("yes", "no")]
    with Outbox(path) as later:
        assert later.unsure("other") == []
        assert [(e.key, e.text) for e in later.unsure("c")] == list(
            zip(keys, ("yes", "no"), strict=True)
        )
        assert later.unsure("c") == []
        assert [e.key for e in later.entries("unsure")] == keys


def test_nothing_begins_where_a_newer_message_is_kept(outbox: Outbox, path: Path) -> None:
    with Inbox(path) as inbox:
        inbox.ingest("c", chat(), said("no, tomorrow", first=1))
        assert outbox.begin("c", "t", "m0", "yes") is None
        inbox.take_back("c", "t", "m1")
        assert outbox.begin("c", "t", "m0", "yes")
    assert outbox.begin("c", "nobody", "m0", "yes") is None


def test_wipe_empties_it(outbox: Outbox, path: Path) -> None:
    key = outbox.begin("c", "t", "m0", "zanzibar at midnight")
    assert key
    outbox.sent(key, "$1")
    with Inbox(path) as inbox:
        inbox.wipe("c", "t")
        assert outbox.entries("sent") == []
        assert all(b"zanzibar" not in f.read_bytes() for f in path.parent.iterdir())


WEARER = textwrap.dedent("""
    import asyncio, os, random, sys
    from pathlib import Path
    from device.connectors.connector import Receipt
    from device.consent import Patience
    from device.inbox import Inbox
    from tests.lives import Glass, Peer, living

    path, server, seed = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
    choose = random.Random(seed)

    class Server(Peer):
        async def send(self, conversation, text, key):
            handle = os.open(server, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
            os.write(handle, f"{key} {text}\\n".encode())
            os.close(handle)
            await asyncio.sleep(choose.uniform(0, 0.02))
            return Receipt(conversation, f"sent-{key}")

    async def main():
        with Inbox(path) as inbox:
            number = sum(m.sender == "Ben" for t in inbox.threads()
                         for m in inbox.thread("c", t.id).messages)
        glass, peer = Glass(), Server()
        async with living(path, glass, peer, patience=Patience(countdown=0.01)):
            if number:  # as a source does that may not have heard an answer
                peer.writes(f"message {number - 1}", f"m{number - 1}")
            while True:
                peer.writes(f"message {number}", f"m{number}")
                await glass.until(f"message {number}")
                glass.say(f"type reply to {number}")
                await glass.until("To Ben?")
                glass.say("send")
                await glass.until("Sent to Ben.")
                print(number, flush=True)
                number += 1

    asyncio.run(main())
""")


def test_kill_9_sends_nothing_twice(path: Path, tmp_path: Path) -> None:
    choose = random.Random(7)
    root = Path(device.__file__).parent.parent
    server = tmp_path / "server"
    server.touch()
    answered = 0
    for round_ in range(8):
        child = subprocess.Popen(
            [sys.executable, "-c", WEARER, str(path), str(server), str(round_)],
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(root)},
        )
        assert child.stdout is not None
        with child.stdout:
            assert child.stdout.readline(), "the first reply of a round is sent"
            time.sleep(choose.uniform(0.0, 0.15))
            child.send_signal(signal.SIGKILL)
            answered += 1 + len(child.stdout.read().split(b"\n")[:-1])
        assert child.wait() == -signal.SIGKILL
        arrived = [line.split(" ", 1) for line in server.read_text().splitlines()]
        assert len({text for _, text in arrived}) == len(arrived), "the same text twice"
        with Outbox(path) as outbox:
            sent = {entry.key for entry in outbox.entries("sent")}
            open_ = {entry.key for s in ("asked", "unsure") for entry in outbox.entries(s)}
        keys = {key for key, _ in arrived}
        assert sent <= keys <= sent | open_
        assert len(sent) >= answered
        check_sound(path)
    with Outbox(path) as outbox:
        outbox.unsure("c")
        assert outbox.entries("asked") == []
    assert answered >= 8
