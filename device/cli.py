"""The `sidelong` command."""

from __future__ import annotations

# Nothing that takes time up here, `typing` included: `main` answers Ctrl-C, and nobody before it.
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

COMMANDS = {
    "demo": "play the bundled chats and show a card for each",
    "run": "take messages as they come, show them, draft, ask, and send",
    "read": "read chat exports and show a card for each conversation",
    "ask": "ask a question; a message answers, cited, or nothing is found",
    "why": "say why the last messages interrupted, or did not",
    "check": "judge statements about threads: is each one supported?",
    "inbox": "list, search, import and wipe the messages kept on this machine",
    "matrix": "log in to a Matrix server, verify devices, log out",
    "kdeconnect": "pair with an Android phone, list the paired phones, forget one",
    "model": "list, choose, verify and fetch models",
    "personalize": "learn from your sent messages how you write, on this machine",
    "federate": "learn together with others; texts stay here, adapter tensors leave",
    "tune": "find how the model runs fastest on this CPU, and remember it",
    "voice": "list microphones and speakers; fetch, list and try recognisers and voices",
    "init": "write a settings file in which every setting is explained",
    "doctor": "say what is installed, which model and CPU, and what is missing for what",
}
ELSEWHERE = {"personalize": "federated.personalize", "federate": "federated.deploy.join"}
"""Commands whose module lies in another room; like all, it is imported when it is asked for."""
STOPPED = 130
"""What a shell reports for a command that Ctrl-C (SIGINT) ended."""
UNREAD = 141
"""What a shell reports for a command whose reader (head, less) went away (SIGPIPE)."""


def parser(argv: Sequence[str] = tuple(COMMANDS)) -> argparse.ArgumentParser:
    """The command line, with the options of the commands that are named in `argv`.

    The others' modules aren't imported: so `sidelong doctor` runs where llama.cpp is broken.
    """
    import argparse

    from device.commands.common import version

    top = argparse.ArgumentParser(
        prog="sidelong",
        description="A private messaging assistant for smart glasses; all on this machine.",
    )
    said = f"sidelong {version('sidelong')}"
    top.add_argument("--version", action="version", version=said, help="print the version and exit")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, words in COMMANDS.items():
        sub = commands.add_parser(name, help=words, description=f"{words[0].upper()}{words[1:]}.")
        if name in argv:
            _module(name).add(sub)
    return top


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return the exit code.

    0, or 2 where something the wearer can mend was wrong, 130 after Ctrl-C, 141 where nobody reads
    the output any more.
    """
    try:
        try:
            return _run(sys.argv[1:] if argv is None else argv)
        finally:  # here, since what fails when Python closes it is a traceback
            sys.stdout.flush()
    except KeyboardInterrupt:
        print("sidelong: stopped", file=sys.stderr)
        return STOPPED
    except BrokenPipeError:
        _give_up_output()
        return UNREAD
    except OSError as error:  # a full disk, most likely
        from device.commands.common import report

        _give_up_output()
        report(f"stopped: {error}")
        return 2


def _run(argv: Sequence[str]) -> int:
    import io

    from device.commands.common import report
    from device.errors import SidelongError

    args = parser(argv).parse_args(argv)
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A terminal without the letters shows "?" for them; files and pipes get UTF-8 everywhere.
        encoding = None if sys.stdout.isatty() else "utf-8"
        sys.stdout.reconfigure(encoding=encoding, errors="replace")
    try:
        code: int = _module(args.command).run(args)
        return code
    except SidelongError as error:
        report(error)
        return 2


def _give_up_output() -> None:
    """Python would complain once more, when it closes an output that can't be written."""
    import os

    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _module(name: str):  # type: ignore[no-untyped-def]
    from importlib import import_module

    return import_module(ELSEWHERE.get(name, f"device.commands.{name}"))
