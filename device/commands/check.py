"""sidelong check: is each statement about a thread supported by it?"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.text import Text

from device.commands.common import add_reading_options, conversations, exit_code, report
from device.connectors.files import read_text
from device.connectors.reading import parse_json
from device.errors import InputError
from device.language.judge import Judge
from device.messages import Thread
from device.text import neutralise

KEYS = {"statements": None, "true": True, "false": False}
"""List in a statements file -> whether what it lists is meant to be true."""


@dataclass(frozen=True, slots=True)
class Claims:
    """What one line of a statements file claims about a thread."""

    thread_id: str
    line: int
    statements: tuple[tuple[str, bool | None], ...]
    """Each statement, and whether it is meant to be true; None where the file doesn't say."""


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "chats", metavar="THREADS", type=Path, help="JSONL threads, or any export `read` takes"
    )
    parser.add_argument(
        "statements",
        type=Path,
        help='JSONL: {"id": thread, "statements": [...]}, or "true": [...] and "false": [...]',
    )
    add_reading_options(parser)
    parser.add_argument("--json", action="store_true", help="one object a statement")


def run(args: argparse.Namespace) -> int:
    """0, or 2 when a thread or a line could not be read; the other statements still come."""
    problems: list[InputError] = []
    threads: dict[str, Thread] = {}
    for item in conversations([args.chats], args):
        if not isinstance(item, InputError) and item.id in threads:
            problem = f"a second conversation has the id {item.id!r}; the first one is checked"
            item = InputError(problem, args.chats)
            report(item)
        if isinstance(item, InputError):
            problems.append(item)
        else:
            threads[item.id] = item
    judge = Judge()
    console = Console(highlight=False)
    right = wrong = 0
    for claims in read_claims(args.statements):
        if not isinstance(claims, InputError) and claims.thread_id not in threads:
            claims = InputError(
                f"no thread has the id {claims.thread_id!r}", args.statements, claims.line
            )
        if isinstance(claims, InputError):
            report(claims)
            problems.append(claims)
            continue
        for statement, meant in claims.statements:
            verdict = judge.judge(statement, threads[claims.thread_id])
            reason = "; ".join(r.text for r in verdict.reasons) or None
            if meant is not None:
                right += verdict.passes == meant
                wrong += verdict.passes != meant
            if args.json:
                record = {
                    "id": claims.thread_id,
                    "statement": statement,
                    "pass": verdict.passes,
                    "reason": None if verdict.passes else reason,
                }
                print(json.dumps(record, ensure_ascii=False), flush=True)
                continue
            line = Text("pass  " if verdict.passes else "FAIL  ")
            line.stylize("green" if verdict.passes else "bold red")
            line.append(neutralise(statement), style="default")
            if not verdict.passes:
                line.append(f"\n      {neutralise(reason or '')}", style="dim")
            console.print(line)
    if right + wrong and not args.json:
        console.print(f"\n{right} of {right + wrong} judged as the file says.")
    return exit_code(problems)


def read_claims(path: Path) -> Iterator[Claims | InputError]:
    """The lines of a statements file, or what is wrong with them.

    Raises `InputError` for a file that can't be read or has no line.
    """
    lines = read_text(path).split("\n")
    if not any(map(str.strip, lines)):
        raise InputError("empty; each line is to be one JSON object with statements", path)
    for number, line in enumerate(lines, start=1):
        if line.strip():
            try:
                yield _claims(parse_json(line), number)
            except ValueError as error:
                yield InputError(
                    f'not {{"id": ..., "statements": [...]}} or "true"/"false" lists: {error}',
                    path,
                    number,
                )


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
