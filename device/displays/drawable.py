"""A sender's text -> what a glass can draw of it. Nothing vanishes.

What the font lacks is written in Latin letters or by its short name (anyascii), else by a sign
that says so.
"""

from __future__ import annotations

import unicodedata

from anyascii import anyascii
from wcwidth import iter_graphemes

from device.displays.profiles import Font
from device.text import neutralise

MISSING = "[?]"
"""Stands where the font has nothing for a character and nobody gave it a name."""
_BY_HAND = str.maketrans({"ا": "a"})
"""Alef, which anyascii leaves out: Arabic without it loses every long a."""


def drawable(text: str, font: Font) -> str:
    """`text` as one line that `font` draws.

    >>> from device.displays.profiles import EVEN_G1
    >>> drawable("“Grüße”, Мама 👍", EVEN_G1.font)
    '"Grusse", Мама :thumbsup:'
    >>> drawable("नमस्ते", EVEN_G1.font)
    'nmste'
    """
    pieces = []
    for cluster in iter_graphemes(unicodedata.normalize("NFC", neutralise(text))):
        if font.draws(cluster):
            pieces.append(cluster)
            continue
        plain = anyascii(cluster.translate(_BY_HAND)).strip()
        if not plain and not all(map(_is_unseen, cluster)):
            plain = MISSING
        pieces.append(f" {plain} " if plain.startswith(":") and len(plain) > 1 else plain)
    return " ".join("".join(pieces).split())


def _is_unseen(char: str) -> bool:
    """Whether a character has no look of its own: joiners, variation selectors, spaces."""
    return unicodedata.category(char) in ("Cf", "Zs") or "\ufe00" <= char <= "\ufe0f"
