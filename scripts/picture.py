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
    picture = console.export_svg(title="sidelong demo")
    # Rich names fonts on a server; whoever opens the picture should ask nobody.
    picture = re.sub(r"@font-face \{[^}]*\}\s*", "", picture)
    Path(sys.argv[1]).write_text(picture, encoding="utf-8")


if __name__ == "__main__":
    main()
