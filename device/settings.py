"""The wearer's settings: one TOML file, typed.

It lies where the platform keeps settings (`sidelong doctor` prints the path) and need not exist;
the command line overrides it.
"""

from __future__ import annotations

import ast
import datetime as dt
import inspect
import itertools
import json
import textwrap
import tomllib
import types
import typing
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Literal

import platformdirs

from device.cpu import cores
from device.errors import SettingsError

EngineName = Literal["llama", "onnx"]
DateOrder = Literal["dmy", "mdy", "ymd"]
ConnectorName = Literal["replay", "matrix", "kdeconnect"]
DisplayName = Literal["terminal", "web", "halo", "frame", "g1"]
Encryption = Literal["off", "keyring", "passphrase"]
Activity = Literal["riding", "walking", "seated"]

LEAST_CONTEXT = 768
"""Tokens that hold the longest opening of a conversation, some of its last message, and what the
writer keeps free behind them."""
MOST_CONTEXT = 2**20
"""As far as any model has been trained; llama.cpp counts in 32 bits."""

MOST_MINUTES = 24 * 60
"""For a batch: by then it is another day."""

MOST_SECONDS = 600
"""For a countdown and for an undo: whoever waits longer has forgotten it."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Every setting and its default."""

    me: str | None = None
    """The wearer's name in chat exports."""
    model: str | None = None
    """A model's name in the catalog, or a path; without it, the one in use."""
    engine: EngineName = "llama"
    """"llama" runs GGUF files, "onnx" folders made by `make onnx`."""
    threads: int | None = None
    """CPU threads, one a core at most; without it, one a core."""
    context: int = 2048
    """Tokens of a conversation that are read at most."""
    date_order: DateOrder | None = None
    """Order of day and month in exports; without it, found from the file."""
    connector: ConnectorName | None = None
    """Where `sidelong run` takes messages from, if it isn't told."""
    apps: tuple[str, ...] = ()
    """Apps whose notifications are messages (KDE Connect), by their names on the phone, like
    "Signal"; without any, all whose notifications can be answered."""
    display: DisplayName = "terminal"
    """Where `sidelong run` shows them: "terminal"; "web", a page in the browser; or glasses,
    Brilliant "halo" or "frame", or Even "g1"."""
    countdown: int = 3
    """Seconds between the wearer's "send" and the sending."""
    undo: int = 30
    """Seconds in which "undo" takes a sent message back, where that is possible."""
    read_receipts: bool = False
    """Tell others what you have read word for word or answered, where that is possible (Matrix)."""
    encryption: Encryption = "off"
    """Whether the inbox is encrypted: "off", "keyring" (the system's keyring has the key) or
    "passphrase" (you are asked); `sidelong inbox encrypt` encrypts what is there already."""
    keep_days: int | None = None
    """Days that messages are kept; without it, until you wipe them."""
    people: tuple[str, ...] = ()
    """Whose messages interrupt, whatever they are about; names as the messages have them."""
    groups: tuple[str, ...] = ()
    """Groups whose messages interrupt; names as the groups have them."""
    quiet: str = ""
    """Hours in which nothing interrupts but what is urgent from the people above, like
    "22:00-07:00"; empty, there are none."""
    interruptions: int = 6
    """Interruptions in any hour at most; what comes on top waits for a pause."""
    batch: int = 30
    """Minutes after which what waits for a pause is shown although none came."""
    activity: Activity = "walking"
    """What you do until you say otherwise ("riding", "walking", "seated"): riding, little
    interrupts, and at most 12 words of a card are spoken; walking, one line; seated, a card."""
    learn: bool = True
    """Learn when to interrupt from what you answer and dismiss, on this machine."""
    voice: bool = False
    """Whether `sidelong run` listens and speaks."""
    microphone: str | None = None
    """Its name or number (`sidelong voice devices`), "page" for the browser page's, or a WAV file
    that is played in its place; without it, the default."""
    loudspeaker: str | None = None
    """Its name or number, or a WAV file that is written in its place; without it, the default."""
    recogniser: str | None = None
    """"pocketsphinx", which knows commands only, or the name of a fetched model (`sidelong voice
    list`); without it, a fetched one where there is one."""
    speech: str | None = None
    """What speaks: a fetched Piper voice's name, or a voice of espeak-ng, like "en-gb"; without it,
    a fetched voice where there is one."""

    @property
    def quiet_hours(self) -> tuple[dt.time, dt.time] | None:
        """When quiet begins and ends, which may be on the next day. Raises `SettingsError`."""
        if not self.quiet:
            return None
        try:
            start, end = (dt.time.fromisoformat(part.strip()) for part in self.quiet.split("-"))
            if start == end or start.tzinfo or end.tzinfo:
                raise ValueError
        except ValueError:
            problem = f'quiet can\'t be {self.quiet!r}; write two times, like "22:00-07:00"'
            raise SettingsError(problem) from None
        return start, end

    def __post_init__(self) -> None:
        _ = self.quiet_hours
        if self.batch > MOST_MINUTES:
            raise SettingsError(f"batch is {MOST_MINUTES} minutes at most")
        if max(self.countdown, self.undo) > MOST_SECONDS:
            raise SettingsError(f"countdown and undo are {MOST_SECONDS} seconds at most")
        if not LEAST_CONTEXT <= self.context <= MOST_CONTEXT:
            wanted = f"from {LEAST_CONTEXT} to {MOST_CONTEXT} tokens"
            raise SettingsError(f"context can't be {self.context}; it is {wanted}")
        if self.threads is not None and self.threads > cores():
            # More only wait for each other; with 1,000 llama.cpp ends the process.
            raise SettingsError(
                f"threads can't be {self.threads}; this machine has {cores()} cores"
            )


