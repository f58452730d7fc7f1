"""The glasses as data: how much they show, what they can draw, and how wide it comes out.

Widths are those of the glass's own font, so that a line that fits here fits there. Where a maker
publishes none, the docstring says what is assumed. None but the terminal was at hand: the numbers
are those that makers and other people publish.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from string import printable
from typing import Literal

from wcwidth import iter_graphemes, wcswidth, wcwidth

from device.displays.scene import Mark
from device.displays.terminal import MODEL_MARK, QUOTE_MARK

Kind = Mark | Literal["title", "hint"]
"""What a line on the glass is."""

ASCII = printable[:95]
"""Space to tilde: what every glass draws."""
LEAST_COLUMNS = 20
"""A narrower terminal is drawn for as if it had so many."""


@dataclass(frozen=True, slots=True)
class Font:
    """What a glass can draw, and the pixels that it takes."""

    widths: Mapping[str, int] = field(default_factory=dict)
    """Pixels of a character, with the gap behind it."""
    blocks: tuple[tuple[str, str, int], ...] = ()
    """(first, last, pixels) of characters that are all of one width."""
    cell: int = 0
    """Pixels of a terminal's cell, where the font draws all of Unicode; else 0."""

    def draws(self, cluster: str) -> bool:
        """Whether all of a grapheme cluster comes out as it should."""
        if self.cell:
            return all(unicodedata.category(c) not in ("Cc", "Cn", "Co", "Cs") for c in cluster)
        return all(self._width(c) for c in cluster)

    def measure(self, text: str) -> int:
        """Pixels that a text takes. Raises `ValueError` for what the font doesn't draw."""
        if self.cell:
            return self.cell * sum(map(_cells, iter_graphemes(text)))
        widths = [self._width(c) for c in text]
        if not all(widths):
            raise ValueError(f"{text!r} holds characters that the font doesn't draw")
        return sum(widths)

    def _width(self, char: str) -> int:
        """Pixels of a character; 0 where it isn't drawn."""
        if width := self.widths.get(char):
            return width
        drawn = unicodedata.category(char) != "Cn"
        return next((px for a, z, px in self.blocks if a <= char <= z and drawn), 0)


def _cells(cluster: str) -> int:
    """Cells of a grapheme cluster, by UAX #11: as many as any terminal takes for it.

    Some draw a family of three as one sign of two cells, others as three signs.
    """
    return max(sum(max(wcwidth(c), 0) for c in cluster), wcswidth(cluster))


@dataclass(frozen=True, slots=True)
class Profile:
    """One kind of glass."""

    name: str
    area: tuple[int, int]
    """Width and height in pixels; of a terminal in cells."""
    width: int
    """Pixels of the longest line."""
    lines: int
    """Lines of text that stand on it at once."""
    font: Font
    marks: Mapping[Kind, str]
    """What each row begins with. No sender's text ever stands where a mark stands."""
    ellipsis: str = "..."
    framed: bool = False
    """Title and hint stand around the lines and take none of their room."""
    line_height: int = 1
    """Pixels from one line to the next, for glasses on which we place each line ourselves."""


def _by_width(groups: Mapping[int, str]) -> dict[str, int]:
    """Characters by width -> width by character."""
    return {char: width for width, chars in groups.items() for char in chars}


_PLAIN: Mapping[Kind, str] = {
    "model": "<> ", "quote": '" ', "notice": "- ", "title": "# ", "hint": "> ",
}  # fmt: skip
_LENS: Mapping[Kind, str] = {
    "model": f"{MODEL_MARK} ",
    "quote": f"{QUOTE_MARK} ",
    "notice": "· ",
    "title": "# ",
    "hint": "› ",
}
_CYRILLIC, _KANA, _HAN, _HANGUL = ("Ѐ", "ӿ"), ("ぁ", "ヿ"), ("一", "鿿"), ("가", "힣")

