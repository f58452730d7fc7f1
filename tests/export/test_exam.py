"""The exam's command on the tiny model: what goes in, what comes out."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from export.exam import main as examine
from export.release import main as release

GGUF = Path(__file__).parents[1] / "tiny" / "tiny.gguf"


def test_exam_then_release(
    data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    threads = data / "glancechat" / "threads-a.jsonl"
    arguments = ["exam", "--model", str(GGUF), "--threads", str(threads), "--json"]
    monkeypatch.setattr(sys, "argv", arguments)
    examine()
    printed = capsys.readouterr().out
    rows = {row["name"]: row for row in json.loads(printed)}
    assert set(rows) == {"longest new message", "quotes as shown", "tiny", "tiny, unchecked"}
    for row in rows.values():
        assert row["threads"] == 8
        low, high = row["glance_interval"]
        assert low <= row["glance_rouge_l"] <= high
    assert rows["longest new message"]["glance_rouge_l"] > 60, "it is the gold, nearly"
    assert rows["quotes as shown"]["cards_with_invention_pct"] == 0

    models = data.parent / "models"
    models.mkdir()
    report = data.parent / "exam.json"
    report.write_text(printed)
    monkeypatch.setattr(sys, "argv", ["release", str(GGUF), str(report), "--models", str(models)])
    release()
    manifest = json.loads((models / "manifest.json").read_text())
    (entry,) = manifest["models"]
    assert manifest["default"] == entry["name"] == "tiny"
    assert (models / "tiny.gguf").stat().st_size == entry["size_bytes"]
    assert entry["figures"]["summary_rouge_l"] == rows["tiny"]["summary_rouge_l"]
