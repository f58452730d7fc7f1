"""`sidelong run --connector matrix` as a wearer types it, with somebody else on a real Synapse."""

from __future__ import annotations

import asyncio
import os
import subprocess
from pathlib import Path

import pytest

from device.inbox import Inbox
from device.settings import settings_path
from tests.device.connectors.matrix.people import PASSWORD, WAIT, friend
from tests.runs import ROOT, SIDELONG, Typing
from tests.synapse import Homeserver

SHIPPED = ROOT / "models" / "sidelong-118m.gguf"
QUESTION = "Can you bring three chairs to the yard tomorrow at 7:30?"


def sidelong(*args: str, typed: str = "") -> str:
    done = subprocess.run(
        [*SIDELONG, *args],
        input=typed,
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        timeout=WAIT,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def read_back(run: Typing) -> str:
    """The text that stands before the wearer; the display may have broken it into lines."""
    text = run.until("your reply: ").partition("your reply: ")[2].strip()
    assert run.process.stdout is not None
    while (line := run.process.stdout.readline()).startswith("  "):
        text += f" {line.strip()}"
    return text


@pytest.mark.parametrize("encrypted", [True, False])
def test_a_drafted_reply_reaches_the_other_side(
    homeserver: Homeserver, tmp_path: Path, anna: str, ben: str, encrypted: bool
) -> None:
    said = sidelong("matrix", "login", anna, "--server", homeserver.url, typed=f"{PASSWORD}\n")
    assert f"Logged in as {anna}" in said

    settings_path().parent.mkdir(parents=True)
    settings_path().write_text(f"read_receipts = {str(encrypted).lower()}\n")

    async def talk() -> None:
        async with (
            friend(homeserver, ben, tmp_path / "ben") as them,
            friend(homeserver, anna, tmp_path / "phone") as phone,
        ):
            room = await them.room(anna, encrypted, is_direct=True)
            await phone.client.join(room)
            await them.sync()
            log = tmp_path / "log"
            args = ("--connector", "matrix", "--log", str(log))
            run = Typing(*args, cwd=tmp_path, model=str(SHIPPED))
            while '"start"' not in log_of(log):
                await asyncio.sleep(0.1)
            asked = await them.say(room, QUESTION)
            await asyncio.to_thread(run.until, "chairs")
            run.say("reply")
            await asyncio.to_thread(run.until, "Reply to")
            run.say("1")
            text = await asyncio.to_thread(read_back, run)
            assert text
            run.say("send")
            await asyncio.to_thread(run.until, "Sent to")
            [heard] = await them.hears(room)
            assert (heard.body, heard.sender, heard.decrypted) == (text, anna, encrypted)
            seen = them.client.rooms[room].read_receipts
            async with asyncio.timeout(WAIT):
                while encrypted and anna not in seen:
                    await them.sync()
            assert [r.event_id for who, r in seen.items() if who == anna] == [asked] * encrypted
            run.say("quit")
            out, err = await asyncio.to_thread(run.end)
            assert (run.process.returncode, err) == (0, "")
            assert "sent: 1" in out
            assert text not in log_of(log)
            with Inbox(tmp_path / "xdg-data" / "sidelong" / "inbox.sqlite") as inbox:
                messages = inbox.thread("matrix", room).messages
            assert [m.text for m in messages][-2:] == [QUESTION, text]

    asyncio.run(talk())


def log_of(path: Path) -> str:
    return path.read_text() if path.exists() else ""
