"""Written text made fit to be read aloud."""

from __future__ import annotations

import pytest

from device.voice.speakable import CHUNK_CHARS, sentences, speakable


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("see https://www.example.org/a/b?c=d#e.", "see a link to example.org."),
        ("www.bahn.de, now", "a link to bahn.de, now"),
        ("mail ben@example.org", "mail ben at example.org"),
        ("at 18:05", "at 18 oh 5"),
        ("at 7:00pm", "at 7 pm"),
        ("at 08:00", "at 8 o'clock"),
        ("at 00:30", "at 0 30"),
        ("£3.50 or €1,200", "3 pounds 50 or 1,200 euros"),
        ("ok 👍", "ok, thumbs up"),
        ("👍🏽", "thumbs up"),
        ("yes ❤️!", "yes, heavy black heart!"),
        ("you & me", "you and me"),
        ("über café", "über café"),
        ("*really* nice_thing", "really nice thing"),
        ("-v is no option", "-v is no option"),
        ("", ""),
        ("a\u200bb\x07c", "ab c"),
    ],
)
def test_speakable(text: str, said: str) -> None:
    assert speakable(text) == said


def test_a_long_text_comes_in_pieces_that_lose_no_word() -> None:
    text = "word, " * 60 + "and so on for ever. Yes! " + "x" * 400
    pieces = sentences(text)
    assert " ".join(pieces).split() == text.split()
    assert all(len(piece) <= CHUNK_CHARS or " " not in piece for piece in pieces)
