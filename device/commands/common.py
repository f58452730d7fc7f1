"""Options and output that several subcommands share."""

from __future__ import annotations

import argparse
import dataclasses
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from importlib import metadata
from pathlib import Path
from typing import Self, get_args

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from device.connectors.files import read_threads
from device.errors import InputError, SidelongError
from device.messages import Thread
from device.settings import DateOrder, EngineName, Settings, load_settings
from device.text import neutralise

PROBLEMS_SHOWN = 20
"""So many problems of one file are told; a file of another kind may be wrong in each line."""


def add_model_options(parser: argparse.ArgumentParser) -> None:
    """--model, --engine, --threads, --context."""
    parser.add_argument("--model", help="a model's name, or a path (default: the one in use)")
    parser.add_argument("--engine", choices=get_args(EngineName), help="default: llama")
    parser.add_argument("--threads", type=positive, help="CPU threads (default: one a core)")
    parser.add_argument("--context", type=positive, help="tokens of a chat that are read at most")


def add_reading_options(parser: argparse.ArgumentParser) -> None:
    """--me, --unread, --date-order."""
    parser.add_argument("--me", metavar="NAME", help="your own name in the export")
    parser.add_argument(
        "--unread",
        type=not_negative,
        metavar="N",
        help="the last N messages are new, 0 for none (default: all after your own last one)",
    )
    parser.add_argument(
        "--date-order", choices=get_args(DateOrder), help="default: found from the file"
    )


def settings_of(args: argparse.Namespace) -> Settings:
    """The wearer's settings, overridden by the command line. Raises `SettingsError`."""
    given = {
        field.name: getattr(args, field.name)
        for field in dataclasses.fields(Settings)
        if getattr(args, field.name, None) is not None
    }
    return dataclasses.replace(load_settings(), **given)


def file(name: str) -> Path:
    """argparse type: a file to read, "-" for what is piped in."""
    if not name:
        raise argparse.ArgumentTypeError("a file has a name; this one is empty")
    return Path(name)


class Problems:
    """What can't be read: reported as it comes, and when there is much of it, the rest counted.

    A context manager: at its end it says how much that was.
    """

    def __init__(self) -> None:
        self._found: Counter[Path] = Counter()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for path, count in self._found.items():
            if count > PROBLEMS_SHOWN:
                report(f"{path}: {count - PROBLEMS_SHOWN} more like these")

    def tell(self, error: InputError, path: Path) -> None:
        """`path` is the file as the wearer named it; the error's own may lie in a zip."""
        self._found[path] += 1
        if self._found[path] <= PROBLEMS_SHOWN:
            report(error)

    @property
    def files(self) -> list[str]:
        """The names of those in which anything was wrong."""
        return [path.name or str(path) for path in self._found]

    @property
    def exit_code(self) -> int:
        """2 where anything was wrong, else 0."""
        return 2 if self._found else 0


def conversations(
    paths: Iterable[Path], args: argparse.Namespace, problems: Problems
) -> Iterator[Thread]:
    """The threads of all files in their order, read as `add_reading_options` and the settings say.

    What can't be read is told to `problems`. Raises `SettingsError`.
    """
    settings = load_settings()
    order = args.date_order or settings.date_order
    for path in paths:
        try:
            for item in read_threads(
                path, me=args.me, usual_me=settings.me, unread=args.unread, date_order=order
            ):
                if isinstance(item, InputError):
                    problems.tell(item, path)
                else:
                    yield item
        except InputError as error:
            problems.tell(error, path)


def report(error: SidelongError | str) -> None:
    """One error, as one line on stderr; it may quote strangers' names and words."""
    print(f"sidelong: {neutralise(str(error))}", file=sys.stderr)


NOT_INSTALLED = "(not installed)"


def version(distribution: str) -> str:
    """Installed version, or `NOT_INSTALLED`."""
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return NOT_INSTALLED


def progress_bar() -> Progress:
    """Progress on stderr, gone when done; silent where stderr is no terminal."""
    console = Console(stderr=True)
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,  # elsewhere it would leave an empty line
        # Left on, rich takes what is meant for a file or pipe and prints it on the terminal.
        redirect_stdout=False,
        redirect_stderr=False,
    )


MOST = 10**9
"""Of a number on the command line; SQLite and the engines take no number of any length."""


def positive(text: str) -> int:
    """argparse type: a whole number above 0."""
    if (number := _whole(text)) < 1:
        raise argparse.ArgumentTypeError(f"{text} is not above 0")
    return number


def not_negative(text: str) -> int:
    """argparse type: a whole number, 0 or more."""
    if (number := _whole(text)) < 0:
        raise argparse.ArgumentTypeError(f"{text} is below 0")
    return number


def _whole(text: str) -> int:
    try:
        number = int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number") from None
    if number > MOST:
        raise argparse.ArgumentTypeError(f"{text} is too much; it is {MOST} at most")
    return number


async def yes(question: str) -> bool:
    """Ask at the terminal. Only "y" or "yes" is yes."""
    from prompt_toolkit import PromptSession  # `input` would hold up what goes on meanwhile

    try:
        answer = await PromptSession[str]().prompt_async(question)
    except EOFError:  # Ctrl-D
        return False
    return answer.strip().lower() in ("y", "yes")
