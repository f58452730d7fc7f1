"""The gate: what it counts never differs from run to run, and what grows is named."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from scripts.bench import gate

KEPT = {"glance": {"decode_calls": 36, "rows": 41, "python_calls": 1000, "c_calls": 500}}


def changed(**counts: int) -> gate.Counts:
    return {"glance": KEPT["glance"] | counts}


def test_the_same_or_less_is_fine() -> None:
    assert gate.worse(KEPT, KEPT, same_python=True) == []
    assert gate.worse(KEPT, changed(decode_calls=30, python_calls=900), same_python=True) == []


def test_rows_and_calls_of_llama_may_not_grow() -> None:
    assert gate.worse(KEPT, changed(rows=42), True) == ["glance: rows 41 -> 42"]
    assert gate.worse(KEPT, changed(decode_calls=37), False) == ["glance: decode_calls 36 -> 37"]


def test_pythons_calls_may_grow_a_little() -> None:
    assert gate.worse(KEPT, changed(python_calls=1020), True) == []
    assert gate.worse(KEPT, changed(python_calls=1021), True) != []
    assert gate.worse(KEPT, changed(python_calls=9999), False) == []


def test_a_missing_stage_is_worse() -> None:
    assert len(gate.worse(KEPT, {}, True)) == 4


def test_counts_are_the_same_again_and_those_kept() -> None:
    now = gate.count()
    assert now == gate.count()
    kept = json.loads(gate.FILE.read_text())
    assert gate.worse(kept["counts"], now, kept["python"] == gate.version()) == []
    # A gain that isn't written down could be lost again unseen.
    assert gate.worse(now, kept["counts"], same_python=False) == []
    glance = now["glance of a new message"]
    assert glance["rows"] > glance["decode_calls"] > 0


def test_write_then_compare(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "gate.json"
    monkeypatch.setattr(gate, "count", lambda: KEPT)
    assert gate.main([], file) == 2
    assert gate.main(["--nonsense"], file) == 2
    assert gate.main(["--write"], file) == 0
    assert gate.main([], file) == 0
    monkeypatch.setattr(gate, "count", lambda: changed(rows=50))
    capsys.readouterr()
    assert gate.main([], file) == 1
    assert "worse: glance: rows 41 -> 50" in capsys.readouterr().out
