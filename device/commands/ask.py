"""sidelong ask: a question, answered by a message."""

from __future__ import annotations

import argparse
import contextlib
import datetime as dt
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

from rich.text import Text

from device.answers import ASKED, NOTHING, in_one_line, when, where, writer_of
from device.ask import Found, ask, turn
from device.commands.common import (
    Problems,
    add_model_options,
    add_reading_options,
    conversations,
    file,
    positive,
    report,
    settings_of,
)
from device.commands.inbox import EMPTY, wearers_inbox
from device.displays.terminal import MODEL_MARK, QUOTE_MARK, Screen, hang
from device.errors import InputError, ModelError
from device.inbox import Inbox
from device.messages import Card, Line, Thread
from device.text import neutralise


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("question", help='as you would ask it: "when did Tom say dinner is?"')
    parser.add_argument(
        "files", nargs="*", type=file, metavar="FILE", help="ask these exports, not the inbox"
    )
    add_reading_options(parser)
    add_model_options(parser)
    parser.add_argument(
        "--limit",
        type=positive,
        metavar="N",
        default=3,
        help="messages at most (3); what changed the first one later comes on top",
    )
    parser.add_argument(
        "--no-model", action="store_true", help="no line of the model's beside a long message"
    )
    parser.add_argument("--json", action="store_true", help="one object")


def run(args: argparse.Namespace) -> int:
    """0, also where nothing is found; 2 when a file could not be read."""
    if not args.question.strip():
        raise InputError('a question is missing; ask like this: sidelong ask "when is dinner?"')
    with Problems() as problems, _inbox(args, problems) as inbox:
        found = ask(inbox, args.question, args.limit)
        line = None if args.no_model or not found else _line(args, found[0], inbox)
        if not args.files and not found and not inbox.threads():
            report(EMPTY)
    if args.json:
        print(json.dumps(record(args.question, found, line), ensure_ascii=False))
    else:
        show(found, line, Screen())
    return problems.exit_code


def record(question: str, found: list[Found], line: Line | None) -> dict[str, object]:
    """The answer for programs: `answers` is empty where nothing was found; one that is `asked` only
    asks the same; `turn` says how it stands to the first, where either changed the other."""
    return {
        "question": question,
        "line": line and line.text,
        "answers": [
            {
                "connector": one.connector,
                "conversation": one.thread_id,
                "title": one.title,
                "message": one.message.id,
                "sender": one.message.sender,
                "by_me": one.by_me,
                "date": one.message.date and one.message.date.isoformat(),
                "time": one.message.time and one.message.time.strftime("%H:%M"),
                "text": one.message.text,
                "score": round(one.score, 3),
                "asked": one.asked,
                "turn": turn(one, found[0]) or None,
            }
            for one in found
        ],
    }


def show(found: list[Found], line: Line | None, console: Screen) -> None:
    """The answer first, with who wrote it, when and where; below, what it changed or what changed
    it, and what else it might be."""
    if not found:
        print(NOTHING)
        return
    if found[0].asked:
        print(ASKED)
    if line is not None:
        hang(Text(f"{MODEL_MARK} ", style="magenta"), Text(line.text, style="bold"), console)
    today = dt.date.today()
    headed = ""
    for number, one in enumerate(found):
        head = (turn(one, found[0]) or "or") if number else ""
        if head != headed:
            console.print(Text(head, style="dim"))
        headed = head
        style = "bold" if number == 0 and line is None else "" if number == 0 else "dim"
        text = Text(neutralise(one.message.text), style=style)
        hang(Text(f"{QUOTE_MARK} ", style="blue"), text, console)
        writer = f"{writer_of(one)} asked" if one.asked else writer_of(one)
        said = (writer, when(one.message, today), where(one))
        console.print(Text("  " + ", ".join(part for part in said if part), style="dim cyan"))


@contextlib.contextmanager
def _inbox(args: argparse.Namespace, problems: Problems) -> Iterator[Inbox]:
    """The wearer's own, or one of the files given, which is gone afterwards."""
    if not args.files:
        with wearers_inbox() as inbox:
            yield inbox
        return
    with (
        tempfile.TemporaryDirectory(prefix="sidelong-ask-") as folder,
        Inbox(Path(folder) / "inbox.sqlite") as inbox,
    ):
        for thread in conversations(args.files, args, problems):
            inbox.ingest("file", thread)
        yield inbox


def _line(args: argparse.Namespace, best: Found, inbox: Inbox) -> Line | None:
    """The model's line, where it is worth one; without a model the message stands alone."""

    def stages(thread: Thread) -> Iterator[Card]:
        from device.assistant import Assistant  # a model is loaded only where one is wanted

        return Assistant.from_settings(settings_of(args)).stages(thread)

    try:
        return in_one_line(args.question, best, inbox, stages)
    except ModelError as error:
        report(error)
        return None
