"""Strangers' text made safe for a terminal, a display or a prompt."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

MESSAGE_CHARS = 2000
"""A longer message is read to here: a pasted book must not push the conversation out."""

MOST_MARKS = 8
"""Combining marks of any script in a row; Tibetan stacks have seven."""

_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200e\u200f\u202a-\u202e"
    "\u2060-\u206f\u3164\ufeff\uffa0\ufff0-\ufffb\U00013430-\U0001343f\U0001bca0-\U0001bca3"
    "\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
"""Unicode's Default_Ignorable_Code_Point and its other format controls, fillers that are letters
among them, without the joiners and selectors of `_UNSEEN`. Signs that stand around a number (U+0600
to U+0605, say) are format controls by their category, but they are drawn, and stay."""
_BREAK = r"\n\r\v\f\x1c-\x1e\x85\u2028\u2029"
_SPACE = re.compile(rf"[^\S{_BREAK}]+")
_TRUST = str.maketrans({"◇": "◆", "❝": "“"})
"""What marks a line as checked or quoted, and what stands for it where a sender writes it."""
_LINES = re.compile(rf" ?(?:[{_BREAK}] ?)+")
"""Of a text whose blanks are single ones: with more of them its time would grow by their square."""
_UNSEEN = re.compile(
    "(?=[\u200c\u200d\ufe00-\ufe0f])([\ufe00-\ufe0f]?[\u200c\u200d]?)[\u200c\u200d\ufe00-\ufe0f]*"
)
"""Joiners and variation selectors in a row: one of each is what a script or an emoji needs."""
_MARKS = re.compile(
    r"((?:[\u0300-\u036f\u0483-\u0489\u20d0-\u20ff]){4})[\u0300-\u036f\u0483-\u0489\u20d0-\u20ff]+"
)


def clean(text: str) -> str:
    """The same text; surrogate pairs joined, and lone ones, which UTF-8 can't hold, replaced.

    They come from escapes in JSON, and from names of files that are not UTF-8.
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def neutralise(text: str) -> str:
    """`text` as one line of plain data.

    ANSI escapes, bidi controls, zero-width characters, and tag characters are removed (the joiners
    that scripts and emoji need stay, singly), control characters and lone surrogates become U+FFFD,
    line breaks become " / ", and towers of combining marks are cut at four, of other scripts at
    eight. The signs by which a display tells the wearer whose words a line is become others.
    Control strings such as "<|im_start|>" stay readable: `Tokenizer.encode` never makes them
    control tokens.
    """
    text = _ANSI.sub("", text[: 4 * MESSAGE_CHARS])
    text = _INVISIBLE.sub("", text)
    text = text.translate(_TRUST)
    text = _UNSEEN.sub(r"\1", text)
    text = _MARKS.sub(r"\1", text)
    text = _SPACE.sub(" ", text.strip())
    text = _LINES.sub(" / ", text)
    text = "".join(_drawn(text))
    if len(text) > MESSAGE_CHARS:
        text = text[:MESSAGE_CHARS].rsplit(" ", 1)[0] + " …"
    return text


def _drawn(text: str) -> Iterator[str]:
    """The characters that stay; those that no display may act on become U+FFFD."""
    marks = 0
    for char in text:
        category = unicodedata.category(char)
        marks = marks + 1 if category in ("Mn", "Me") else 0
        if marks <= MOST_MARKS:
            yield "\ufffd" if category in ("Cc", "Cs") else char
