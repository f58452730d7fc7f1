"""The packets of the Even G1.

Their layout is the one that the maker published with its EvenDemoApp (github.com/even-realities/
EvenDemoApp: README.md, lib/services/proto.dart and evenai_proto.dart):

    text          4E seq total index screen position(2) page pages + UTF-8
    notification  4B id total index + JSON, to the left arm only
    white list    04 total index + JSON, to the left arm only: whose notifications are shown
    exit          18

`index` counts from 0, `page` from 1; `position` is big-endian. `screen` 71 is "new content, show
text". The other way come F5 01 (one tap: a page back on the left arm, on on the right), F5 00 (two
taps: close), and to each packet its first byte with C9 or CB (taken) or CA (not taken).
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator, Sequence
from typing import Any

from device.errors import DisplayError

TEXT, NOTIFICATION, WHITE_LIST, EXIT, EVENT = 0x4E, 0x4B, 0x04, 0x18, 0xF5
TAP, DOUBLE_TAP = 0x01, 0x00
TAKEN = (0xC9, 0xCB)
SHOW_TEXT = 0x71
TEXT_BYTES, NOTIFICATION_BYTES, WHITE_LIST_BYTES = 191, 176, 177
"""What a packet carries behind its header at most."""
APP_ID, APP_NAME = "sidelong", "Sidelong"
"""As whom we are known to the glasses."""


def text_packets(text: str, sequence: int, page: int = 1, pages: int = 1) -> list[bytes]:
    """A screen of text, its lines divided by "\\n". `sequence` may grow without end.

    Raises `DisplayError` for more than the 255 packets that can be counted.

    >>> text_packets("◇ hi", 7)[0].hex(" ")
    '4e 07 01 00 71 00 00 01 01 e2 97 87 20 68 69'
    """
    chunks = list(_chunks(text, TEXT_BYTES))
    tail = bytes([SHOW_TEXT, 0, 0, min(page, 255), min(pages, 255)])
    return [
        bytes([TEXT, sequence & 0xFF, total, index]) + tail + chunk
        for total, index, chunk in _counted(chunks)
    ]


def notification_packets(number: int, title: str, message: str, when: dt.datetime) -> list[bytes]:
    """What the glasses show in their own way and keep in their list of notifications."""
    fields = {
        "msg_id": number,
        "app_identifier": APP_ID,
        "title": title,
        "subtitle": "",
        "message": message,
        "time_s": int(when.timestamp()),
        "date": when.strftime("%Y-%m-%d %H:%M:%S"),
        "display_name": APP_NAME,
    }
    chunks = list(_chunks(_json({"ncs_notification": fields}), NOTIFICATION_BYTES))
    return [
        bytes([NOTIFICATION, number & 0xFF, total, index]) + chunk
        for total, index, chunk in _counted(chunks)
    ]


def white_list_packets() -> list[bytes]:
    """Asks the glasses to show our notifications. It replaces the list that they had."""
    names = ("calendar_enable", "call_enable", "msg_enable", "ios_mail_enable")
    app = {"list": [{"id": APP_ID, "name": APP_NAME}], "enable": True}
    chunks = list(_chunks(_json(dict.fromkeys(names, False) | {"app": app}), WHITE_LIST_BYTES))
    return [bytes([WHITE_LIST, total, index]) + chunk for total, index, chunk in _counted(chunks)]


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _chunks(text: str, most: int) -> Iterator[bytes]:
    """The UTF-8 of a text in pieces of at most `most` bytes, no character divided."""
    piece = b""
    for char in map(str.encode, text):
        if len(piece) + len(char) > most:
            yield piece
            piece = b""
        piece += char
    yield piece


def _counted(chunks: Sequence[bytes]) -> Iterator[tuple[int, int, bytes]]:
    """(how many there are, which this is, the chunk)."""
    if len(chunks) > 255:
        raise DisplayError(f"Even G1: a text of {len(chunks)} packets is too long; it takes 255")
    return ((len(chunks), index, chunk) for index, chunk in enumerate(chunks))
