"""Telegram Desktop's `result.json`: one chat ("Export chat history") or a whole account.

    one chat  {"name": "Ben", "type": "personal_chat", "id": 17, "messages": [...]}
    account   {"personal_information": {"user_id": 4, ...}, "chats": {"list": [<chat>, ...]}, ...}

The format is what Telegram Desktop's export_output_json.cpp writes. `date` is the local time of the
computer that made the export. Chats the wearer has left ("left_chats") are not read, and neither
are service lines other than calls (who joined, new titles, pins).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from device.connectors.reading import first_unread, is_int, pick_me, silent_name
from device.connectors.telegram_text import Fields, shown
from device.errors import InputError
from device.messages import Message, Thread

_UNNAMED = {"saved_messages": "Saved Messages", "replies": "Replies"}
_DELETED_ACCOUNT = "Deleted Account"
"""What Telegram itself calls somebody whose account is gone; the export says null."""


def is_export(document: object) -> bool:
    """Whether a JSON value is a Telegram export of either kind."""
    if not isinstance(document, dict) or "me" in document:
        return False
    one_chat = isinstance(document.get("messages"), list) and "type" in document
    return one_chat or "chats" in document or "left_chats" in document


def read_export(
    document: Fields, path: Path, me: str | None = None, unread: int | None = None
) -> Iterator[Thread | InputError]:
    """The chats of an export in its order, or what is wrong with one of several.

    Chats without a message are left out. An account's export names its owner, and a chat of two
    names the other one by the chat's id; in a group exported alone only `me` can tell. Raises
    `InputError` where there is nothing to read or the only chat can't be read.
    """
    if "messages" in document:
        yield _thread(document, path, me, None, unread)
        return
    chats = document.get("chats")
    found = chats.get("list") if isinstance(chats, dict) else None
    if not isinstance(found, list):
        raise InputError(
            "an account's export without chats.list; export it again with the chats ticked", path
        )
    owner = _owner(document.get("personal_information"), found, me)
    threads = 0
    for number, chat in enumerate(found, start=1):
        if isinstance(chat, dict) and chat.get("messages") == []:
            continue
        try:
            thread = _thread(chat, path, me, owner, unread)
        except _NoMessages:
            continue
        except InputError as error:
            name = chat.get("name") if isinstance(chat, dict) else None
            threads += 1
            yield InputError(f"chat {number} ({name or 'without a name'}): {error.problem}", path)
        else:
            threads += 1
            yield thread
    if not threads:
        raise _NoMessages("holds no messages; export it again with the chats ticked", path)


class _NoMessages(InputError):
    """A chat in which nobody has written anything."""


@dataclass(frozen=True, slots=True)
class _Owner:
    """Whose account it is."""

    id: str
    """As in `from_id`: "user4"."""
    name: str | None


def _owner(info: object, chats: list[object], me: str | None) -> _Owner | None:
    """By `personal_information`, by "Saved Messages", whose id is the owner's own, or by `me`, who
    wrote in any of the chats and is silent in the others."""
    if isinstance(info, dict) and is_int(info.get("user_id")):
        parts = (info.get("first_name"), info.get("last_name"))
        name = " ".join(part.strip() for part in parts if isinstance(part, str) and part.strip())
        return _Owner(f"user{info['user_id']}", name or None)
    for chat in chats:
        if isinstance(chat, dict) and chat.get("type") == "saved_messages" and "id" in chat:
            return _Owner(f"user{chat['id']}", None)
    ids = {
        m["from_id"]
        for c in chats
        if isinstance(c, dict) and isinstance(c.get("messages"), list)
        for m in c["messages"]
        if isinstance(m, dict) and me and m.get("from") == me and isinstance(m.get("from_id"), str)
    }
    return _Owner(ids.pop(), me) if len(ids) == 1 else None


def _thread(
    chat: object, path: Path, me: str | None, owner: _Owner | None, unread: int | None
) -> Thread:
    """One chat. Raises `InputError`."""
    if not isinstance(chat, dict):
        raise InputError("a chat must be a JSON object", path)
    kind, id_, found = chat.get("type"), chat.get("id"), chat.get("messages")
    if not isinstance(kind, str) or not is_int(id_) or not isinstance(found, list):
        raise InputError("a chat must have a type, a whole number as id and a list messages", path)
    if isinstance(chat.get("name"), str) and chat["name"].strip():
        title: str | None = chat["name"]
    else:
        title = _UNNAMED.get(kind, _DELETED_ACCOUNT if kind == "personal_chat" else None)
    names = _Names()
    messages = _unique(
        m
        for i, fields in enumerate(found)
        if (m := _message(fields, f"messages[{i}]", names, path))
    )
    if not messages:
        raise _NoMessages(f"the chat {title or id_} holds no messages", path)
    one_to_one = kind in ("personal_chat", "bot_chat")
    mine = _wearer(me, owner, names, f"user{id_}" if one_to_one else None, path)
    space = "channel" if "channel" in kind or "supergroup" in kind else "chat"
    return Thread(
        id=f"telegram:{space if 'group' in kind or 'channel' in kind else 'user'}{id_}",
        me=mine,
        messages=messages,
        title=title,
        is_group=kind.endswith(("group", "channel")),
        unread_from=first_unread(messages, mine, unread),
    )


def _unique(messages: Iterable[Message]) -> tuple[Message, ...]:
    """The same messages; an id that came before is none, or the inbox would keep only the first."""
    seen: set[str | None] = set()
    kept = []
    for message in messages:
        kept.append(replace(message, id=None) if message.id in seen else message)
        seen.add(message.id)
    return tuple(kept)


class _Names:
    """The senders' names, one for each `from_id`: two people called Alex are two people."""

    def __init__(self) -> None:
        self.by_id: dict[str, str] = {}

    def of(self, id_: object, name: object) -> str:
        plain = name.strip() if isinstance(name, str) else ""
        plain = plain or _DELETED_ACCOUNT
        key = str(id_ if id_ is not None else plain)
        # Before 2021 `from_id` was the bare number of a user.
        key = f"user{key}" if is_int(id_) else key
        if key not in self.by_id:
            taken, count = set(self.by_id.values()), 2
            unique = plain
            while unique in taken:
                unique, count = f"{plain} ({count})", count + 1
            self.by_id[key] = unique
        return self.by_id[key]


