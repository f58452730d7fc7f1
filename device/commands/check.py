"""sidelong check: is each statement about a thread supported by it?"""

from __future__ import annotations

import argparse
import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rich.text import Text

from device.commands.common import Problems, add_reading_options, conversations, file
from device.connectors.files import read_text
from device.connectors.reading import filled_lines, parse_json
from device.displays.terminal import Screen, hang
from device.errors import InputError
from device.language.judge import Judge
from device.language.verdict import Verdict
from device.messages import Thread
from device.text import neutralise

KEYS = {"statements": None, "true": True, "false": False}
"""List in a statements file -> whether what it lists is meant to be true."""

OUTCOMES = {
    "passed": ("✓", "green"),
    "caught": ("✓", "green"),
    "wrongly refused": ("✗", "bold red"),
    "missed": ("✗", "bold red"),
    "supported": ("✓", "green"),
    "not supported": ("✗", "yellow"),
}
"""What became of a statement -> its mark and style. The first two are right by what the file says,
the next two wrong; of the last two it says nothing."""


@dataclass(frozen=True, slots=True)
class Claims:
    """What one line of a statements file claims about a thread."""

    thread_id: str
    line: int
    statements: tuple[tuple[str, bool | None], ...]
    """Each statement, and whether it is meant to be true; None where the file doesn't say."""


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "chats", metavar="THREADS", type=file, help="JSONL threads, or any export `read` takes"
    )
    parser.add_argument(
        "statements",
        type=file,
        help='JSONL: {"id": thread, "statements": [...]}, or "true": [...] and "false": [...]',
    )
    add_reading_options(parser)
    parser.add_argument("--json", action="store_true", help="one object a statement, one a line")


def run(args: argparse.Namespace) -> int:
    """0, or 2 when a thread or a line could not be read; the other statements still come."""
    with Problems() as problems:
        threads = _threads(args, problems)
        if threads:  # else each statement would only say again that its thread isn't there
            _judge(args, threads, problems)
    return problems.exit_code


def _threads(args: argparse.Namespace, problems: Problems) -> dict[str, Thread]:
    """By their ids."""
    threads: dict[str, Thread] = {}
    for thread in conversations([args.chats], args, problems):
        if thread.id in threads:
            problem = f"a second conversation has the id {thread.id!r}; the first one is checked"
            problems.tell(InputError(problem, args.chats), args.chats)
        else:
            threads[thread.id] = thread
    return threads


def _judge(args: argparse.Namespace, threads: dict[str, Thread], problems: Problems) -> None:
    judge = Judge()
    console = Screen()
    found: Counter[str] = Counter()
    shown: str | None = None
    for claims in read_claims(args.statements):
        if isinstance(claims, InputError):
            problems.tell(claims, args.statements)
            continue
        if claims.thread_id not in threads:
            problem = f"no thread has the id {claims.thread_id!r}"
            problems.tell(InputError(problem, args.statements, claims.line), args.statements)
            continue
        thread = threads[claims.thread_id]
        for statement, meant in claims.statements:
            verdict = judge.judge(statement, thread)
            found[outcome(verdict, meant)] += 1
            if args.json:
                record = {
                    "id": thread.id,
                    "statement": statement,
                    "pass": verdict.passes,
                    "reason": reason(verdict),
                }
                print(json.dumps(record, ensure_ascii=False), flush=True)
                continue
            if thread.id != shown:
                if shown is not None:
                    console.print()
                _show_thread(thread, console)
                shown = thread.id
            _show_verdict(statement, verdict, meant, console)
    if found and not args.json:
        _show_sum(found, console)


def _show_thread(thread: Thread, console: Screen) -> None:
    """What the statements below it are about."""
    line = Text(neutralise(thread.id), style="bold")
    if thread.title and thread.title != thread.id:
        line.append(f"  {neutralise(thread.title)}", style="not bold dim")
    console.print(line)


def outcome(verdict: Verdict, meant: bool | None) -> str:
    """The verdict in a word, by what the file says of the statement (`OUTCOMES`)."""
    return {
        (None, True): "supported",
        (None, False): "not supported",
        (True, True): "passed",
        (True, False): "wrongly refused",
        (False, False): "caught",
        (False, True): "missed",
    }[meant, verdict.passes]


def _show_sum(found: Counter[str], console: Screen) -> None:
    """How many of each, those that the file says nothing of last."""
    parts = [
        f"{found[good]} of {found[good] + found[bad]} {what} {good}"
        for what, good, bad in (
            ("true", "passed", "wrongly refused"),
            ("false", "caught", "missed"),
            ("statements", "supported", "not supported"),
        )
        if found[good] + found[bad]
    ]
    console.print(Text(f"\n{', '.join(parts)}.", style="bold"))


def _show_verdict(statement: str, verdict: Verdict, meant: bool | None, console: Screen) -> None:
    """The outcome, the statement, and below it why it isn't supported."""
    word = outcome(verdict, meant)
    mark, style = OUTCOMES[word]
    head = Text(f"  {mark} {word:{max(map(len, OUTCOMES))}}  ", style=style)
    body = Text(neutralise(statement))
    if why := reason(verdict):
        body.append(f"\n{neutralise(why)}", style="dim")
    hang(head, body, console)


def reason(verdict: Verdict) -> str | None:
    """Why a statement fails, in sentences; None for one that passes.

    A reason may end with words of the statement, whose own full stop then is enough.
    """
    if verdict.passes:
        return None
    return " ".join(re.sub(r"([.?!…][\"”’)]*)\.$", r"\1", r.text) for r in verdict.reasons)


def read_claims(path: Path) -> Iterator[Claims | InputError]:
    """The lines of a statements file, or what is wrong with them.

    Raises `InputError` for a file that can't be read or has no line.
    """
    text = read_text(path)
    if not text.strip():
        raise InputError("empty; each line is to be one JSON object with statements", path)
    for number, line in filled_lines(text):
        try:
            yield _claims(parse_json(line), number)
        except ValueError as error:
            problem = f'not {{"id": ..., "statements": [...]}} or "true"/"false" lists: {error}'
            yield InputError(problem, path, number)


def _claims(record: object, line: int) -> Claims:
    """Raises `ValueError`."""
    if not isinstance(record, dict) or not isinstance(record.get("id"), str):
        raise ValueError("no text as id")
    lists = [(record[key], meant) for key, meant in KEYS.items() if key in record]
    if not lists:
        raise ValueError(f"none of the keys {', '.join(KEYS)}")
    found: list[tuple[str, bool | None]] = []
    for statements, meant in lists:
        if not isinstance(statements, list) or not all(isinstance(s, str) for s in statements):
            raise ValueError("statements are lists of texts")
        found += [(statement, meant) for statement in statements]
    return Claims(record["id"], line, tuple(found))
