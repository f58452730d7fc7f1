"""Every glass holds to the same promises, whatever a sender writes.

Nothing overflows, nothing vanishes, whose words a line is can be seen, and no control of a sender's
reaches the glass.
"""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wcwidth import iter_graphemes

from device.displays.drawable import drawable
from device.displays.fit import CARD_LINES, Page, fit
from device.displays.profiles import ASCII, PROFILES, Profile, terminal
from device.displays.scene import Mark, Row, Scene, Tier
from device.text import neutralise
from tests.conformance import fits, is_clean, is_marked

GLASSES = (*PROFILES, terminal(40, 12), terminal(1, 1), terminal(300, 100))
TIERS: tuple[Tier, ...] = ("glance", "card", "reader")
MARKS: tuple[Mark, ...] = ("model", "quote", "notice")
TEXTS = {
    "latin": "Can you bring three chairs, Zoë? Straße 12, “Café Déjà” … 4 €",
    "devanagari": "नमस्ते दोस्त, क्या तुम शनिवार को आओगे?",
    "arabic": "مرحبا، هل تأتي يوم السبت الساعة ٩؟",
    "hebrew": "שלום, מתי אתם באים?",
    "chinese": "你好，星期六带三把椅子来好吗？𠀀字也要。",
    "japanese": "土曜日に椅子を三つ持ってきてくれる？",
    "korean": "토요일에 의자 세 개 가져올 수 있어?",
    "thai": "วันเสาร์มาได้ไหม",
    "emoji": "👍🏽 ❤️ 👨‍👩‍👧 🇩🇪 🏳️‍🌈 1️⃣ 🫠",
    "mixed": "ok 👍 नमस्ते 你好 مرحبا Müller",
    "marks": "e" + "\u0301" * 30 + " \u0327lone",
    "joiners": "\u200d\u200d a\u200db \u200cक्\u200dष \ufe0f",
    "private": "\ue000 \U000f0000 \U00020000",
    "word": "x" * 300,
    "address": "https://example.org/" + "a-long-path/" * 30,
    "long": "and then we went on " * 60,
    "ansi": "\x1b[2J\x1b[31mred\x1b]0;title\x07 \x9b1m\x1b",
    "controls": "a\x00b\tc\rd\x08e\x7f\x85f\u2028g\ud800",
    "bidi": "pay \u202e00.1\u202c \u2066x\u2069 \u200fy \u061cz",
    "unseen": "\u200b\u2060\ufeff\u00ad\u034f\u3164\U000e0041",
    "false marks": "◇ Ben paid you\n◇ 1: yes\n<> fine\n❝ quote\n# title\n> hint",
    "empty": "",
}
texts = st.one_of(
    st.sampled_from(sorted(TEXTS.values())),
    st.text(max_size=600),
    st.lists(st.sampled_from(sorted(TEXTS.values())), max_size=4).map("".join),
)
rows = st.builds(Row, texts, st.sampled_from(MARKS), st.sampled_from(("", "1", "summary")))
scenes = st.builds(
    Scene, st.sampled_from(TIERS), st.lists(rows, max_size=5).map(tuple), texts, texts
)
every_glass = pytest.mark.parametrize("profile", GLASSES, ids=lambda p: f"{p.name} {p.area}")


@every_glass
@pytest.mark.parametrize("name", TEXTS)
def test_every_text_in_every_tier(profile: Profile, name: str) -> None:
    for tier in TIERS:
        for mark in MARKS:
            check(Scene(tier, (Row(TEXTS[name], mark, "1"),), TEXTS[name], "later"), profile)


@settings(deadline=None)
@given(scenes, st.sampled_from(GLASSES))
def test_any_scene(scene: Scene, profile: Profile) -> None:
    check(scene, profile)


def check(scene: Scene, profile: Profile) -> None:
    pages = fit(scene, profile)
    assert pages == fit(scene, profile)
    assert fits(pages, scene.tier, profile)
    assert is_clean(pages)
    assert is_marked(pages, scene, profile)
    assert is_whole(pages, scene, profile)


def is_whole(pages: tuple[Page, ...], scene: Scene, profile: Profile) -> bool:
    """All text is there in its order, or as much as fits and a sign that there is more."""
    shown = "".join(
        squeezed(line.text.removeprefix(profile.marks[line.kind].rstrip()))
        for page in pages
        for line in page.body
    )
    for row in scene.rows:
        text = f"{row.label}: {row.text}" if row.label else row.text
        whole = squeezed(drawable(text, profile.font))
        if scene.tier == "reader":
            if not shown.startswith(whole):
                return False
            shown = shown.removeprefix(whole)
        elif whole not in shown and profile.ellipsis not in shown:
            return False
    return scene.tier != "reader" or not shown


def squeezed(text: str) -> str:
    return text.replace(" ", "")


@settings(deadline=None)
@given(texts, st.sampled_from(GLASSES))
def test_no_character_vanishes(text: str, profile: Profile) -> None:
    """Each one that has a look is drawn, spelt out, or has a sign in its place."""
    drawn = drawable(text, profile.font)
    clusters = list(iter_graphemes(unicodedata.normalize("NFC", neutralise(text))))
    alone = [drawable(cluster, profile.font) for cluster in clusters]
    assert squeezed(drawn) == squeezed("".join(alone))
    for cluster, one in zip(clusters, alone, strict=True):
        seen = [c for c in cluster if unicodedata.category(c)[0] in "LNPS"]
        assert one or not seen, ascii(cluster)


@every_glass
def test_a_dark_glass_has_no_lines(profile: Profile) -> None:
    for tier in TIERS:
        assert [page.lines for page in fit(Scene(tier, (), "Ben", "later"), profile)] == [()]


@every_glass
def test_the_profile_itself(profile: Profile) -> None:
    assert all(profile.font.draws(c) for c in ASCII)
    assert profile.lines >= CARD_LINES + 2
    marks = [mark.rstrip() for mark in profile.marks.values()]
    assert len(set(marks)) == len(marks) == 5
    assert all(mark and profile.font.draws(mark) for mark in marks)
    assert profile.font.measure(profile.ellipsis) < profile.width / 4
