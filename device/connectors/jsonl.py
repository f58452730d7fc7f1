"""Threads as JSON Lines: one conversation a line, UTF-8.

    {"id": "t1", "me": "Anna", "title": "Ben", "is_group": false, "unread_from": 1,
     "messages": [{"from": "Anna", "at": "18:02", "text": "home?"},
                  {"from": "Ben", "at": "2025-03-31T18:04", "text": "ten minutes"}]}

(on one line). `id`, `me` and `messages` must be there, in a message `from` and `text`; `at` is
HH:MM or ISO 8601, and a time with an offset becomes local time. Keys other than these are ignored,
and so is a blank title.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from device.connectors.reading import filled_lines, first_unread, is_int, parse_json, pick_me
from device.errors import InputError
from device.messages import Message, Thread


def read_lines(
    text: str, path: Path, me: str | None = None, unread: int | None = None
) -> Iterator[Thread | InputError]:
    """Each line's thread, or what is wrong with that line; blank lines are skipped.

    The line's own `me` and `unread_from` hold unless `me` and `unread` say otherwise.
    """
    for number, line in filled_lines(text):
        try:
            thread = thread_of(_record(line), me)
        except InputError as error:
            yield InputError(error.problem, path, number)
            continue
        if unread is not None:
            start = first_unread(thread.messages, thread.me, unread)
            thread = dataclasses.replace(thread, unread_from=start)
        yield thread


def thread_of(record: dict[str, Any], me: str | None = None) -> Thread:
    """The thread that one line's JSON object says.

    `me` takes the place of the object's own if somebody called so wrote in the thread, and may be
    "-" for nobody. Without `is_group` it is a group if more than two people are in it; without
    `unread_from` all is unread that came after the wearer's last message. Raises `InputError`,
    without a path, that names the key that is wrong.
    """
    found = record.get("messages")
    if not isinstance(found, list):
        raise InputError(f"messages must be a list, {_not(found)}")
    if not found:
        raise InputError("messages is empty; a thread needs at least one")
    messages = tuple(_message(message, f"messages[{i}]") for i, message in enumerate(found))
    senders = list(dict.fromkeys(m.sender for m in messages))
    own = me is None or me == record.get("me")
    me = _text(record, "me") if own else pick_me(me, senders)
    title = record.get("title")
    if title is not None and not isinstance(title, str):
        raise InputError(f"title must be a text, {_not(title)}")
    title = title if title and title.strip() else None
    is_group = record.get("is_group")
    if is_group is None:
        is_group = len({*senders, me}) > 2
    if not isinstance(is_group, bool):
        raise InputError(f"is_group must be true or false, {_not(is_group)}")
    start = record.get("unread_from")
    if start is None:
        start = first_unread(messages, me, None)
    if not is_int(start) or not 0 <= start <= len(messages):
        problem = f"unread_from must be a whole number from 0 to {len(messages)}, {_not(start)}"
        raise InputError(problem)
    return Thread(_text(record, "id"), me, messages, title, is_group, start)


def _record(line: str) -> dict[str, Any]:
    """The JSON object on a line."""
    try:
        record = parse_json(line)
    except json.JSONDecodeError as error:
        problem = f"not JSON: {error.msg} at character {error.colno}"
        raise InputError(f"{problem}; every line must hold one thread") from error
    except ValueError as error:
        raise InputError(f"not JSON: {error}") from error
    if not isinstance(record, dict):
        raise InputError(
            f'a line must hold one thread, {{"id": ..., "messages": [...]}}, {_not(record)}'
        )
    return record


def _message(fields: object, where: str) -> Message:
    if not isinstance(fields, dict):
        raise InputError(f"{where} must be an object with from, at and text, {_not(fields)}")
    date, time = _when(fields.get("at"), f"{where}.at")
    text = fields.get("text")
    if not isinstance(text, str):
        raise InputError(f"{where}.text must be a text, {_not(text)}")
    return Message(_text(fields, "from", f"{where}."), text, time, date)


def _text(fields: dict[str, Any], key: str, where: str = "") -> str:
    value = fields.get(key)
    if not isinstance(value, str) or not value.strip():
        raise InputError(f"{where}{key} must be a text that isn't empty, {_not(value)}")
    return value


_CLOCK = re.compile(r"([0-9]{1,2}):([0-9]{2})(?::[0-9]{2})?")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def _when(value: object, where: str) -> tuple[dt.date | None, dt.time | None]:
    """`at` as local date and time, to the minute."""
    if value is None:
        return None, None
    try:
        if not isinstance(value, str):
            raise ValueError
        if clock := _CLOCK.fullmatch(value):
            return None, dt.time(int(clock[1]), int(clock[2]))
        if _DATE.fullmatch(value):
            return dt.date.fromisoformat(value), None
        moment = dt.datetime.fromisoformat(value)
        if moment.tzinfo is not None:
            moment = moment.astimezone()
    except (ValueError, OverflowError, OSError) as error:
        asked = 'must be a time like "18:04" or "2025-03-31T18:04"'
        raise InputError(f"{where} {asked}, {_not(value)}") from error
    return moment.date(), moment.time().replace(second=0, microsecond=0, fold=0)


def _not(value: object) -> str:
    """ "not 7", "not a list", "but it is missing": what stands there instead."""
    if value is None:
        return "but it is missing"
    if isinstance(value, dict):
        return "not an object"
    if isinstance(value, list):
        return "not a list"
    shown = json.dumps(value, ensure_ascii=False)
    return f"not {shown if len(shown) <= 40 else shown[:39] + '…'}"
