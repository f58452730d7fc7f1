"""sidelong run: messages as they come, on the glass; drafts, consent, out."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from importlib import util
from pathlib import Path
from typing import Any, get_args

from device.commands.common import (
    Problems,
    add_model_options,
    add_reading_options,
    conversations,
    file,
    settings_of,
)
from device.commands.demo import CHATS
from device.commands.inbox import inbox_path
from device.connectors.connector import Connector
from device.connectors.replay import Replay
from device.consent import Patience
from device.displays.scene import Display
from device.errors import ConnectorError, InputError, SettingsError
from device.figures import Figures, read_figures
from device.inbox import Inbox
from device.live import Live
from device.logs import about, start_logging
from device.messages import Card, Thread
from device.model_in_use import ModelInUse
from device.outbox import Outbox
from device.settings import ConnectorName, DisplayName, Settings, default_data_dir

log = logging.getLogger(__name__)

SPEED = 60.0
STATUS_SECONDS = 5.0
"""Between two writings of the status at least."""


def status_path() -> Path:
    """Where a run writes how it is doing."""
    return default_data_dir() / "status.json"


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "files",
        nargs="*",
        type=file,
        metavar="FILE",
        help="to replay (default: bundled chats)",
    )
    parser.add_argument(
        "--connector", choices=get_args(ConnectorName), help="where messages come from"
    )
    parser.add_argument("--display", choices=get_args(DisplayName), help="default: terminal")
    parser.add_argument(
        "--speed",
        type=speed,
        metavar="S",
        default=SPEED,
        help="of a replay: 1 is real time; else silences are cut short, 'max' leaves none "
        f"(default: {SPEED:.0f} times)",
    )
    parser.add_argument("--port", type=port, default=8765, help="of the page (default: 8765)")
    add_reading_options(parser)
    add_model_options(parser)
    parser.add_argument("--log", type=Path, metavar="FILE", help="log there instead of to stderr")
    parser.add_argument("--log-text", action="store_true", help="let message texts into the log")
    parser.add_argument(
        "--status", action="store_true", help="say how the run is doing, or how the last one did"
    )


def run(args: argparse.Namespace) -> int:
    """0, or 2 when something could not be read."""
    if args.status:
        print(status(read_figures(status_path())))
        return 0
    settings = settings_of(args)
    name = settings.connector or ("replay" if args.files else None)
    if name is None:
        raise SettingsError(
            "no connector is chosen; `sidelong run --connector replay` plays the bundled chats, "
            "`--connector replay FILE` an export of yours"
        )
    with Problems() as problems:
        connector = _replay(args, problems) if name == "replay" else _matrix(args)
    # A log between the lines of a screen would spoil both.
    if args.log or settings.display != "terminal" or not sys.stderr.isatty():
        start_logging(args.log, args.log_text)
    else:
        logging.getLogger("device").addHandler(logging.NullHandler())
    model = ModelInUse(settings)
    figures = Figures(name)
    with _inbox_of(name) as path, Inbox(path) as inbox, Outbox(path) as outbox:
        display = _display(settings, args.port)
        patience = Patience(countdown=settings.countdown, undo=settings.undo)
        counted = _now_and_then()
        asyncio.run(
            _live(name, connector, inbox, outbox, display, model.card, patience, figures, counted)
        )
    _write_status(figures)
    print(status(figures.record()))
    return problems.exit_code


async def _live(
    name: str,
    connector: Connector,
    inbox: Inbox,
    outbox: Outbox,
    display: Display,
    write: Callable[[Thread], Card],
    patience: Patience,
    figures: Figures,
    counted: Callable[[Figures], None],
) -> None:
    live = Live(name, connector, inbox, outbox, display, write, patience, figures, counted)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):  # Windows: Ctrl-C is a KeyboardInterrupt
            loop.add_signal_handler(number, live.stop)
    log.info("start", extra=about(connector=name))
    await live.run()
    log.info("stop")


def _replay(args: argparse.Namespace, problems: Problems) -> Connector:
    threads = list(conversations(args.files or [CHATS], args, problems))
    return Replay(threads, args.speed)


def _matrix(args: argparse.Namespace) -> Connector:
    if args.files:
        raise InputError("a file is replayed, not looked up in Matrix; leave out one of the two")
    if util.find_spec("nio") is None:
        raise ConnectorError("Matrix needs its library; pip install 'sidelong[matrix]'")
    from device.connectors.matrix import MatrixConnector
    from device.connectors.matrix_account import matrix_folder

    return MatrixConnector.open(matrix_folder())


def _display(settings: Settings, port: int) -> Display:
    if settings.display == "web":
        from device.displays.web import WebDisplay

        return WebDisplay(port=port)
    from device.displays.hud import TerminalHud

    return TerminalHud()


@contextlib.contextmanager
def _inbox_of(name: str) -> Iterator[Path]:
    """The wearer's inbox; a replay has one of its own, which is gone afterwards, so that it can be
    played again and leaves nothing among real messages."""
    if name != "replay":
        yield inbox_path()
        return
    with tempfile.TemporaryDirectory(prefix="sidelong-replay-") as folder:
        yield Path(folder) / "inbox.sqlite"


def _now_and_then() -> Callable[[Figures], None]:
    written = time.monotonic()

    def counted(figures: Figures) -> None:
        nonlocal written
        if time.monotonic() - written >= STATUS_SECONDS:
            written = time.monotonic()
            _write_status(figures)

    return counted


def _write_status(figures: Figures) -> None:
    try:
        default_data_dir().mkdir(parents=True, exist_ok=True)
        figures.write(status_path())
    except OSError:  # no reason to stop
        log.exception("status")


def status(record: dict[str, Any]) -> str:
    """The figures of a run for people."""
    cards = record["cards"]
    lines = [
        f"{record['connector']}: {record['messages']} messages, {cards} cards by "
        f"{record['model'] or 'no model yet'}, {record['quotes']} of them quotes",
        f"{record['written_anew']} written anew for a newer message, {record['held']} held back, "
        f"{record['sent']} sent, {record['undone']} taken back, {record['errors']} errors",
    ]
    for name, what in (("glance_ms", "message to glance"), ("drawing_ms", "drawing")):
        if times := record[name]:
            said = ", ".join(f"{key} {ms:.0f} ms" for key, ms in times.items())
            lines.append(f"{what}: {said}")
    return "\n".join(lines)


def speed(text: str) -> float | None:
    """argparse type: a number above 0, or "max" (None)."""
    if text == "max":
        return None
    if not 0 < (number := float(text)) < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is no speed; a number above 0, or max")
    return number


def port(text: str) -> int:
    """argparse type: a port's number."""
    if not 0 <= (number := int(text)) < 2**16:
        raise argparse.ArgumentTypeError(f"{text} is no port")
    return number
