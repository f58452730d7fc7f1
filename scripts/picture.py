"""The demo as a picture of the terminal (SVG): python scripts/picture.py docs/demo.svg."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from rich.console import Console

from device.assistant import Assistant
from device.commands.demo import play
from device.displays.terminal import legend
from device.settings import Settings


def main() -> None:
    console = Console(record=True, width=100, highlight=False, force_terminal=True)
    console.print(legend(), "")
    play(Assistant.from_settings(Settings()), console)
    Path(sys.argv[1]).write_text(svg(console, "sidelong demo"), encoding="utf-8")


def svg(console: Console, title: str) -> str:
    """What a recording console has printed, as a picture that asks no server for its fonts."""
    return re.sub(r"@font-face \{[^}]*\}\s*", "", console.export_svg(title=title))


if __name__ == "__main__":
    main()
