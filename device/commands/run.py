"""sidelong run: messages as they come, on the glass; drafts, consent, out."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from importlib import util
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from device import scenes
from device.asides import Asides
from device.attention_log import AttentionLog
from device.commands.common import (
    Problems,
    add_model_options,
    add_reading_options,
    conversations,
    file,
    settings_of,
)
from device.commands.demo import CHATS
from device.commands.glasses import opened
from device.commands.inbox import inbox_path
from device.connectors.connector import Connector
from device.connectors.replay import Replay
from device.consent import Patience
from device.errors import ConnectorError, DisplayError, InputError, SettingsError, VoiceError
from device.figures import Figures, read_figures, rows
from device.inbox import Inbox
from device.interruptions import Interruptions
from device.live import Live
from device.logs import about, start_logging
from device.model_in_use import ModelInUse
from device.outbox import Outbox
from device.retention import keep_only
from device.settings import ConnectorName, DisplayName, Settings, default_data_dir
from device.store_key import key_of, throwaway_key

if TYPE_CHECKING:
    from device.by_ear import ByEar  # loaded only for a voice

log = logging.getLogger(__name__)

SPEED = 60.0
AT_ONCE = 3600.0
"""How fast time goes for attention in a replay without silences: an hour a second."""
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
    parser.add_argument(
        "--voice", action="store_const", const=True, help="listen and speak (docs/voice.md)"
    )
    parser.add_argument("--microphone", metavar="M", help="name, number, 'page', or a WAV file")
    parser.add_argument("--loudspeaker", metavar="L", help="name, number, or a WAV file to write")
    parser.add_argument("--log", type=Path, metavar="FILE", help="log there instead of to stderr")
    parser.add_argument("--log-text", action="store_true", help="let message texts into the log")
    parser.add_argument(
        "--status", action="store_true", help="say how the run is doing, or how the last one did"
    )


def run(args: argparse.Namespace) -> int:
    """0, or 2 when something could not be read, or nothing that was said understood."""
    if args.status:
        print(status(read_figures(status_path())))
        return 0
    settings = settings_of(args)
    if (args.microphone or args.loudspeaker) and not settings.voice:
        raise SettingsError("--microphone and --loudspeaker need --voice")
    name: ConnectorName | None = settings.connector or ("replay" if args.files else None)
    if name is None:
        raise SettingsError(
            "no connector is chosen; `sidelong run --connector replay` plays the bundled chats, "
            "`--connector replay FILE` an export of yours"
        )
    with Problems() as problems:
        connector = _connector(name, args, settings, problems)
    if connector is None:
        return problems.exit_code
    # A log between the lines of a screen would spoil both.
    if args.log or settings.display != "terminal" or not sys.stderr.isatty():
        start_logging(args.log, args.log_text)
    else:
        logging.getLogger("device").addHandler(logging.NullHandler())
    figures = Figures(name)
    with (
        _inbox_of(name, settings) as (path, key),
        Inbox(path, key) as inbox,
        Outbox(path, key) as outbox,
        AttentionLog(path, key) as kept,
    ):
        pace = (args.speed or AT_ONCE) if name == "replay" else 1.0
        attention = Interruptions(name, settings, kept, pace=pace)
        live = _live(
            connector, inbox, outbox, figures, settings, args.port, attention, problems.files
        )
        try:
            failed = asyncio.run(live)
        finally:
            figures.quota = attention.left
            figures.end()
            _write_status(figures)
    print(status(figures.record()))
    if failed:
        raise VoiceError(f"{settings.microphone}: {failed}")
    return problems.exit_code


async def _live(
    connector: Connector,
    inbox: Inbox,
    outbox: Outbox,
    figures: Figures,
    settings: Settings,
    port: int,
    attention: Interruptions,
    unreadable: Sequence[str],
) -> str:
    """Until it ends; why it listened in vain to a recording, where it did."""
    name = figures.connector
    patience = Patience(countdown=settings.countdown, undo=settings.undo)

    def current() -> Figures:
        figures.quota = attention.left
        return figures

    by_ear: ByEar | None = None
    _on(signal.SIGTERM, signal.raise_signal, signal.SIGINT)
    async with contextlib.AsyncExitStack() as closing:
        closing.push_async_callback(connector.close)
        display = await opened(settings.display, port, lambda: rows(current().record()))
        closing.push_async_callback(display.close)
        with contextlib.suppress(DisplayError):  # glasses may come back
            await display.show(scenes.LOADING)
        model = await asyncio.to_thread(ModelInUse, settings)
        if settings.voice:
            from device.commands.hands_free import with_voice

            def names() -> list[str]:
                return [place.name for place in Asides(name, inbox, None).places()]

            display = by_ear = with_voice(display, settings, lambda: attention.activity, names)
        counted = asyncio.Event()
        live = Live(
            name,
            connector,
            inbox,
            outbox,
            display,
            model,
            patience,
            figures,
            counted.set,
            attention,
            settings.read_receipts,
        )
        if unreadable:
            live.tell(scenes.unreadable(unreadable))
        for number in (signal.SIGINT, signal.SIGTERM):
            _on(number, live.stop)
        log.info("start", extra=about(connector=name))
        beside = [asyncio.create_task(_keep_status(current, counted))]
        if settings.keep_days and name != "replay":
            beside.append(asyncio.create_task(keep_only(settings.keep_days, inbox, live.forget)))
        try:
            await live.run()
        finally:
            for task in beside:
                task.cancel()
    log.info("stop")
    return by_ear.failed if by_ear is not None else ""


def _on(number: signal.Signals, call: Callable[..., object], *args: object) -> None:
    """Call it at that signal; on Windows, whose loops know none, Ctrl-C alone ends a run."""
    with contextlib.suppress(NotImplementedError):
        asyncio.get_running_loop().add_signal_handler(number, call, *args)


def _connector(
    name: ConnectorName, args: argparse.Namespace, settings: Settings, problems: Problems
) -> Connector | None:
    """None where nothing that is to be replayed could be read, which `problems` were told."""
    if name == "replay":
        threads = list(conversations(args.files or [CHATS], args, problems))
        return Replay(threads, args.speed) if threads or not problems.exit_code else None
    if args.files:
        raise InputError(f"a file is replayed, not looked up by {name}; leave out one of the two")
    return _matrix() if name == "matrix" else _kdeconnect(settings)


def _matrix() -> Connector:
    if util.find_spec("nio") is None:
        raise ConnectorError("Matrix needs its library; pip install 'sidelong[matrix]'")
    from device.connectors.matrix import MatrixConnector
    from device.connectors.matrix_account import matrix_folder

    return MatrixConnector.open(matrix_folder())


def _kdeconnect(settings: Settings) -> Connector:
    from device.commands.kdeconnect import check_installed

    check_installed()
    from device.connectors.kdeconnect import KdeConnect
    from device.connectors.kdeconnect_account import kdeconnect_folder

    return KdeConnect.open(kdeconnect_folder(), settings.apps, settings.me or "me")


@contextlib.contextmanager
def _inbox_of(name: str, settings: Settings) -> Iterator[tuple[Path, str | None]]:
    """The wearer's inbox and its key; a replay has one of its own, which is gone afterwards, so
    that it can be played again and leaves nothing among real messages."""
    if name != "replay":
        yield inbox_path(), key_of(inbox_path(), settings)
        return
    with tempfile.TemporaryDirectory(prefix="sidelong-replay-") as folder:
        yield Path(folder) / "inbox.sqlite", throwaway_key(settings)


async def _keep_status(current: Callable[[], Figures], counted: asyncio.Event) -> None:
    """Write it at once where something was `counted`, and what follows a while later in one go."""
    while True:
        await counted.wait()
        counted.clear()
        _write_status(current())
        await asyncio.sleep(STATUS_SECONDS)


def _write_status(figures: Figures) -> None:
    try:
        default_data_dir().mkdir(parents=True, exist_ok=True)
        figures.write(status_path())
    except OSError:  # no reason to stop
        log.exception("status")


def status(record: dict[str, Any]) -> str:
    """The figures of a run for people, a line each."""
    return "\n".join(f"{what}: {much}" for what, much in rows(record))


def speed(text: str) -> float | None:
    """argparse type: a number above 0, or "max" (None)."""
    if text == "max":
        return None
    try:
        number = float(text)
    except ValueError:
        number = 0
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is no speed; a number above 0, or max")
    return number


def port(text: str) -> int:
    """argparse type: a port's number."""
    if not text.isdecimal() or int(text) >= 2**16:
        raise argparse.ArgumentTypeError(f"{text} is no port; a whole number below {2**16}")
    return int(text)
