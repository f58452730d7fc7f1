"""Reading what people have: chat exports of WhatsApp and Telegram, and threads as JSON Lines."""

from __future__ import annotations

import json
import os
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from device.connectors import jsonl, telegram, whatsapp
from device.connectors.reading import parse_json
from device.connectors.whatsapp_lines import is_chat
from device.connectors.whatsapp_words import MARKS
from device.errors import InputError
from device.messages import Thread
from device.settings import DateOrder
from device.text import clean

LARGEST_CHAT = 64 * 1024 * 1024
"""Bytes that a chat in a zip may unpack to; WhatsApp exports at most 40,000 messages, some 5 MB."""
LARGEST_FILE = 512 * 1024 * 1024
"""Bytes of a file that isn't zipped, or that all chats of a zip unpack to; a Telegram account of
many years has some 100 MB."""

STDIN = Path("-")
"""Stands for what is piped into the program."""

KNOWN = (
    "WhatsApp's 'Export chat' (.txt or .zip), Telegram Desktop's result.json, "
    "and JSON Lines with one thread a line"
)

_TELEGRAM = re.compile(
    r'\s*\{\s*"(?:(?:about|personal_information)"|name":\s*(?:"[^"]*"|null),\s*"type":)'
)
"""How an export begins, however it goes on: some tools write it as one line."""
_JSON_LIST = re.compile(r"\s*\[\s*\{")
_ZIP = (b"PK\x03\x04", b"PK\x05\x06")


def read_threads(
    path: Path,
    *,
    me: str | None = None,
    usual_me: str | None = None,
    unread: int | None = None,
    date_order: DateOrder | None = None,
) -> Iterator[Thread | InputError]:
    """The conversations in a file, in its order.

    The format is told by the content, not by the name; `STDIN` is what is piped in. `me` is the
    wearer's name ("-": none of those in it) and holds against what a line of JSON Lines says;
    without it `usual_me` is taken where the file doesn't say it. `unread` is how many of the last
    messages are unread (by default those after the wearer's last one), `date_order` that of
    WhatsApp's dates.

    One bad thread among several is yielded as an `InputError` in its place, and what is odd about a
    chat's dates as one before it. Raises `InputError` at
    once for what concerns the whole file: missing, a directory, empty, no known format, not UTF-8
    or UTF-16, or its only conversation can't be read.
    """
    if unread is not None and unread < 0:
        raise InputError(f"--unread counts messages and can't be {unread}")
    me = me and clean(me)
    named = me or usual_me
    data = _bytes(path)
    if data is None and path == STDIN:
        raise InputError("a zip, which no pipe can bring; save it as a file first", path)
    if data is None:
        return _started(_zipped(path, named, unread, date_order))
    text = _decoded(data, path)
    start = text.strip(MARKS + " \t\r\n\0")[:5].lower()
    if not start:
        raise InputError("the file is empty; export the chat again", path)
    if start.startswith("{"):
        return _json(text, path, me, named, unread)
    if is_chat(text):
        names = [] if path == STDIN else [path.stem, path.absolute().parent.name]
        title = whatsapp.chat_title(names)
        return iter(
            whatsapp.read_chat(
                text, path, title=title, me=named, unread=unread, date_order=date_order
            )
        )
    if _JSON_LIST.match(text):
        raise InputError("a JSON list; write each thread on a line of its own, without [ ]", path)
    if '\n{"' in text:  # JSON Lines whose first line is broken
        return jsonl.read_lines(text, path, me, unread)
    if start.startswith(("<!doc", "<html")):
        raise InputError(
            "a web page; export the chat again and choose JSON as the format instead of HTML", path
        )
    raise InputError(f"not a chat that Sidelong knows: it reads {KNOWN}", path)


def read_text(path: Path) -> str:
    """A whole text file. Raises `InputError`, also for a zip."""
    data = _bytes(path)
    if data is None:
        raise InputError("a zip; unpack it and name the file in it", path)
    return _decoded(data, path)


def _bytes(path: Path) -> bytes | None:
    """The file; None for a zip, which may hold gigabytes of photos beside the chat."""
    try:
        with open(0, "rb", closefd=False) if path == STDIN else path.open("rb") as file:
            start = file.read(4)
            if start in _ZIP:
                return None
            # A pipe or device has no size, and may have no end.
            size = os.fstat(file.fileno()).st_size or LARGEST_FILE
            data = start + file.read(min(size, LARGEST_FILE))
    except FileNotFoundError as error:
        raise InputError("there is no such file", path) from error
    except IsADirectoryError as error:
        names = ("_chat.txt", "result.json")
        inside = next((name for name in names if (path / name).is_file()), None)
        hint = f"{path / inside}" if inside else "the file in it"
        raise InputError(f"is a directory; name {hint} instead", path) from error
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise InputError(f"can't be read: {reason}", path) from error
    if len(data) > LARGEST_FILE:
        limit = LARGEST_FILE // 1024**2
        raise InputError(f"more than {limit} MB; export single chats instead", path)
    return data


