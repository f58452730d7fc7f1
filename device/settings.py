"""The wearer's settings: one TOML file, typed.

It lies where the platform keeps settings (`sidelong doctor` prints the path) and need not exist;
the command line overrides it.
"""

from __future__ import annotations

import ast
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

from device.errors import SettingsError

EngineName = Literal["llama", "onnx"]
DateOrder = Literal["dmy", "mdy", "ymd"]
ConnectorName = Literal["replay", "matrix"]
DisplayName = Literal["terminal", "web"]

LEAST_CONTEXT = 768
"""Tokens that hold the longest opening of a conversation, some of its last message, and what the
writer keeps free behind them."""
MOST_CONTEXT = 2**20
"""As far as any model has been trained; llama.cpp counts in 32 bits."""
MOST_THREADS = 512
"""With more llama.cpp ends the process."""

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
    """CPU threads; without it, one a core."""
    context: int = 2048
    """Tokens of a conversation that are read at most."""
    date_order: DateOrder | None = None
    """Order of day and month in exports; without it, found from the file."""
    connector: ConnectorName | None = None
    """Where `sidelong run` takes messages from, if it isn't told."""
    display: DisplayName = "terminal"
    """Where `sidelong run` shows them: "terminal", or "web", a page in the browser."""
    countdown: int = 3
    """Seconds between the wearer's "send" and the sending."""
    undo: int = 30
    """Seconds in which "undo" takes a sent message back, where that is possible."""

    def __post_init__(self) -> None:
        if max(self.countdown, self.undo) > MOST_SECONDS:
            raise SettingsError(f"countdown and undo are {MOST_SECONDS} seconds at most")
        if not LEAST_CONTEXT <= self.context <= MOST_CONTEXT:
            wanted = f"from {LEAST_CONTEXT} to {MOST_CONTEXT} tokens"
            raise SettingsError(f"context can't be {self.context}; it is {wanted}")
        if self.threads is not None and self.threads > MOST_THREADS:
            raise SettingsError(
                f"threads can't be {self.threads}; there are {MOST_THREADS} at most"
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
        values = tomllib.loads(path.read_text(encoding="utf-8"))
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
        return Settings(**values)
    except SettingsError as error:
        raise SettingsError(f"{path}: {error}") from error


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
    hints = typing.get_type_hints(Settings)
    parts = [
        "# Sidelong's settings. Without its #, a line counts; it shows the default or an example.\n"
    ]
    for field in fields(Settings):
        comment = " ".join(said[field.name].split())
        value = field.default if field.default is not None else _example(hints[field.name])
        lines = textwrap.wrap(comment, 98, initial_indent="# ", subsequent_indent="# ")
        parts.append("\n".join([*lines, f"# {field.name} = {json.dumps(value)}"]) + "\n")
    return "\n".join(parts)


def _example(hint: object) -> str | int:
    """Some value that a setting without a default may have."""
    (kind, *_) = (one for one in typing.get_args(hint) if one is not type(None))
    if typing.get_origin(kind) is Literal:
        return typing.cast(str, typing.get_args(kind)[0])
    return 4 if kind is int else "..."


def _fits(value: object, hint: object) -> bool:
    """Whether a TOML value has the type of a setting."""
    if isinstance(hint, types.UnionType) or typing.get_origin(hint) is typing.Union:
        return any(_fits(value, one) for one in typing.get_args(hint))
    if typing.get_origin(hint) is Literal:
        return value in typing.get_args(hint)
    if hint is int:
        return isinstance(value, int) and not isinstance(value, bool) and value > 0
    return isinstance(hint, type) and isinstance(value, hint)


def _words(hint: object) -> str:
    """A type as people say it."""
    if typing.get_origin(hint) is Literal:
        return " or ".join(map(repr, typing.get_args(hint)))
    options = [o for o in typing.get_args(hint) if o is not type(None)]
    if options:
        return " or ".join(map(_words, options))
    return {int: "a whole number above 0", str: "a text in quotes"}.get(typing.cast(type, hint), "")


def default_data_dir() -> Path:
    """Sidelong's folder among the wearer's own data. Not made here."""
    return platformdirs.user_data_path("sidelong", appauthor=False)
