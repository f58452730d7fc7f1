"""What ships: a file whose own exam, on all threads, stands in the manifest."""

from __future__ import annotations

import json
import shutil
import stat
import sys
from pathlib import Path
from typing import Any

import pytest

from device.disk import sha256_of
from export.release import main, release
from export.to_gguf import main as to_gguf

GGUF = Path(__file__).parents[1] / "tiny" / "tiny.gguf"


def examined(folder: Path, **changes: Any) -> Path:
    """What the exam prints for the tiny model."""
    row = {"sha256": sha256_of(GGUF), "on": "threads", "threads": 9, "threads_in_all": 9}
    shown = row | {"answers": "shown", "glance_rouge_l": 1.0, "intervals": {}, "thread_tokens": 9.0}
    quotes = row | {"sha256": None, "answers": "baseline"}
    unchecked = row | {"answers": "first", "glance_rouge_l": 2.0}
    long = shown | {"on": "long", "glance_rouge_l": 3.0}
    path = folder / "exam.json"
    path.write_text(json.dumps([quotes, unchecked, long, shown | changes]))
    return path


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """A folder with an older model of that name."""
    folder = tmp_path / "models"
    folder.mkdir()
    (folder / "tiny.gguf").write_bytes(b"old")
    manifest = {"version": 1, "models": [{"name": "tiny"}, {"name": "x"}], "default": "x"}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


def test_the_new_model_takes_the_old_ones_place(models: Path, tmp_path: Path) -> None:
    with (models / "tiny.gguf").open("rb") as in_use:
        release(GGUF, examined(tmp_path), models)
        assert in_use.read() == b"old", "who has it open keeps it whole"
    manifest = json.loads((models / "manifest.json").read_text())
    assert [m["name"] for m in manifest["models"]] == ["tiny", "x"]
    assert manifest["default"] == "x"
    entry = manifest["models"][0]
    assert entry["sha256"] == sha256_of(models / "tiny.gguf")
    assert entry["figures"] == {"threads": 9, "threads_in_all": 9, "glance_rouge_l": 1.0}, "of many"
    assert sorted(p.name for p in models.iterdir()) == ["manifest.json", "tiny.gguf"]
    assert all(stat.S_IMODE(p.stat().st_mode) & 0o044 for p in models.iterdir())


@pytest.mark.parametrize(
    ("exam", "problem"),
    [
        ({"threads": 8}, "8 of 9 threads"),
        ({"threads": None}, "no output of"),
        ({"answers": "first"}, "not the exam of this file"),
        ("{}", "not the exam of this file"),
        ("[3]", "no output of"),
        ("", "no output of"),
        ("[]", "not the exam of this file"),
        (None, "exam.json"),
    ],
)
def test_what_may_not_ship(
    models: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    exam: dict[str, Any] | str | None,
    problem: str,
) -> None:
    path = examined(tmp_path, **(exam if isinstance(exam, dict) else {}))
    if isinstance(exam, str):
        path.write_text(exam)
    elif exam is None:
        path.unlink()
    before = {p.name: p.read_bytes() for p in models.iterdir()}
    monkeypatch.setattr(sys, "argv", ["release", str(GGUF), str(path), "--models", str(models)])
    with pytest.raises(SystemExit) as left:
        main()
    assert left.value.code == 2
    said = capsys.readouterr().err
    assert problem in said
    assert said.count("\n") == 1
    assert {p.name: p.read_bytes() for p in models.iterdir()} == before


def test_another_file_of_the_same_name(models: Path, tmp_path: Path) -> None:
    file = tmp_path / "tiny.gguf"
    file.write_bytes(GGUF.read_bytes() + b"\0")
    with pytest.raises(ValueError, match="not the exam of this file"):
        release(file, examined(tmp_path), models)
    assert (models / "tiny.gguf").read_bytes() == b"old"


def test_a_model_of_data_that_may_not_ship(
    checkpoint: Path, models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`to_gguf` refuses it, and marks it where it is told that it is for research."""
    (checkpoint / "training.json").write_text('{"ships": false}')
    file = tmp_path / "tiny.gguf"
    arguments = ["to_gguf", str(checkpoint), str(file), "--type", "f32"]
    arguments += ["--meta", "sidelong.prompt=thread/1"]
    monkeypatch.setattr(sys, "argv", arguments)
    with pytest.raises(SystemExit) as left:
        to_gguf()
    assert left.value.code == 2
    assert not file.exists()
    monkeypatch.setattr(sys, "argv", [*arguments, "--research"])
    to_gguf()
    exam = examined(tmp_path, sha256=sha256_of(file))
    with pytest.raises(ValueError, match="don't let it ship"):
        release(file, exam, models)
    assert (models / "tiny.gguf").read_bytes() == b"old"


def test_an_exam_of_some_threads_is_recorded_as_such(models: Path, tmp_path: Path) -> None:
    release(GGUF, examined(tmp_path, threads=8), models, incomplete=True)
    figures = json.loads((models / "manifest.json").read_text())["models"][0]["figures"]
    assert (figures["threads"], figures["threads_in_all"]) == (8, 9)


def test_the_datas_licences_are_those_of_all_runs_behind_it(models: Path, tmp_path: Path) -> None:
    record = tmp_path / "training.json"
    before = {"licenses": {"glancechat": {"CC-BY-4.0": 2}, "extra": {"MIT": 1}}}
    now = {"licenses": {"extra": {"CC0-1.0": 3, "MIT": 1}, "own": {"Apache-2.0": 4}}}
    record.write_text(json.dumps(now | {"from": {"mean_of": [before]}, "teacher": {}}))
    release(GGUF, examined(tmp_path), models, record=record)
    entry = json.loads((models / "manifest.json").read_text())["models"][0]
    assert entry["data_licences"] == {
        "GlanceChat": "CC-BY-4.0", "export/chats": "Apache-2.0", "open dialogues": "CC0-1.0; MIT"
    }  # fmt: skip
    record.write_text("{}")
    with pytest.raises(ValueError, match="names no licence"):
        release(GGUF, examined(tmp_path), models, record=record)


def test_a_file_in_its_place_already_is_not_copied(tmp_path: Path) -> None:
    models = tmp_path / "new"
    models.mkdir()
    shutil.copy(GGUF, models)
    (models / "tiny.gguf").chmod(0o444)
    release(models / "tiny.gguf", examined(tmp_path), models)
    assert json.loads((models / "manifest.json").read_text())["default"] == "tiny"
