"""`sidelong run` in a process of its own, on pipes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
GGUF = str(ROOT / "tests/tiny/tiny.gguf")
SIDELONG = (sys.executable, "-c", "import sys; from device.cli import main; sys.exit(main())")


class Typing:
    """A wearer who types; the display writes plain lines."""

    def __init__(self, *args: str, cwd: Path, model: str = GGUF):
        self.process = subprocess.Popen(
            [*SIDELONG, "run", *args, "--threads", "1", "--model", model],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            cwd=cwd,
            text=True,
        )
        self.seen = ""

    def until(self, words: str) -> str:
        """Wait for a line with these words; the line."""
        assert self.process.stdout is not None
        while True:
            line = self.process.stdout.readline()
            assert line, f"{words!r} never came: {self.seen}"
            self.seen += line
            if words in line:
                return line

    def say(self, words: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(words + "\n")
        self.process.stdin.flush()

    def end(self) -> tuple[str, str]:
        """What it has written, and its errors."""
        out, err = self.process.communicate(timeout=120)
        return self.seen + out, err
