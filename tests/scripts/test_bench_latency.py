"""The benchmark as a user starts it, on the tiny model."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from device.cpu import cores
from device.language.llama_buffers import has_amx
from scripts import bench_latency
from scripts.bench import limits, peers
from scripts.bench.figures import KEYS
from scripts.bench.ours import Sizes
from tests.engines import GGUF, ROOT, TINY

SMALL = Sizes(
    context=1280,
    histories=(10, 20, 30),
    prefilled=16,
    decoded=2,
    drafted=2,
    arrivals=1,
    megabytes=1,
)

MODEL = ["--model", str(GGUF), "--threads", "1"]


@pytest.fixture
def one_round(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench_latency, "QUICK", (1, 1))


@pytest.mark.usefixtures("one_round")
def test_the_last_line_is_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("gguf")
    arguments = ["--quick", *MODEL, "--onnx-fp32", str(TINY)]
    plot = tmp_path / "plot.png"
    if find_spec("matplotlib"):
        arguments += ["--plot", str(plot)]
    bench = tmp_path / "llama-bench"
    tests = [{"n_prompt": 16, "avg_ts": 100.0}, {"n_prompt": 0, "avg_ts": 50.0}]
    bench.write_text(f"#!/bin/sh\necho '{json.dumps(tests)}'\n")
    bench.chmod(0o755)
    assert bench_latency.main([*arguments, "--llama-bench", str(bench)], SMALL) == 0
    out = capsys.readouterr().out
    found = json.loads(out.splitlines()[-1])
    assert set(KEYS) <= set(found)
    # llama.cpp's own way dies on a CPU with AMX, and what is held against it is then missing.
    plain = [k for k in KEYS if "plain" in k] if has_amx() else []
    assert [k for k in KEYS if found[k] is None] == plain
    assert ("left out: plain llama_cpp.Llama" in out) == has_amx()
    assert found["samples"]["bench.tg_tps"]["median"] == 50.0
    assert found["samples"]["ours-fp32.ttft_ms"]["n"] == 1
    assert found["limit"]["fits_cache"] is (limits.last_cache_bytes() is not None)
    met = found["targets_met"]
    assert {k for k, is_met in met.items() if is_met not in (True, False)} == set(plain)
    assert "left out: transformers, torch fp32: no --checkpoint DIR" in out
    assert "Targets" in out
    about = found["about"]
    assert f"before the run: {about['load_before']:.1f} on {cores()} cores; nothing" in out
    assert f"{GGUF.name}: untuned" in out
    assert plot.is_file() == bool(find_spec("matplotlib"))


def test_what_is_not_installed_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(peers.Absent, match="torch isn't installed"):
        peers.torch_peer(TINY, "float32", 1)
    monkeypatch.setitem(sys.modules, "optimum.onnxruntime", None)
    with pytest.raises(peers.Absent, match="optimum"):
        peers.optimum_peer(TINY, 1)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--model", "none.gguf"], "--model none.gguf: no such file"),
        (["--model", str(TINY)], f"--model {TINY}: a folder; give a .gguf file"),
        (["--threads", "0"], "--threads 0: from 1 to"),
        (["--threads", "999"], f"--threads 999: from 1 to {cores()}, the cores"),
        (["--onnx-int8", "none"], "--onnx-int8 none: no such folder"),
        (["--onnx-int4", str(TINY.parent)], "tests: no model.onnx in it; `make onnx`"),
        (["--checkpoint", "none"], "--checkpoint none: no such folder"),
        (["--checkpoint", str(TINY.parent)], "tests: no config.json in it"),
        (["--llama-bench", "none"], "--llama-bench none: no such file"),
        (["--llama-bench", str(TINY)], f"--llama-bench {TINY}: a folder; give the program"),
        (["--llama-bench", str(GGUF)], f"--llama-bench {GGUF}: no program"),
        (["--llama-bench", shutil.which("false") or "", *MODEL], "false fails: "),
        (["--plot", "."], "--plot .: a folder"),
        (["--plot", "none/plot.png"], "--plot none/plot.png: no such folder"),
        (["--model", str(TINY / "tiny-adapter.gguf")], "not a model"),
    ],
)
def test_bad_arguments(
    arguments: list[str],
    said: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """They are told before anything is measured."""
    monkeypatch.delattr("scripts.bench.run.interleave")
    assert bench_latency.main(arguments, SMALL) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert said in captured.err
    assert captured.err.count("\n") == 1


def test_it_explains_itself() -> None:
    command = [sys.executable, "scripts/bench_latency.py", "--help"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0
    assert "bytes of weights / memory bandwidth" in done.stdout
    wrong = subprocess.run([*command[:2], "--fast"], cwd=ROOT, capture_output=True, timeout=60)
    assert wrong.returncode == 2
