"""sidelong inbox: list, search and wipe what is kept."""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import itertools
import re
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from rich.table import Table
from rich.text import Text

from device.commands.common import (
    Problems,
    add_reading_options,
    conversations,
    file,
    positive,
    yes,
)
from device.connectors.whatsapp import ID as WHATSAPP
from device.disk import erase
from device.displays.terminal import Screen, hang
from device.errors import InputError, SettingsError, SidelongError
from device.inbox import Inbox
from device.inbox_rows import ThreadInfo, with_ids
from device.inbox_schema import explained
from device.language.adapter_choice import Adapters
from device.language.spill import wipe_spilled
from device.messages import Thread
from device.settings import default_data_dir, load_settings, settings_path
from device.store_cipher import convert, erase_leftovers, is_plain
from device.store_key import key_of, store_key
from device.text import clean, neutralise

EMPTY = "The inbox is empty. `sidelong inbox import FILE` keeps a chat export."
WIDE = 10_000
"""Columns of a list that is no terminal's; programs want one line a conversation."""


def inbox_path() -> Path:
    """Where the wearer's inbox lies."""
    return default_data_dir() / "inbox.sqlite"


def wearers_inbox() -> Inbox:
    """The wearer's inbox, opened with its key. Raises `StoreError`, `SettingsError`."""
    return Inbox(inbox_path(), key_of(inbox_path(), load_settings()))


