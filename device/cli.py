"""The `sidelong` command."""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Sequence
from importlib import import_module

from device.commands.common import report
from device.errors import SidelongError

COMMANDS = {
    "demo": "play the bundled chats and show a card for each",
    "read": "read chat exports and show a card for each conversation",
    "check": "judge statements about threads: is each one supported?",
    "inbox": "list, search, import and wipe the messages kept on this machine",
    "model": "list, choose, verify and fetch models",
    "doctor": "say what is installed, which model and CPU, and what is missing for what",
}


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    top = argparse.ArgumentParser(
        prog="sidelong",
        description="A private messaging assistant for smart glasses; all on this machine.",
    )
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, words in COMMANDS.items():
        sub = commands.add_parser(name, help=words, description=f"{words[0].upper()}{words[1:]}.")
        _module(name).add(sub)
    return top


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command. 0, or 2 where something the wearer can mend was wrong."""
    args = parser().parse_args(argv)
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A terminal without the letters shows "?" for them; files and pipes get UTF-8 everywhere.
        encoding = None if sys.stdout.isatty() else "utf-8"
        sys.stdout.reconfigure(encoding=encoding, errors="replace")
    try:
        code: int = _module(args.command).run(args)
        sys.stdout.flush()
        return code
    except SidelongError as error:
        report(error)
        return 2
    except BrokenPipeError:
        _give_up_output()  # the reader (head, less) has had enough
        return 0
    except OSError as error:  # a full disk, most likely
        _give_up_output()
        report(f"stopped: {error}")
        return 2
    except KeyboardInterrupt:
        report("stopped")
        return 130


def _give_up_output() -> None:
    """Python would complain once more, when it closes an output that can't be written."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _module(name: str):  # type: ignore[no-untyped-def]
    return import_module(f"device.commands.{name}")
