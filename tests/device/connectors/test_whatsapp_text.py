"""What a message of WhatsApp's shows, and which lines are none."""

from __future__ import annotations

import pytest

from device.connectors.whatsapp_text import shown
from device.connectors.whatsapp_words import CALLS, LRM, OMITTED


@pytest.mark.parametrize("placeholder", OMITTED)
def test_omitted_media_in_each_language(placeholder: str) -> None:
    for phrase in OMITTED[placeholder]:
        assert shown(phrase) == shown(f"{LRM}{phrase}") == placeholder


@pytest.mark.parametrize("placeholder", CALLS)
def test_calls_in_each_language(placeholder: str) -> None:
    for phrase in CALLS[placeholder]:
        assert shown(LRM + phrase) == placeholder


@pytest.mark.parametrize(
    ("text", "becomes"),
    [
        ("👩\u200d👩\u200d👧 hi", "👩\u200d👩\u200d👧 hi"),
        ("a video omitted by the news", "a video omitted by the news"),
        ("Ben left", "Ben left"),  # a person's words, with no mark in front
        ("voice call at 5?", "voice call at 5?"),
        ("see <notes> and <This message was edited>", "see <notes> and"),
        (f"report.pdf • {LRM}2 pages {LRM}document omitted", "[document: report.pdf]"),
        (f"the sofa {LRM}image omitted", "[photo] the sofa"),
        (f"{LRM}<attached: 00000012-AUDIO-2025-03-31-18-03-30.opus>", "[voice message]"),
        (f"{LRM}<Anhang: 00000007-Vertrag.pdf>", "[document: Vertrag.pdf]"),
        ("VID-20250331-WA0001.mp4 (Datei angehängt)\nschau!", "[video] schau!"),
        ("Ana López.vcf (archivo adjunto)", "[contact: Ana López]"),
        (
            "POLL:\nPizza or sushi?\nOPTION: Pizza (3 votes)\nOPTION: Sushi (1 vote)",
            "Poll: Pizza or sushi? Options: Pizza; Sushi",
        ),
        ("location: https://maps.google.com/?q=1,2", "[location]"),
        (f"{LRM}Missed voice call. {LRM}Tap to call back", "[missed voice call]"),
        (f"{LRM}שלום I left\nthe keys", "שלום I left\nthe keys"),  # a person's keyboard
        ("", "[empty message]"),
    ],
)
def test_what_a_message_shows(text: str, becomes: str) -> None:
    assert shown(text) == becomes


@pytest.mark.parametrize(
    "notice",
    [
        f"{LRM}Messages and calls are end-to-end encrypted. No one outside can read them.",
        f"{LRM}Ben added Cy",
        f"{LRM}Marta hat die Gruppe „Chor“ erstellt",
        f"{LRM}Ana cambió el asunto a “Casa”",
    ],
)
def test_notices_are_no_messages(notice: str) -> None:
    assert shown(notice) is None
