"""Two Matrix accounts as a picture (SVG): python -m scripts.matrix_picture docs/matrix.svg

Anna runs `sidelong run --connector matrix` in a terminal of tmux's against a Synapse on loopback,
Ben writes to her with matrix-nio, and what the model drafts is sent back to him, encrypted. Nothing
in the picture is written by hand but Ben's question. `make matrix-test` installs what it needs.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console, Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from device.connectors.matrix_account import matrix_folder
from device.connectors.matrix_session import log_in
from scripts.picture import svg
from tests.device.connectors.matrix.people import PASSWORD, friend
from tests.runs import ROOT, SIDELONG
from tests.synapse import Homeserver, running, synapse_python

QUESTION = "Can you bring three chairs to the yard tomorrow at 7:30?"
COLUMNS, ROWS = 64, 18
PATIENCE = 600
"""Seconds after which a step counts as never coming."""


class Terminal:
    """A terminal of tmux's, on a socket of its own."""

    def __init__(self, folder: Path, *command: str):
        self._tmux = ("tmux", "-S", str(folder / "tmux"), "-f", os.devnull)
        size = ("-x", str(COLUMNS), "-y", str(ROWS))
        subprocess.run([*self._tmux, "new-session", "-d", *size, *command], check=True, cwd=ROOT)

    def types(self, words: str) -> None:
        """A line, and Enter."""
        subprocess.run([*self._tmux, "send-keys", "-l", words], check=True)
        subprocess.run([*self._tmux, "send-keys", "Enter"], check=True)

    async def ends(self) -> None:
        """Wait until its command has."""
        while not subprocess.run([*self._tmux, "has-session"], capture_output=True).returncode:
            await asyncio.sleep(0.2)

    async def shows(self, words: str) -> Text:
        """Its screen, once these words are on it."""
        async with asyncio.timeout(PATIENCE):
            while True:
                command = [*self._tmux, "capture-pane", "-p", "-e"]
                out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
                if words in (screen := Text.from_ansi(out)).plain:
                    screen.rstrip()
                    return screen
                await asyncio.sleep(0.2)


async def talk(server: Homeserver, folder: Path) -> tuple[Text, str]:
    """Anna's screen when the draft is read back, and what reached Ben."""
    anna, ben = server.register("anna"), server.register("ben")
    await log_in(matrix_folder(), anna, PASSWORD, server=server.url)
    async with (
        friend(server, ben, folder / "ben") as them,
        friend(server, anna, folder / "phone") as phone,
    ):
        room = await them.room(anna, encrypted=True, is_direct=True)
        await phone.client.join(room)
        await them.sync()
        log = folder / "log"
        glasses = Terminal(folder, *SIDELONG, "run", "--connector", "matrix", "--log", str(log))
        while not log.exists() or '"start"' not in log.read_text():
            await asyncio.sleep(0.2)
        await them.say(room, QUESTION)
        await glasses.shows("chairs")
        glasses.types("reply")
        await glasses.shows("Reply to")
        glasses.types("1")
        read_back = await glasses.shows("your reply")
        glasses.types("send")
        [heard] = await them.hears(room)
        glasses.types("quit")
        await glasses.ends()
        if not heard.decrypted:
            raise SystemExit("matrix_picture: the reply came unencrypted; nothing is drawn")
        return read_back, str(heard.body)


def picture(read_back: Text, heard: str) -> str:
    """Both sides, as SVG."""
    chat = Group(
        Text.assemble(("you   ", "dim"), QUESTION), "", Text.assemble(("Anna  ", "green"), heard)
    )
    sides = Table.grid(padding=(0, 2))
    sides.add_column(width=COLUMNS)
    sides.add_column(width=36)
    title = "Ben's phone (matrix-nio)"
    sides.add_row(read_back, Panel(chat, title=title, border_style="dim", padding=(1, 2)))
    with Path(os.devnull).open("w") as nowhere:
        console = Console(record=True, width=COLUMNS + 40, file=nowhere, force_terminal=True)
        console.print(sides)
    return svg(console, "sidelong run --connector matrix")


def main() -> None:
    if (python := synapse_python()) is None:
        raise SystemExit("matrix_picture: Synapse isn't installed; `make matrix-test` does that")
    with tempfile.TemporaryDirectory(prefix="sidelong-picture-") as name:
        folder = Path(name)
        for kind in ("DATA", "CONFIG", "CACHE", "STATE"):
            os.environ[f"XDG_{kind}_HOME"] = str(folder / kind.lower())
        os.environ["PYTHONPATH"] = str(ROOT)
        (folder / "server").mkdir()
        with running(folder / "server", python) as server:
            drawn = picture(*asyncio.run(talk(server, folder)))
    Path(sys.argv[1]).write_text(drawn, encoding="utf-8")


if __name__ == "__main__":
    main()
