"""What every glass promises, whatever a sender writes: told of a scene's pages."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from wcwidth import wcwidth

from device.displays.fit import CARD_LINES, READER_CHARS, Page
from device.displays.profiles import Profile
from device.displays.scene import Scene, Tier

JOINERS = frozenset("\u200c\u200d")
"""Format characters that scripts and emoji need."""
NUMBER_SIGNS = frozenset(
    "\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd"
)
"""Format characters that are drawn: Prepended_Concatenation_Mark in Unicode's PropList.txt. Written
out once more, so that what the device lets pass is not what it is held to."""
CONTROLS = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def controls(text: str) -> set[str]:
    """Categories of the characters in it that a display may act on, or draw nothing for."""
    return {unicodedata.category(c) for c in set(text) - JOINERS - NUMBER_SIGNS} & CONTROLS


def fits(pages: Sequence[Page], tier: Tier, profile: Profile) -> bool:
    """Within the lines, the width, and what the tier allows."""
    most = {"glance": 1, "card": CARD_LINES, "reader": profile.lines - 2}[tier]
    return all(
        len(page.body) <= most
        and len(page.lines) <= profile.lines
        and (tier != "reader" or sum(len(line.text) for line in page.body) <= READER_CHARS)
        and all(pixels(line.text, profile) <= profile.width for line in page.lines)
        for page in pages
    )


def pixels(text: str, profile: Profile) -> int:
    """The width by the tables alone; in a terminal, each character by itself."""
    font = profile.font
    if font.cell:
        return sum(max(wcwidth(c), 0) for c in text) * font.cell
    in_blocks = {c: px for c in text for a, z, px in font.blocks if a <= c <= z}
    return sum(font.widths[c] if c in font.widths else in_blocks[c] for c in text)


def is_clean(pages: Sequence[Page]) -> bool:
    """No control character, no bidi control, no escape reaches the glass."""
    drawn = "".join(line.text for page in pages for line in page.lines)
    return not controls(drawn)


def is_marked(pages: Sequence[Page], scene: Scene, profile: Profile) -> bool:
    """Each page begins with a mark, each row has one, and nothing else stands at the edge."""
    marks = {kind: mark.rstrip() for kind, mark in profile.marks.items()}
    found = 0
    for page in pages:
        for number, line in enumerate(page.body):
            if line.text.startswith(marks[line.kind]):
                found += 1
            elif number == 0 or (line.text.strip(" ") and line.text[0] != " "):
                return False
        named = [(page.title, "title"), (page.hint, "hint")]
        if not all(line is None or line.text.startswith(marks[kind]) for line, kind in named):
            return False
    return found >= len(scene.rows)
