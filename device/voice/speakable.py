"""Written text -> text to be read aloud: links, emoji, times, sums, marks; then into sentences."""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import urlsplit

_URL = re.compile(r"(?:https?://|www\.)\S+")
_MAIL = re.compile(r"(\w[\w.+-]*)@(\w[\w-]*(?:\.\w[\w-]*)+)")
_TIME = re.compile(r"\b([01]?\d|2[0-3]):([0-5]\d)(?!\d)(\s?[ap]\.?m\b\.?)?", re.I)
_SUM = re.compile(r"([$€£])\s?(\d[\d,]*)(?:\.(\d\d))?")
_SENTENCE = re.compile(r"(?<=[.!?…;])\s+|\s+/\s+")
_CURRENCY = {"$": "dollars", "€": "euros", "£": "pounds"}
_PLAIN = str.maketrans({"“": '"', "”": '"', "’": "'", "…": ",", "&": " and ", "_": " ", "*": ""})
CHUNK_CHARS = 160
"""The longest piece that is spoken in one go: the first sound comes that much earlier."""


def speakable(text: str) -> str:
    """`text` as it is to be read aloud.

    >>> speakable("see https://www.example.org/a?b=1 at 18:05 👍 for $12.50")
    'see a link to example.org at 18 oh 5, thumbs up, for 12 dollars 50'
    """
    text = _URL.sub(lambda m: _link(m[0]), text)
    text = _MAIL.sub(lambda m: f"{m[1]} at {m[2]}", text)
    text = _TIME.sub(_time, text)
    text = _SUM.sub(lambda m: f"{m[2]} {_CURRENCY[m[1]]}" + (f" {m[3]}" if m[3] else ""), text)
    text = "".join(map(_spoken, text.translate(_PLAIN)))
    text = re.sub(r"\s*(,\s*)+(?=[.!?,]|$)|^\s*,", "", text)
    text = re.sub(r"\s*,(\s*,)+", ",", text)
    return " ".join(text.replace(" ,", ",").split())


def sentences(text: str) -> list[str]:
    """Pieces to be spoken one after the other, none longer than `CHUNK_CHARS` if it has spaces.

    >>> sentences("Yes. At eight? Good!")
    ['Yes.', 'At eight?', 'Good!']
    """
    pieces = []
    for sentence in _SENTENCE.split(text):
        while len(sentence) > CHUNK_CHARS and " " in sentence[:CHUNK_CHARS]:
            head = sentence[:CHUNK_CHARS]
            at = head.rfind(", ") + 1 or head.rfind(" ")
            pieces.append(sentence[:at].strip())
            sentence = sentence[at:].strip()
        pieces.append(sentence.strip())
    return [piece for piece in pieces if piece]


def _link(url: str) -> str:
    bare = url.rstrip(".,;:!?)")
    host = urlsplit(bare if "://" in bare else f"http://{bare}").netloc.removeprefix("www.")
    return f"a link to {host or 'a page'}{url[len(bare) :]}"


def _time(match: re.Match[str]) -> str:
    hour, minute, half = match[1].lstrip("0") or "0", match[2], (match[3] or "").strip()
    if minute == "00":
        said = f"{hour} {half}" if half else f"{hour} o'clock"
    else:
        said = f"{hour} {'oh ' if minute[0] == '0' else ''}{minute.lstrip('0')} {half}"
    return said.strip()


def _spoken(char: str) -> str:
    """An emoji by its name; what has no sound, nothing."""
    category = unicodedata.category(char)
    if category == "So" or "\U0001f000" <= char <= "\U0001faff":
        name = unicodedata.name(char, "").lower().removesuffix(" sign")
        return f", {name}, " if name and "modifier" not in name else ""
    if category in ("Mn", "Me", "Cf", "Cc", "Co", "Cs", "Sk"):
        return " " if category == "Cc" else "" if category != "Mn" or char == "\ufe0f" else char
    return char
