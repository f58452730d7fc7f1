"""The loss of checkpoints on the development threads, with their own weights and rounded."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from export import ablation


def test_a_row_a_checkpoint(
    data: Path,
    checkpoint: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (checkpoint / "training.json").write_text(json.dumps({"tokens": 1234}))
    options = [str(checkpoint), str(checkpoint), "--data", str(data)]
    monkeypatch.setattr("sys.argv", ["ablation", *options, "--json"])
    ablation.main()
    first, second = map(json.loads, capsys.readouterr().out.splitlines())
    assert first == second
    assert first["tokens"] == 1234
    assert 0 < first["loss"] != first["loss_q4_0"]
    monkeypatch.setattr("sys.argv", ["ablation", *options])
    ablation.main()
    assert "1,234" in capsys.readouterr().out


def test_a_folder_without_a_checkpoint(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["ablation", str(tmp_path / "none"), "--data", str(data)])
    with pytest.raises(SystemExit) as stopped:
        ablation.main()
    assert stopped.value.code == 2
    assert "none: no trained checkpoint" in capsys.readouterr().err
