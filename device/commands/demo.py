"""sidelong demo: the bundled chats through the main job."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from rich.console import Console

import device.demo
from device.assistant import Assistant
from device.commands.common import add_model_options, settings_of
from device.connectors.files import read_threads
from device.displays.terminal import Screen, legend, show_card, show_thread
from device.messages import Thread

CHATS = Path(device.demo.__file__).parent / "chats.jsonl"
PAUSE_S = 1.2
"""Between a chat and its successor, so that a person at a terminal can read along."""


TIMES = (
    "[dim]took: a glance includes reading its chat, here for the first time; summary, asks and "
    "replies are written side by side, so that their times overlap.[/]"
)


def add(parser: argparse.ArgumentParser) -> None:
    add_model_options(parser)
    parser.add_argument("--fast", action="store_true", help="no pause between the chats")


def run(args: argparse.Namespace) -> int:
    """0."""
    console = Screen()
    started = time.perf_counter()
    assistant = Assistant.from_settings(settings_of(args))
    console.print(f"Loaded the model in {(time.perf_counter() - started) * 1000:.0f} ms.\n")
    console.print(legend(), TIMES, sep="\n", end="\n\n")
    play(assistant, console, pause=0 if args.fast or not sys.stdout.isatty() else PAUSE_S)
    console.print("Your own chats: [bold]sidelong read[/] 'WhatsApp Chat with Ben.txt' --me Anna")
    return 0


def play(assistant: Assistant, console: Console, pause: float = 0) -> None:
    """Show each bundled chat and its card."""
    for thread in read_threads(CHATS):
        assert isinstance(thread, Thread), thread
        show_thread(thread, console)
        show_card(assistant.card(thread), console, nothing_new=not thread.news, times=True)
        time.sleep(pause)
