"""sidelong inbox: list, search and wipe what is kept."""

from __future__ import annotations

import argparse
import sys
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
)
from device.disk import erase
from device.displays.terminal import Screen, hang
from device.errors import InputError, SettingsError, SidelongError
from device.inbox import Inbox
from device.inbox_schema import explained
from device.language.adapter_choice import Adapters
from device.language.spill import wipe_spilled
from device.settings import Settings, default_data_dir, load_settings, settings_path
from device.store_cipher import convert, is_plain
from device.store_key import store_key
from device.text import neutralise


def inbox_path() -> Path:
    """Where the wearer's inbox lies."""
    return default_data_dir() / "inbox.sqlite"


def wearers_inbox(settings: Settings | None = None) -> Inbox:
    """The wearer's inbox, opened with its key. Raises `StoreError`, `SettingsError`."""
    return Inbox(inbox_path(), store_key(settings or load_settings()))


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
        print("The inbox is empty. `sidelong inbox import FILE` keeps a chat export.")
        return 0
    table = Table(box=None, header_style="dim", pad_edge=False)
    for column in ("chat", "messages", "unread", "from"):
        table.add_column(column, justify="right" if column in ("messages", "unread") else "left")
    for info in threads:
        title = neutralise(info.title or info.id)
        row = (title, str(info.messages), str(info.unread or ""), info.connector)
        table.add_row(*(Text(cell) for cell in row))
    console.print(table)
    return 0


def _search(inbox: Inbox, query: str, limit: int, console: Screen) -> int:
    hits = inbox.search(query, limit)
    if not hits:
        print(f"Nothing found for {query!r}.")
    for hit in hits:
        message = hit.message
        when = " ".join(str(part)[:10] for part in (message.date, message.time) if part)
        head = Text(f"{when} ", style="dim")
        head.append(f"{neutralise(hit.title or hit.thread_id)}  ", style="dim")
        head.append(f"{neutralise(message.sender)} ", style="bold cyan")
        hang(head, Text(neutralise(message.text)), console)
    return 0


def _import(inbox: Inbox, args: argparse.Namespace) -> int:
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
                new = inbox.ingest("file", thread)
                title = neutralise(thread.title or thread.id)
                print(f"{title}: {new} new of {len(thread.messages)} messages")
    return problems.exit_code


def _wipe(inbox: Inbox, sure: bool) -> int:
    if not sure:
        if not sys.stdin.isatty():
            raise SidelongError("wipe removes every message; say --yes where nobody can be asked")
        try:
            answer = input("Remove every message from the inbox, for good? [y/N] ")
        except EOFError:  # Ctrl-D
            print()
            answer = ""
        if answer.strip().lower() != "y":
            print("Nothing was removed.")
            return 0
    wipe_spilled()  # first: it holds what the messages say
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
