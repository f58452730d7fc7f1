"""What the readers of exports share: who the wearer is, what is unread, JSON, polls."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TypeGuard

from device.errors import InputError
from device.messages import Message
from device.text import clean

NOBODY = "-"
"""`--me -`: the wearer wrote nothing in this chat."""
SILENT = "me"
"""The name of a wearer who wrote nothing, so that no message shows what they are called."""

_NAMES_SHOWN = 12


def filled_lines(text: str) -> Iterator[tuple[int, str]]:
    """(number from 1, line) of each line of JSON Lines; blank ones are skipped.

    Only a line feed ends one: U+2028 and others may stand in a JSON text.
    """
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            yield number, line


def pick_me(me: str | None, names: Sequence[str], path: Path | None = None) -> str:
    """Which of the chat's `names` is the wearer's, by what `--me` says.

    Upper and lower case and WhatsApp's "~" don't matter where that leaves one name. Raises
    `InputError` with the names there are when `me` is missing or none of them.
    """
    if me == NOBODY:
        return silent_name(names)
    if me is not None and me in names:
        return me
    listed = ", ".join(names[:_NAMES_SHOWN])
    if len(names) > _NAMES_SHOWN:
        listed += f" and {len(names) - _NAMES_SHOWN} more"
    listed += f" (or --me {NOBODY} if you wrote nothing in it)"
    if me is None:
        raise InputError(f"who are you in this chat? Say --me with one of: {listed}", path)
    alike = [name for name in names if _spelling(name) == _spelling(me)]
    if len(alike) == 1:
        return alike[0]
    guess = _closest(me, names)
    meant = f"; did you mean {guess!r}?" if guess else "."
    raise InputError(
        f"nobody called {me!r} wrote in this chat{meant} Say --me with one of: {listed}", path
    )


def _spelling(name: str) -> str:
    return name.lstrip("~ ").casefold()


def silent_name(names: Iterable[str]) -> str:
    """A name for a wearer who wrote nothing; nobody else's."""
    taken = set(names)
    name = SILENT
    while name in taken:
        name += " (you)"
    return name


def _closest(me: str, names: Sequence[str]) -> str | None:
    """The name that `me` was probably meant to be: nearly its spelling, or that of a part of it."""
    spellings = {
        part: name for name in names for part in (_spelling(name), *_spelling(name).split())
    }
    found = difflib.get_close_matches(me.casefold(), spellings, n=1)
    return spellings[found[0]] if found else None


def first_unread(messages: Sequence[Message], me: str, unread: int | None) -> int:
    """Index of the first unread message.

    With `unread` the last so many are unread. Otherwise all are that came after the wearer's last
    one: whoever answers has read what stands above.
    """
    if unread is not None:
        return max(0, len(messages) - unread)
    mine = (i for i in range(len(messages) - 1, -1, -1) if messages[i].sender == me)
    return next(mine, -1) + 1


def poll_line(question: str, options: Iterable[str]) -> str:
    """A poll as one line: "Poll: Pizza or sushi? Options: Pizza; Sushi".

    Without the votes: who asked never wrote them, and every export counts others.
    """
    question = " ".join(question.split())
    stop = "" if question.endswith(("?", "!", ".", "…", "？", "।")) else "."
    return f"Poll: {question}{stop} Options: {'; '.join(' '.join(o.split()) for o in options)}"


def is_int(value: object) -> TypeGuard[int]:
    """Whether a JSON value is a whole number; `true` is none."""
    return isinstance(value, int) and not isinstance(value, bool)


def parse_json(text: str) -> object:
    r"""The value a JSON text holds; lone surrogates, which no file can hold, become U+FFFD.

    Telegram Desktop writes control characters as `\x0C`, which is not JSON; they are read as meant.
    Raises `ValueError` (with `lineno` where it is a `json.JSONDecodeError`), also for a text that
    is nested too deeply.
    """
    try:
        try:
            value: object = json.loads(text, strict=False)
        except json.JSONDecodeError:
            if "\\x" not in text:
                raise
            value = json.loads(_BACKSLASHED.sub(_as_json_escape, text), strict=False)
        return _joined(value) if _SURROGATE.search(text) else value
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


_BACKSLASHED = re.compile(r"\\(?:x([0-9a-fA-F]{2})|.)", re.DOTALL)
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


def _as_json_escape(match: re.Match[str]) -> str:
    return rf"\u00{match[1]}" if match[1] else match[0]


def _joined(value: object) -> object:
    """The same value with every text `clean`."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, list):
        return [_joined(item) for item in value]
    if isinstance(value, dict):
        return {_joined(key): _joined(item) for key, item in value.items()}
    return value