def _decoded(data: bytes, path: Path) -> str:
    wide = data.startswith((b"\xff\xfe", b"\xfe\xff"))
    try:
        text = data.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError as error:
        if wide:
            raise InputError("says it is UTF-16 and isn't; save it as UTF-8", path) from error
        line = data.count(b"\n", 0, error.start) + 1
        byte = data[error.start]
        raise InputError(
            f"not a text in UTF-8 (byte 0x{byte:02X}); export it again or save it as UTF-8",
            path,
            line,
        ) from error
    return text if "\n" in text else text.replace("\r", "\n")  # as old Macs end lines


def _json(
    text: str, path: Path, me: str | None, named: str | None, unread: int | None
) -> Iterator[Thread | InputError]:
    """A JSON text is a Telegram export if it is one document, and else JSON Lines."""
    first = text.lstrip().partition("\n")[0].strip()
    try:
        document = parse_json(text)
    except ValueError as error:
        # Telegram writes its opening bracket on a line of its own, JSON Lines never does.
        if first != "{" and not _TELEGRAM.match(text):
            return jsonl.read_lines(text, path, me, unread)
        line = error.lineno if isinstance(error, json.JSONDecodeError) else None
        problem = error.msg if isinstance(error, json.JSONDecodeError) else str(error)
        raise InputError(f"broken JSON: {problem}; export the chat again", path, line) from error
    if isinstance(document, dict) and telegram.is_export(document):
        threads = telegram.read_export(document, path, named, unread)
        return _started(threads)
    if first == "{":
        raise InputError(f"JSON of another kind: Sidelong reads {KNOWN}", path)
    return jsonl.read_lines(text, path, me, unread)


def _started(threads: Iterator[Thread | InputError]) -> Iterator[Thread | InputError]:
    """The same threads; what is wrong with the whole file is raised here and now."""
    first = next(threads)

    def all_of_them() -> Iterator[Thread | InputError]:
        yield first
        yield from threads

    return all_of_them()


def _zipped(
    path: Path, me: str | None, unread: int | None, date_order: DateOrder | None
) -> Iterator[Thread | InputError]:
    """The chats in a zip of WhatsApp's: one, or those that somebody packed together."""
    try:
        archive = zipfile.ZipFile(path)
    except Exception as error:  # as in `_unpacked`
        advice = "export the chat again" if path.is_file() else "save it as a file first"
        raise InputError(f"a damaged zip ({error}); {advice}", path) from error
    with archive:
        members = _chats(archive.infolist(), path.stem)
        if not members:
            problem = "a zip without a chat: neither _chat.txt nor 'WhatsApp Chat ...'"
            raise InputError(problem, path)
        left = LARGEST_FILE
        for member in members:
            if left < 0:
                limit = LARGEST_FILE // 1024**2
                problem = f"unpacks to more than {limit} MB; unpack it and read single chats"
                raise InputError(problem, path)
            inside = Path(f"{path}/{member.filename}")
            parts = PurePosixPath(member.filename)
            title = whatsapp.chat_title([parts.stem, parts.parent.name, path.stem])
            try:
                data = _unpacked(archive, member, inside)
                left -= len(data)
                text = _decoded(data, inside)
                if not text.strip():
                    raise InputError("the file is empty; export the chat again", inside)
                yield from whatsapp.read_chat(
                    text,
                    inside,
                    title=title,
                    me=me,
                    unread=unread,
                    date_order=date_order,
                )
            except InputError as error:
                if len(members) == 1:
                    raise
                yield error


def _chats(members: list[zipfile.ZipInfo], stem: str) -> list[zipfile.ZipInfo]:
    """The chats among all that is in a zip; a text that was sent in the chat is none."""
    paths = [(PurePosixPath(m.filename), m) for m in members if not m.is_dir()]
    texts = [
        (p, m)
        for p, m in paths
        if p.suffix.lower() == ".txt" and "__MACOSX" not in p.parts and p.name[:2] != "._"
    ]
    own = [m for p, m in texts if p.name == "_chat.txt"] or [m for p, m in texts if p.stem == stem]
    named = own or [m for p, m in texts if whatsapp.chat_title([p.stem])]
    return named or ([texts[0][1]] if len(texts) == 1 else [])


def _unpacked(archive: zipfile.ZipFile, member: zipfile.ZipInfo, inside: Path) -> bytes:
    if member.flag_bits & 1:
        raise InputError("the zip has a password; unpack it and read the text file", inside)
    try:
        with archive.open(member) as stream:
            # The size that the zip claims may be a lie, so no more than this is ever unpacked.
            data = stream.read(LARGEST_CHAT + 1)
    except Exception as error:  # zipfile has a dozen kinds for what is damaged or unknown to it
        raise InputError(f"can't be unpacked ({error}); export the chat again", inside) from error
    if len(data) > LARGEST_CHAT:
        limit = LARGEST_CHAT // 1024**2
        raise InputError(f"unpacks to more than {limit} MB, which no chat does", inside)
    return data