_G1_STEPS = _by_width(
    {
        1: "!',.:;il|",
        2: ' "()I[]`j',
        3: "*/1J\\_rt{}",
        4: "+-<=>EFL^bcdefghknopqsz",
        5: "$023456789?BCDGHKNOPQRSTUZauvxy",
        6: "#%AVXY",
        7: "&@MWmw~",
    }
)
_FRAME_STEPS = _by_width(
    {
        5: "!'i|ı",
        6: ".:¡·",
        8: ",;l",
        9: "[",
        10: "(]ł",
        11: ")`jrÍìí",
        12: "I{}Ì",
        13: ' "c',
        14: "?Jt¢¿ç",
        15: "\\357fs°Ïïš",
        16: "12CLezÇÉÎîñéûƒ",
        17: "$-69EFSZ~u«µ»ÈÊËèêëõùúüŠž",
        18: "048BGPbdhknopqÞðòóôöøþ£×Ž€",
        19: "#+<=>DHKNUavÑÙÚÛÜßàáâãäå÷Ł",
        20: "&ORT^gxy±ÒÓÔÕÖØýÿ",
        21: "*VX",
        22: "AQ¥ÀÐÝŸ",
        23: "MWYÁÂÃÄÅ",
        25: "/_",
        28: "m©",
        29: "®æ",
        30: "wŒœ",
        31: "@",
        32: "Æ",
        34: "%",
    }
)
_NOTO_SANS_21 = _by_width(
    {
        5: " 'ijl",
        6: "!(),.:;J`",
        7: "-I[]f",
        8: "/\\t{}",
        9: '"?_r',
        10: "csz",
        11: "FLkvxy",
        12: "$*+0123456789<=>EST^XYZae|~",
        13: "ACKPRVbdghnopqu",
        14: "#B",
        15: "&DGU",
        16: "HNOQ",
        17: "%w",
        19: "@M",
        20: "Wm",
    }
)

EVEN_G1 = Profile(
    "Even G1", (576, 136), 488, 5,
    Font(
        {char: 2 * step + 2 for char, step in _G1_STEPS.items()},
        ((*_CYRILLIC, 18), (*_KANA, 18), (*_HAN, 18), (*_HANGUL, 24)),
    ),
    _PLAIN,
)  # fmt: skip
"""The 488 pixels are those of the maker's EvenDemoApp. The font's widths, 2 x (glyph + 1), and the
scripts of one width were measured on the glasses by the authors of MentraOS (its display-utils);
what they don't list, accented letters among it, isn't counted on."""

EVEN_G2 = Profile(
    "Even G2", (576, 288), 560, 10,
    Font(
        dict.fromkeys(
            [*ASCII, *(chr(c) for c in range(0xA1, 0x100) if chr(c) not in "\u00ad¨¯´µ¸"), "◇"], 13
        )
    ),
    {**_PLAIN, "model": f"{MODEL_MARK} "},
)  # fmt: skip
"""What its font draws was listed by the author of the even-g2-notes from the maker's simulator;
the rest is skipped without a trace. Widths aren't published: 13 pixels each follow from the 400 to
500 characters that fill its 576x288, and a line of wide letters may come out longer."""

VUZIX_Z100 = Profile(
    "Vuzix Z100", (640, 480), 390, 7,
    Font(_NOTO_SANS_21, ((*_CYRILLIC, 14), (*_KANA, 21), (*_HAN, 21), (*_HANGUL, 21))),
    _PLAIN,
)  # fmt: skip
"""Noto Sans at 21 pixels, of which 390 in a row were found usable: MentraOS's display-utils."""

HALO = Profile(
    "Brilliant Halo", (256, 256), 240, 7,
    Font(dict.fromkeys(ASCII, 8)), _PLAIN, line_height=12,
)  # fmt: skip
"""Dogica at 8 pixels, the firmware's own font. The canvas is seen through a round lens: seven
lines of 30 characters stand inside the circle."""

FRAME = Profile(
    "Brilliant Frame", (640, 400), 640, 6,
    Font({char: step + 4 for char, step in _FRAME_STEPS.items()}), _PLAIN, line_height=60,
)  # fmt: skip
"""The widths, 4 pixels between characters and 60 from line to line are those of the maker's Python
SDK. It lists no slash, and takes 25 for what it doesn't list."""

BROWSER = Profile("browser", (48, 9), 48, 9, Font(cell=1), _LENS, "…", framed=True)
"""In cells: the page's own stylesheet says how large one is."""

TERMINAL = Profile("terminal", (80, 24), 76, 23, Font(cell=1), _LENS, "…", framed=True)
"""In cells, the frame around the glass left out."""

PROFILES = (EVEN_G1, EVEN_G2, VUZIX_Z100, HALO, FRAME, BROWSER, TERMINAL)


def terminal(columns: int, rows: int) -> Profile:
    """The glass in a terminal of that size; wider than 80 columns no line is read with ease."""
    columns = min(max(columns, LEAST_COLUMNS), 80)
    return replace(TERMINAL, area=(columns, rows), width=columns - 4, lines=max(rows - 1, 5))
