"""WhatsApp's "Export chat" as a conversation: whose it is, who the wearer is, which messages stay.

`whatsapp_lines` reads the file's lines, `whatsapp_text` what each message shows.

A message's id comes from the date as written, the minute, the sender, the text, and how many equal
ones stand before it. So it stays when the export grows, begins elsewhere or is made with or without
media, and two people of one name are told apart by what they wrote. The text of a message that was
edited or deleted since is a new one; the inbox keeps both.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from device.connectors.reading import NOBODY, first_unread, pick_me, silent_name
from device.connectors.whatsapp_lines import Entry, read_entries
from device.connectors.whatsapp_text import (
    is_encryption_notice,
    missed_call,
    shown,
    speaks_of_group,
)
from device.connectors.whatsapp_words import LRM
from device.errors import InputError
from device.messages import Message, Thread
from device.settings import DateOrder
from device.text import clean

ID = "whatsapp:"
"""Stands before the title, or the first message's id, to make a conversation's id."""
_TITLE = re.compile(r"WhatsApp\S*(?: \S+)? (?:with|mit|con|avec|com|-) (.+)|(.+) के साथ WhatsApp")

_PLACEHOLDER = re.compile(r"^\[[^\]\n]+\]")
"""What stands for a file: "[photo]" where it came along, "[media]" where it didn't."""


def chat_title(names: Iterable[str]) -> str | None:
    """Whose chat it is by the name of its file: "WhatsApp Chat with Ben", "WhatsApp Chat - Ben".

    `names` are those of the file, its folder and its zip, without their endings.
    """
    for name in names:
        spaced = name if " " in name else name.replace("_", " ")
        found = _TITLE.search(unicodedata.normalize("NFC", clean(spaced)))
        if found:
            return re.sub(r" ?\([0-9]+\)$", "", found[1] or found[2]).strip()
    return None


def read_chat(
    text: str,
    path: Path,
    *,
    title: str | None = None,
    me: str | None = None,
    unread: int | None = None,
    date_order: DateOrder | None = None,
) -> list[InputError | Thread]:
    """The conversation in an export; before it, what is odd about its dates.

    `title` is as `chat_title` finds it.

    Without `me` the wearer is known only where the title names the other one of two. Raises
    `InputError` for what `read_entries` raises it for, for a chat without a message, and where it
    can't be told which name is the wearer's. A missed call without a sender (Android) counts as the
    other one's.
    """
    names = tuple(name for name in (title, me) if name)
    entries, odd = read_entries(text, path, names, date_order)
    # On iOS the chat "sends" its first notice under its own name; a person may quote it later on.
    by_app = entries[:3] + [e for e in entries[3:] if e.text.startswith(LRM)]
    notices = [e for e in by_app if e.sender and is_encryption_notice(e.text)]
    named = title or next((e.sender for e in notices), None)
    about_group = any(
        speaks_of_group(e.text)
        for e in entries
        if e.sender is None or (e.text.startswith(LRM) and shown(e.text) is None)
    )
    grouped = about_group or len({e.sender for e in entries} - {named, None}) > 1
    kept: list[tuple[Entry, str]] = []
    for e in entries:
        if e.sender is None:
            line = missed_call(e.text)
        else:
            line = shown(e.text, chat_speaks=grouped and e.sender == named)
        if line is not None and e not in notices:
            kept.append((e, line))
    if not kept:
        raise InputError("holds no message, only WhatsApp's own notices", path)

    people = list(dict.fromkeys(e.sender for e, _ in kept if e.sender))
    other = next((p for p in people if named and _same(p, named)), None)
    is_group = about_group or bool(named and len(people) == 2 and not other)
    mine = _wearer(me, people, None if is_group else other, path)
    is_group = is_group or len({*people, mine}) > 2
    rest = [p for p in people if p != mine]
    if not is_group:
        named = other or named or next(iter(rest), None)
    caller = rest[0] if rest and not is_group else named or "Unknown"
    messages = _messages(kept, caller)
    if not named and path.stem.strip("_-").casefold() not in ("", "chat"):
        named = clean(path.stem)
    thread = Thread(
        id=f"{ID}{named or messages[0].id}",
        me=mine,
        messages=messages,
        title=named,
        is_group=is_group,
        unread_from=first_unread(messages, mine, unread),
    )
    return [*odd, thread]


def _same(name: str, title: str) -> bool:
    """Whether a file's name, in which some characters can't stand, is this person's."""
    a, b = (unicodedata.normalize("NFKC", text).casefold() for text in (name, title))
    return a == b or "".join(filter(str.isalnum, a)) == "".join(filter(str.isalnum, b)) != ""


def _wearer(me: str | None, people: list[str], other: str | None, path: Path) -> str:
    """The wearer's name; `other` is who the chat is with where it is one with two people."""
    rest = [p for p in people if p != other]
    silent = not people or (other is not None and not rest)
    if silent and me not in people:
        return silent_name(people) if me in (None, NOBODY) else str(me)
    if me is None and other and len(rest) == 1:
        return rest[0]
    return pick_me(me, people, path)


def _messages(kept: list[tuple[Entry, str]], caller: str) -> tuple[Message, ...]:
    before: Counter[str] = Counter()
    messages = []
    for e, text in kept:
        sender = e.sender or caller
        # Without the tilde: a stranger who becomes a contact has written no new messages.
        said = _PLACEHOLDER.sub("[]", text)
        source = f"{e.numbers} {e.time} {sender.removeprefix('~')}: {said}"
        digest = hashlib.sha256(f"{source} {before[source]}".encode()).hexdigest()[:16]
        before[source] += 1
        messages.append(Message(sender, text, e.time, e.date, digest))
    return tuple(messages)
