"""sidelong read: chats that people have -> cards."""

from __future__ import annotations

import argparse

from device.assistant import Assistant, card_json
from device.commands.common import (
    Problems,
    add_model_options,
    add_reading_options,
    conversations,
    file,
    progress_bar,
    settings_of,
)
from device.displays.terminal import Screen, legend, show_card, show_thread

SIDE_BY_SIDE = 8
"""Threads that are decoded together; fewer in a call come one by one, each with its own times."""
LONG = 200
"""Messages that may not fit the context: reading the older ones takes a while by itself."""


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "files",
        nargs="+",
        type=file,
        metavar="FILE",
        help="WhatsApp export (.txt, .zip), Telegram result.json, or JSONL threads; - for a pipe",
    )
    add_reading_options(parser)
    add_model_options(parser)
    parser.add_argument("--json", action="store_true", help="one object a line, in input order")


def run(args: argparse.Namespace) -> int:
    """0, or 2 when a file or thread could not be read; the others still come."""
    settings = settings_of(args)
    with Problems() as problems:
        threads = list(conversations(args.files, args, problems))
    if not threads:
        return problems.exit_code
    many = len(threads) >= SIDE_BY_SIDE
    assistant = Assistant.from_settings(settings, SIDE_BY_SIDE if many else 1)
    console = Screen()
    if not args.json:
        console.print(legend())
    longest = max(len(thread.messages) for thread in threads)
    doing = "reading" if longest < LONG else f"reading (up to {longest} messages)"
    with progress_bar() as progress:
        cards = progress.track(assistant.cards(threads), total=len(threads), description=doing)
        for thread, card in zip(threads, cards, strict=True):
            progress.stop()  # on one terminal the two would write over each other
            if args.json:
                print(card_json(card), flush=True)
            else:
                show_thread(thread, console)
                show_card(card, console, nothing_new=not thread.news)
            progress.start()
    return problems.exit_code
