"""sidelong why: why the last messages interrupted, or did not."""

from __future__ import annotations

import argparse
import datetime as dt
import json

from rich.text import Text

from device.attention import plain
from device.attention_log import AttentionLog, Entry
from device.commands.common import positive
from device.commands.inbox import inbox_path
from device.displays.terminal import Screen, hang
from device.errors import InputError
from device.inbox import Inbox
from device.settings import load_settings
from device.store_key import key_of
from device.text import neutralise
from device.why import about_chat, at, learning, sentence, undecided


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("conversation", nargs="?", help="a name or part of it (default: all)")
    parser.add_argument("--last", type=positive, metavar="N", default=10, help="so many (10)")
    parser.add_argument("--json", action="store_true", help="one object a decision, one a line")
    parser.add_argument(
        "--forget", action="store_true", help="forget all of it, and what it taught"
    )


def run(args: argparse.Namespace) -> int:
    """0. Raises `InputError` where no conversation has that name."""
    if args.forget and args.conversation:
        raise InputError("--forget forgets everything; leave the conversation out")
    path = inbox_path()
    key = key_of(path, load_settings())
    with AttentionLog(path, key) as kept, Inbox(path, key) as inbox:
        if args.forget:
            print(f"Forgotten: {kept.forget()} decisions. Learning starts anew with the next run.")
            return 0
        names = {(i.connector, i.id): neutralise(i.title or i.id) for i in inbox.threads()}
        entries = everything = kept.entries()
    chosen = set(names)
    if args.conversation is not None:
        chosen = _chosen(args.conversation, names)
        entries = [e for e in entries if (e.connector, e.conversation) in chosen]
    shown = entries[-args.last :]
    if args.json:
        for entry in shown:
            print(json.dumps(record(entry), ensure_ascii=False))
        return 0
    _show(shown, names, Screen())
    without = chosen - {(entry.connector, entry.conversation) for entry in entries}
    if without or not entries:
        print(undecided(len(without), len(chosen)))
    if args.conversation is not None and (said := about_chat(entries)):
        print(said)
    print(learning(everything))
    return 0


def record(entry: Entry) -> dict[str, object]:
    """A decision for programs."""
    return {
        "at": entry.at.isoformat(timespec="seconds"),
        "connector": entry.connector,
        "conversation": entry.conversation,
        "message": entry.message,
        "when": entry.when,
        "why": entry.why,
        "activity": entry.activity,
        "chance": round(entry.chance, 3),
        "outcome": entry.outcome,
        "said": sentence(entry),
    }


def _chosen(name: str, names: dict[tuple[str, str], str]) -> set[tuple[str, str]]:
    """The conversations of that name, or else those with it in theirs."""
    wanted = plain(name)
    whole = {key for key, title in names.items() if wanted in (plain(title), plain(key[1]))}
    chosen = whole or {key for key, title in names.items() if wanted in plain(title)}
    if not chosen:
        raise InputError(
            f"no conversation is called {name!r}; `sidelong inbox list` says what there is"
        )
    return chosen


def _show(entries: list[Entry], names: dict[tuple[str, str], str], console: Screen) -> None:
    today = dt.date.today()
    for entry in entries:
        name = names.get((entry.connector, entry.conversation), "(a chat that is gone)")
        head = Text(f"{at(entry, today)}  ", style="dim")
        head.append(f"{name}  ", style="bold cyan")
        hang(head, Text(sentence(entry)), console)
