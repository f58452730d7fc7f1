"""The whole loop by ear: what is spoken, shown and sent in a morning of thirty messages."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from device.spoken import SPOKEN_WORDS
from tests.morning import DRAFTS, morning
from tests.needs import needs_espeak, needs_voice

pytestmark = [needs_espeak, needs_voice]


def test_a_morning_by_ear(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("device.desk.GLANCE_LEAST", 0.05)
    came = asyncio.run(morning(path))
    riding = [text for text, activity, _ in came.spoken if activity == "riding"]
    assert len(riding) >= 4
    assert all(len(text.split()) <= (SPOKEN_WORDS["riding"] or 0) for text in riding)
    changed = DRAFTS[1].replace("seven", "half past seven")
    spoken = [text for text, *_ in came.spoken]
    assert any(f"To Family: {DRAFTS[1]}" in text for text in spoken), "read back"
    assert any(f"To Family: {changed}" in text for text in spoken), "and again when it was changed"
    assert changed in came.shown
    assert came.sent == [("home", changed)], "nothing but what was confirmed"
    assert came.cut_short
