"""A sender's text -> what a glass can draw of it. Nothing vanishes.

What the font lacks is written in Latin letters or by its short name (anyascii), else by a sign
that says so. Letters that were replaced are poor reading, so their text is to be spoken too.
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


def drawable(text: str, font: Font) -> tuple[str, bool]:
    """(`text` as one line that `font` draws, whether it must be spoken as well).

    >>> from device.displays.profiles import EVEN_G1
    >>> drawable("“Grüße”, Мама 👍", EVEN_G1.font)
    ('"Grusse", Мама :thumbsup:', False)
    >>> drawable("नमस्ते", EVEN_G1.font)
    ('nmste', True)
    """
    pieces = []
    spoken = False
    for cluster in iter_graphemes(unicodedata.normalize("NFC", neutralise(text))):
        if font.draws(cluster):
            pieces.append(cluster)
            continue
        plain = anyascii(cluster.translate(_BY_HAND)).strip()
        if not plain and not all(map(_is_unseen, cluster)):
            plain = MISSING
        spoken |= plain == MISSING or _is_foreign(cluster)
        pieces.append(f" {plain} " if plain.startswith(":") and len(plain) > 1 else plain)
    return " ".join("".join(pieces).split()), spoken


def _is_unseen(char: str) -> bool:
    """Whether a character has no look of its own: joiners, variation selectors, spaces."""
    return unicodedata.category(char) in ("Cf", "Zs") or "\ufe00" <= char <= "\ufe0f"


def _is_foreign(cluster: str) -> bool:
    """Whether it is a letter of another script than ours; "é" is an "e" to any reader."""
    base = unicodedata.normalize("NFKD", cluster)[0]
    return unicodedata.category(base)[0] == "L" and not unicodedata.name(base, "").startswith(
        "LATIN "
    )