def _wearer(
    me: str | None, owner: _Owner | None, names: _Names, other: str | None, path: Path
) -> str:
    """The wearer's name in this chat; `other` is the `from_id` of whom a chat of two is with."""
    people = list(names.by_id.values())
    if owner:
        return names.by_id.get(owner.id) or _unlike(owner.name or me, people)
    rest = [name for id_, name in names.by_id.items() if id_ != other]
    if other is not None and me not in people:
        if not rest:
            return _unlike(me, people)
        if me is None and len(rest) == 1:
            return rest[0]
    return pick_me(me, people, path)


def _unlike(name: str | None, people: list[str]) -> str:
    """The name of a wearer who wrote nothing, if nobody else has it."""
    return name if name and name != "-" and name not in people else silent_name(people)


def _message(fields: object, where: str, names: _Names, path: Path) -> Message | None:
    """A message, or None for a service line. Raises `InputError`."""
    if not isinstance(fields, dict) or not is_int(fields.get("id")):
        raise InputError(f"{where} must be a JSON object with a whole number as id", path)
    id_, kind = fields["id"], fields.get("type")
    if kind == "unsupported":
        # Telegram says no more than that there was one.
        return Message("Unknown", "[unsupported message]", id=str(id_))
    if kind not in ("message", "service"):
        raise InputError(f"message {id_}: type must be message or service, not {kind!r}", path)
    text = shown(fields)
    if text is None:
        return None
    role = "actor" if kind == "service" else "from"
    sender = names.of(fields.get(f"{role}_id"), fields.get(role))
    try:
        moment = dt.datetime.fromisoformat(fields["date"])
    except (KeyError, TypeError, ValueError) as error:
        found = fields.get("date")
        raise InputError(
            f"message {id_}: date must be like 2025-03-31T18:04:05, not {found!r}", path
        ) from error
    time = dt.time(moment.hour, moment.minute)
    return Message(sender, text, time, moment.date(), str(id_))