def settings_path() -> Path:
    """Where the settings are read from."""
    return platformdirs.user_config_path("sidelong", appauthor=False) / "settings.toml"


def load_settings(path: Path | None = None) -> Settings:
    """The settings at `path`, or the defaults where there is no such file.

    Raises `SettingsError` for a file that isn't TOML, an unknown setting, a wrong type, or a number
    that is out of range.
    """
    path = path or settings_path()
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        return Settings()
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"{path}: not readable as TOML: {error}") from error
    hints = typing.get_type_hints(Settings)
    for name, value in values.items():
        if name not in hints:
            known = ", ".join(hints)
            raise SettingsError(f"{path}: no setting is called {name!r}; there are {known}")
        if not _fits(value, hints[name]):
            raise SettingsError(f"{path}: {name} can't be {value!r}; it is {_words(hints[name])}")
    try:
        for name, value in values.items():
            values[name] = tuple(value) if isinstance(value, list) else value
        return Settings(**values)
    except SettingsError as error:
        raise SettingsError(f"{path}: {error}") from error


EXAMPLES: dict[str, object] = {
    "me": "Anna",
    "model": "sidelong-118m",
    "threads": 1,
    "date_order": "dmy",
    "connector": "replay",
    "apps": ["Signal", "WhatsApp"],
    "keep_days": 30,
    "people": ["Mum", "Ben"],
    "groups": ["Climbing"],
    "quiet": "22:00-07:00",
    "microphone": "page",
    "loudspeaker": "answers.wav",
    "recogniser": "pocketsphinx",
    "speech": "en-gb",
}
"""What a settings file shows of those whose default is nothing."""


def settings_file() -> str:
    """A settings file in which every setting is explained and none is set.

    The explanations are the docstrings of `Settings`, so that they can't drift from it.
    """
    (definition,) = ast.parse(inspect.getsource(Settings)).body
    assert isinstance(definition, ast.ClassDef)
    said: dict[str, str] = {}
    for setting, doc in itertools.pairwise(definition.body):
        if isinstance(setting, ast.AnnAssign) and isinstance(doc, ast.Expr):
            said[ast.unparse(setting.target)] = ast.literal_eval(doc.value)
    parts = [
        "# Sidelong's settings. Without its #, a line counts; it shows the default or an example.\n"
    ]
    for field in fields(Settings):
        comment = " ".join(said[field.name].split())
        value = EXAMPLES.get(field.name, field.default)
        lines = textwrap.wrap(comment, 98, initial_indent="# ", subsequent_indent="# ")
        parts.append("\n".join([*lines, f"# {field.name} = {json.dumps(value)}"]) + "\n")
    return "\n".join(parts)


def _fits(value: object, hint: object) -> bool:
    """Whether a TOML value has the type of a setting."""
    if isinstance(hint, types.UnionType) or typing.get_origin(hint) is typing.Union:
        return any(_fits(value, one) for one in typing.get_args(hint))
    if typing.get_origin(hint) is Literal:
        return value in typing.get_args(hint)
    if hint is int:
        return isinstance(value, int) and not isinstance(value, bool) and value > 0
    if hint == tuple[str, ...]:
        return isinstance(value, list) and all(isinstance(one, str) for one in value)
    return isinstance(hint, type) and isinstance(value, hint)


def _words(hint: object) -> str:
    """A type as people say it."""
    if hint == tuple[str, ...]:
        return "a list of texts in quotes"
    if typing.get_origin(hint) is Literal:
        return " or ".join(map(repr, typing.get_args(hint)))
    options = [o for o in typing.get_args(hint) if o is not type(None)]
    if options:
        return " or ".join(map(_words, options))
    said = {int: "a whole number above 0", str: "a text in quotes", bool: "true or false"}
    return said.get(typing.cast(type, hint), "")


def default_data_dir() -> Path:
    """Sidelong's folder among the wearer's own data. Not made here."""
    return platformdirs.user_data_path("sidelong", appauthor=False)
