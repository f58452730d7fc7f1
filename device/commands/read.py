"""sidelong read: chats that people have -> cards."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from rich.console import Console

from device.assistant import Assistant, card_json
from device.commands.common import (
    add_model_options,
    add_reading_options,
    conversations,
    exit_code,
    progress_bar,
    settings_of,
)
from device.displays.terminal import legend, show_card, show_thread
from device.errors import InputError
from device.messages import Thread

SIDE_BY_SIDE = 8
"""Threads that are decoded together; fewer in a call come one by one, each with its own times."""


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "files",
        nargs="+",
        type=Path,
        metavar="FILE",
        help="WhatsApp export (.txt, .zip), Telegram result.json, or JSONL threads",
    )
    add_reading_options(parser)
    add_model_options(parser)
    parser.add_argument("--json", action="store_true", help="one object a line, in input order")


def run(args: argparse.Namespace) -> int:
    """0, or 2 when a file or thread could not be read; the others still come."""
    settings = settings_of(args)
    threads: list[Thread] = []
    problems: list[InputError] = []
    for item in conversations(args.files, args):
        if isinstance(item, InputError):
            problems.append(item)
        else:
            threads.append(item)
    if not threads:
        return exit_code(problems)
    many = len(threads) >= SIDE_BY_SIDE
    assistant = Assistant.from_settings(settings, SIDE_BY_SIDE if many else 1)
    console = Console(highlight=False, soft_wrap=False)
    if not args.json:
        console.print(legend())
    with progress_bar(many) as progress:
        cards = progress.track(assistant.cards(threads), total=len(threads), description="reading")
        for thread, card in zip(threads, cards, strict=True):
            if args.json:
                print(card_json(card), flush=True)
            else:
                show_thread(thread, console)
                show_card(card, console)
    sys.stdout.flush()
    return exit_code(problems)