def add(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    actions.add_parser("list", help="all conversations, newest first")
    search = actions.add_parser("search", help="messages with all these words")
    search.add_argument("words", nargs="+")
    search.add_argument("--limit", type=positive, metavar="N", default=20, help="at most (20)")
    keep = actions.add_parser("import", help="keep the messages of chat exports")
    keep.add_argument("files", nargs="+", type=file, metavar="FILE")
    add_reading_options(keep)
    actions.add_parser("encrypt", help="encrypt what is kept, as the setting `encryption` says")
    actions.add_parser("decrypt", help="keep it readable for whoever has the file")
    wipe = actions.add_parser("wipe", help="remove everything that is kept, for good")
    wipe.add_argument("--yes", action="store_true", help="don't ask")


def run(args: argparse.Namespace) -> int:
    """0, or 2 when something could not be read."""
    console = Screen()
    if args.action in ("encrypt", "decrypt"):
        return _convert(args.action == "encrypt")
    with wearers_inbox() as inbox:
        if args.action == "list":
            return _list(inbox, console)
        if args.action == "search":
            return _search(inbox, " ".join(args.words), args.limit, console)
        if args.action == "import":
            return _import(inbox, args)
        return _wipe(inbox, args.yes)


def _list(inbox: Inbox, console: Screen) -> int:
    threads = inbox.threads()
    if not threads:
        print(EMPTY)
        return 0
    table = Table(box=None, header_style="dim", pad_edge=False)
    for column in ("chat", "messages", "unread", "from"):
        table.add_column(column, justify="right" if column in ("messages", "unread") else "left")
    for info in threads:
        title = neutralise(info.title or info.id)
        row = (title, str(info.messages), str(info.unread or ""), info.connector)
        table.add_row(*(Text(cell) for cell in row))
    if not console.wraps:
        console.width = WIDE
    console.print(table)
    return 0


def _search(inbox: Inbox, query: str, limit: int, console: Screen) -> int:
    hits = inbox.search(query, limit)
    if not hits:
        print(f"Nothing found for {query!r}.")
    for hit in hits:
        message = hit.message
        when = [f"{message.date}"] if message.date else []
        when += [f"{message.time:%H:%M}"] if message.time else []
        place = " ".join([*when, neutralise(hit.title or hit.thread_id)])
        head = Text(f"{place}  ", style="dim")
        head.append(f"{neutralise(message.sender)} ", style="bold cyan")
        hang(head, Text(neutralise(message.text)), console)
    return 0


def _import(inbox: Inbox, args: argparse.Namespace) -> int:
    # Listed once: in an account of many years that counts half a million messages.
    there: dict[str, ThreadInfo | Thread] = {
        i.id: i for i in inbox.threads() if i.connector == FROM
    }
    with Problems() as problems:
        for path in args.files:
            kept = set()
            for thread in conversations([path], args, problems):
                if thread.id in kept:
                    # Another file may hold the same conversation, grown; within one they are two.
                    problem = f"a second conversation has the id {thread.id!r}; give it another one"
                    problems.tell(InputError(problem, path), path)
                    continue
                kept.add(thread.id)
                placed = _placed(thread, inbox, there)
                new = inbox.ingest(FROM, placed)
                there[clean(placed.id)] = placed
                title = neutralise(thread.title or thread.id)
                apart = "" if placed.id == thread.id else f", kept apart as {neutralise(placed.id)}"
                print(
                    f"{title}: {new} new of {len(thread.messages)} messages{_days(thread)}{apart}"
                )
    return problems.exit_code


FROM = "file"
"""The connector that imported messages are kept under."""


def _days(thread: Thread) -> str:
    """From when to when, so that days and months read the wrong way round are seen."""
    dates = [message.date for message in thread.messages if message.date]
    if not dates:
        return ""
    days = dict.fromkeys(f"{date.day} {date:%b %Y}" for date in (min(dates), max(dates)))
    return f", {' to '.join(days)}"


def _placed(thread: Thread, inbox: Inbox, there: Mapping[str, ThreadInfo | Thread]) -> Thread:
    """The thread under the id of the kept conversation that it continues, or else under a new one.

    An id alone doesn't tell: two files of JSON Lines may both have an "a", and WhatsApp's chats
    have no id but their title, which two people called Ben share. A grown export begins with what
    is kept, so a common message tells; without any, only an id that the file itself gives, of the
    same title, wearer and kind, is believed.
    """
    id_ = clean(thread.id)
    numbered = re.compile(re.escape(id_) + r"(?: \(\d+\))?")
    alike = {kept: info for kept, info in there.items() if numbered.fullmatch(kept)}
    own = {message_id for message_id, _ in with_ids(thread.messages)}
    shared = {
        kept: len(own.intersection(m.id for m in inbox.thread(FROM, kept).messages))
        for kept in alike
    }
    best = max(shared, key=shared.__getitem__, default=id_)
    if shared.get(best):
        return dataclasses.replace(thread, id=best)
    continues = any(
        kept == id_ and not id_.startswith(WHATSAPP)
        and (info.title, info.me, info.is_group) == (thread.title, thread.me, thread.is_group)
        for kept, info in alike.items()
    )  # fmt: skip
    if id_ not in shared or continues:
        return thread
    names = (f"{thread.id} ({number})" for number in itertools.count(2))
    return dataclasses.replace(thread, id=next(name for name in names if clean(name) not in shared))


def _wipe(inbox: Inbox, sure: bool) -> int:
    if not sure:
        if not sys.stdin.isatty():
            raise SidelongError("wipe removes every message; say --yes where nobody can be asked")
        if not asyncio.run(yes("Remove every message from the inbox, for good? [y/N] ")):
            print("Nothing was removed.")
            return 0
    wipe_spilled()  # first: it holds what the messages say
    erase_leftovers(inbox.path)
    with suppress(FileNotFoundError):
        erase(Adapters.default().folder / "work")  # of a broken-off `sidelong personalize`
    print(f"{inbox.wipe()} messages removed.")
    return 0


def _convert(encrypt: bool) -> int:
    """Write the inbox anew, encrypted or not; what it was is erased."""
    settings, path = load_settings(), inbox_path()
    if settings.encryption == "off":
        raise SettingsError(
            f'{settings_path()}: encryption is "off"; set it to "keyring" or "passphrase" '
            + ("first" if encrypt else "until the inbox is decrypted")
        )
    if encrypt and not path.exists():
        Inbox(path).close()
    with explained(path):
        erase_leftovers(path)
        if is_plain(path) == (not encrypt):
            raise SidelongError(f"{path}: {'encrypted' if encrypt else 'not encrypted'} already")
        if encrypt:
            wipe_spilled()
            convert(path, None, store_key(settings, new=True))
            print("The inbox is encrypted.")
        else:
            convert(path, store_key(settings), None)
            print('The inbox is not encrypted any more; set encryption = "off".')
    return 0
