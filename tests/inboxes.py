"""Made-up conversations, and looks into an inbox."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from device.inbox import Inbox
from device.messages import Message, Thread


def said(*texts: str, sender: str = "Anna", first: int = 0) -> tuple[Message, ...]:
    """Messages with the ids m0, m1 and so on, or from `first` on."""
    return tuple(Message(sender, text, id=f"m{first + i}") for i, text in enumerate(texts))


def chat(*messages: Message, thread: str = "t", title: str | None = None, read: int = 0) -> Thread:
    return Thread(thread, "Me", messages, title, unread_from=read)


def found(inbox: Inbox, query: str) -> list[str]:
    """The texts of what a search finds."""
    return [hit.message.text for hit in inbox.search(query)]


def check_sound(path: Path) -> None:
    """The database and its index of words are whole."""
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        db.execute("INSERT INTO words (words, rank) VALUES ('integrity-check', 1)")


def remains(folder: Path, *needles: str) -> list[str]:
    """Which of these texts stand in any file below a folder, in whatever case."""
    files = [f.read_bytes().lower() for f in folder.rglob("*") if f.is_file()]
    return [n for n in needles if any(n.lower().encode() in content for content in files)]
