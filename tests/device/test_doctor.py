"""The doctor shows what is broken, and says so by its exit code."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from device.cli import main
from device.commands import doctor
from device.language.catalog import Catalog
from tests.models import entry, ship


def said(capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    code = main(["doctor"])
    return code, " ".join(capsys.readouterr().out.split())


def test_all_well(capsys: pytest.CaptureFixture[str]) -> None:
    code, out = said(capsys)
    assert code == 0
    for word in ("sidelong", "llama.cpp uses", "model in use", "microphone"):
        assert word in out


def test_llama_that_cannot_be_loaded(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> str:
        raise RuntimeError("Failed to load shared library libllama.so")

    monkeypatch.setattr(doctor, "llama_features", broken)
    code, out = said(capsys)
    assert code == 2
    assert "not usable: Failed to load shared library libllama.so; pip install" in out


def test_llama_that_is_not_installed(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor.util, "find_spec", lambda name: None)
    monkeypatch.setitem(sys.modules, "llama_cpp.llama_cpp", None)
    code, out = said(capsys)
    assert code == 2
    assert "missing llama-cpp-python" in out


@pytest.mark.parametrize("content", [None, b"damaged"])
def test_model_that_is_missing_or_damaged(
    content: bytes | None,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    manifest = ship(tmp_path / "models", entry())
    if content:
        (tmp_path / "models/shipped.gguf").write_bytes(content)
    catalog = Catalog(manifest, tmp_path / "data")
    monkeypatch.setattr(Catalog, "default", lambda: catalog)
    code, out = said(capsys)
    assert code == 2
    assert "installing Sidelong again brings it back" in out


@pytest.mark.parametrize("columns", ["40", "80"])
def test_portaudio_is_missed_where_it_is_needed(
    columns: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "audio_library", lambda: False)
    monkeypatch.setenv("COLUMNS", columns)
    assert main(["doctor"]) == 0, "cards need no sound"
    lines = capsys.readouterr().out.splitlines()
    assert all(len(line) <= int(columns) for line in lines)
    out = " ".join(" ".join(lines).split())
    voice = out.partition("microphone and speaker ")[2].partition(" training and export")[0]
    assert "PortAudio is missing: apt install libportaudio2" in voice


def test_what_each_extra_lacks(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = [
        "rich>=13",
        "no-such-thing[x]==1 ; extra == 'matrix'",
        'rich ; extra == "glasses"',
        "no-such-thing ; extra == 'glasses-dev'",
    ]
    monkeypatch.setattr(doctor.metadata, "requires", lambda name: wanted)
    code, out = said(capsys)
    assert code == 0, "cards need none of them"
    assert "Matrix missing no-such-thing: pip install 'sidelong[matrix]'" in out
    assert f"glasses over Bluetooth rich {doctor.version('rich')} " in out
    assert "encrypted inbox unknown to the version installed: pip install" in out


def test_every_extra_has_a_row() -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())
    extras = project["project"]["optional-dependencies"].keys() - {"bench", "dev"}
    assert doctor.EXTRAS.keys() == extras


def test_nothing_is_cut_where_a_program_reads(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    monkeypatch.setattr(doctor, "llama_features", lambda: "A_LONG_NAME, " * 40)
    main(["doctor"])
    assert any("A_LONG_NAME, " * 39 in line for line in capsys.readouterr().out.splitlines())


def test_it_runs_where_llama_cannot_even_be_imported() -> None:
    code = (
        "import sys; sys.modules['llama_cpp'] = None\n"
        "from device.cli import main; raise SystemExit(main(['doctor']))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert "not usable" in done.stdout
    assert not done.stderr


def test_mac_has_no_affinity(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    assert f"{os.cpu_count()} cores" in said(capsys)[1]


def test_which_model_is_best_here_and_why() -> None:
    models = Catalog.default().list()
    large, small = (model for model in models if doctor.GLANCES in model.figures)
    for available in (None, 16_000.0):
        best, why = doctor.advice(models, available)
        assert best == large
        assert f"{large.figures[doctor.GLANCES]:.1f} ({small.name}" in why
    best, why = doctor.advice(models, doctor.BESIDE_MB + 60.0)
    assert best == small
    assert f"{large.name} wants 328 MB of memory" in why
    assert doctor.advice(models, 100.0)[0] is None
    assert doctor.advice([], None) == (None, "no model has figures")


def test_doctor_tells_how_to_use_the_better_model(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "available_mb", lambda: None)
    assert "model use" not in said(capsys)[1]
    monkeypatch.setattr(doctor, "available_mb", lambda: doctor.BESIDE_MB + 60.0)
    code, out = said(capsys)
    assert code == 0
    assert "sidelong model use sidelong-60m" in out
