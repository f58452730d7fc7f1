"""sidelong model: which models there are, which is in use, and fetching others."""

from __future__ import annotations

import argparse

from rich.console import Console
from rich.progress import DownloadColumn, Progress, TimeRemainingColumn, TransferSpeedColumn
from rich.text import Text

from device.displays.terminal import Screen, hang
from device.language.catalog import Catalog
from device.text import neutralise


def add(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    actions.add_parser("list", help="all models; * is the one in use")
    use = actions.add_parser("use", help="use this model from now on")
    use.add_argument("name")
    verify = actions.add_parser("verify", help="hash the files against the manifest")
    verify.add_argument("name", nargs="?", help="default: all")
    pull = actions.add_parser("pull", help="fetch a GGUF by URL or hub id (owner/repo/file.gguf)")
    pull.add_argument("source")
    pull.add_argument("--name", help="what to call it (default: made from the file's name)")
    pull.add_argument("--sha256", help="refuse any other file")
    actions.add_parser("rollback", help="use again what was in use before")


def run(args: argparse.Namespace) -> int:
    """0; every failure is a `ModelError`, and the model in use stays in use."""
    catalog = Catalog.default()
    if args.action == "list":
        _list(catalog)
    elif args.action == "use":
        print(f"{catalog.use(args.name).name} is in use.")
    elif args.action == "verify":
        for entry in catalog.verify(args.name):
            print(f"{entry.name}: whole, sha256 {entry.sha256}")
    elif args.action == "rollback":
        print(f"{catalog.rollback().name} is in use again.")
    else:
        _pull(catalog, args)
    return 0


def _list(catalog: Catalog) -> None:
    entries = catalog.list()
    if not entries:
        print("There is no model yet. `sidelong model pull SOURCE` fetches one.")
        return
    current = catalog.current_name()
    console = Screen()
    indent = max(len(entry.name) for entry in entries) + 4
    for entry in entries:
        head = Text(f"{'*' if entry.name == current else ' '} {neutralise(entry.name)}")
        size = f"{entry.size_bytes / 1e6:.1f} MB"
        facts = (size, entry.quantization, entry.licence, f"prompt {entry.prompt}", entry.file)
        body = Text(neutralise(", ".join(facts)), style="dim")
        hang(head, body, console, indent)


def _pull(catalog: Catalog, args: argparse.Namespace) -> None:
    columns = (DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    shown = console.is_terminal
    with Progress(*columns, console=console, transient=True, disable=not shown) as progress:
        task = progress.add_task("pull", total=None)

        def moved(done: int, total: int | None) -> None:
            progress.update(task, completed=done, total=total)

        entry = catalog.pull(args.source, name=args.name, sha256=args.sha256, progress=moved)
    print(f"{entry.name}: {entry.size_bytes / 1e6:.1f} MB, sha256 {entry.sha256}")
    print(f"Use it with `sidelong model use {entry.name}`.")
