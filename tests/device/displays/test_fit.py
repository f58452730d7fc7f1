"""Texts on glasses whose answers are known."""

from __future__ import annotations

import pytest

from device.displays.drawable import MISSING, drawable
from device.displays.fit import cut, fit, shorten
from device.displays.profiles import EVEN_G1, EVEN_G2, FRAME, HALO, TERMINAL, VUZIX_Z100, Profile
from device.displays.scene import Row, Scene

ASK = "can you bring three chairs and the blue folding table on Saturday at 9:30?"


def lines(scene: Scene, profile: Profile) -> list[list[str]]:
    """The lines of each page."""
    return [[line.text for line in page.lines] for page in fit(scene, profile)]


def test_a_glance_is_one_line() -> None:
    scene = Scene("glance", (Row(f"Ben: {ASK}", "model"),), "Ben", "reply, later")
    assert lines(scene, EVEN_G1) == [["<> Ben: can you bring three chairs and the blue..."]]
    assert lines(scene, TERMINAL) == [
        [
            "# Ben",
            "◇ Ben: can you bring three chairs and the blue folding table on Saturday at…",
            "› reply, later",
        ]
    ]


def test_two_glances_are_two_pages() -> None:
    scene = Scene("glance", (Row("Ben: chairs?", "model"), Row("Zoë: ok", "quote")))
    assert lines(scene, FRAME) == [["<> Ben: chairs?"], ['" Zoë: ok']]


def test_a_card_of_one_row_has_three_lines_for_it() -> None:
    scene = Scene("card", (Row(ASK, "quote", "summary"),), "Ben", "reply, later")
    assert lines(scene, HALO) == [
        [
            "# Ben",
            '" summary: can you bring three',
            "  chairs and the blue folding",
            "  table on Saturday at 9:30?",
            "> reply, later",
        ]
    ]


def test_a_card_of_three_rows_has_one_line_for_each_and_a_fourth_is_turned_to() -> None:
    drafts = tuple(Row(text, "model", str(n)) for n, text in enumerate(("ok", ASK, "no", "eh"), 1))
    assert lines(Scene("card", drafts, "", "1, 2, 3"), EVEN_G1) == [
        [
            "<> 1: ok",
            "<> 2: can you bring three chairs and the blue folding...",
            "<> 3: no",
            "> 1/2 1, 2, 3",
        ],
        ["<> 4: eh", "> 2/2 1, 2, 3"],
    ]


def test_a_row_that_goes_on_over_the_page_is_marked_again() -> None:
    scene = Scene("reader", (Row("Ben wrote", "notice"), Row(f"{ASK} {ASK}", "quote")))
    assert lines(scene, EVEN_G1) == [
        [
            "- Ben wrote",
            '" can you bring three chairs and the blue folding table',
            "  on Saturday at 9:30? can you bring three chairs and",
            "> 1/2",
        ],
        ['" the blue folding table on Saturday at 9:30?', "> 2/2"],
    ]


def test_full_width_text_breaks_between_its_characters() -> None:
    assert cut("你好世界", VUZIX_Z100.font, 50) == ("你好", "世界")
    assert cut("ok 你好世界", TERMINAL.font, 8) == ("ok 你好", "世界")


def test_a_word_is_cut_only_where_it_would_leave_the_line_empty() -> None:
    assert cut("a short word", TERMINAL.font, 9) == ("a short", "word")
    assert cut("a loooooooooong word", TERMINAL.font, 9) == ("a loooooo", "oooong word")


def test_a_character_wider_than_the_line_is_taken_all_the_same() -> None:
    assert cut("你好", TERMINAL.font, 1) == ("你", "好")


def test_an_ellipsis_follows_no_comma() -> None:
    assert shorten("well, then come along", TERMINAL, 7) == "well…"


@pytest.mark.parametrize(
    ("text", "profile", "drawn"),
    [
        ("Müller’s Café", HALO, "Muller's Cafe"),
        ("Müller’s Café", FRAME, "Müller's Café"),
        ("Müller", EVEN_G2, "Müller"),
        ("ok👍🏽then", HALO, "ok :thumbsup: then"),
        ("Мама", EVEN_G1, "Мама"),
        ("Мама", HALO, "Mama"),
        ("مرحبا", EVEN_G1, "mrhba"),
        ("आ", TERMINAL, "आ"),
        ("a\ue000b", TERMINAL, f"a{MISSING}b"),
        ("a\U00012000b", EVEN_G1, f"a{MISSING}b"),
        ("a\nb", HALO, "a / b"),
    ],
)
def test_what_a_font_lacks(text: str, profile: Profile, drawn: str) -> None:
    assert drawable(text, profile.font) == drawn


def test_a_font_measures_only_what_it_draws() -> None:
    assert EVEN_G1.font.measure("ab 你") == 12 + 10 + 6 + 18
    with pytest.raises(ValueError, match="doesn't draw"):
        EVEN_G1.font.measure("नमस्ते")
