"""A whole simulation on the tiny model: one command, broken clients, a report, and going on."""

from __future__ import annotations

import gzip
import json
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from federated import simulate
from federated.processes import alone
from federated.settings import ROOT
from tests.federated.conftest import TINY, sents

pytest.importorskip("flwr", reason="flwr is in the extra `federated`")
pytest.importorskip("ray", reason="ray is in the extra `federated`")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A folder with the three sets, all made up; two users each."""
    chat, others = tmp_path / "data/glancechat", tmp_path / "data/users"
    chat.mkdir(parents=True)
    others.mkdir()
    (chat / "splits.json").write_text('{"development": ["p0", "p1"]}')
    threads = [
        {"id": s.thread.id, "persona": name, "lang": "en", "me": name, "glance": "x",
         "summary": "x", "asks": None, "needs_reply": True, "urgency": "low",
         "messages": [{"from": "Ben", "text": s.thread.messages[0].text}],
         "replies": [{"intent": "inform", "text": s.replies[0].text}]}
        for name in ("p0", "p1") for s in sents(name, 12)
    ]  # fmt: skip
    (chat / "threads-a.jsonl").write_text("\n".join(map(json.dumps, threads)))
    for name in ("nus_sms", "gitter_user_replies"):
        records = [
            {"id": s.thread.id, "user": user,
             "thread": [{"from": user, "ts": None, "text": s.replies[0].text}]}
            for user in (f"{name}-a", f"{name}-b") for s in sents(user, 12)
        ]  # fmt: skip
        lines = "\n".join(map(json.dumps, records))
        (others / f"{name}.jsonl.gz").write_bytes(gzip.compress(lines.encode()))
    return tmp_path / "data"


def run(data: Path, out: Path, *settings: str) -> subprocess.CompletedProcess[str]:
    told = [f"data={data}", f"out={out}", "users=4", *settings]
    command = [sys.executable, "-m", "federated.simulate", "--tiny"]
    for pair in told:
        command += ["--set", pair]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=1800)


def test_one_command_survives_broken_clients_and_goes_on(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    done = run(data, out, "rounds=1", "faults=nan:0,crash:1")
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads(done.stdout.splitlines()[-1])
    assert (report["users"], report["rounds"], report["refused"]) == (4, 1, 2)
    assert report["status"] == "finished:completed"
    assert "NaN" in done.stdout
    assert "failed: RuntimeError" in done.stdout
    assert "this client fails" not in done.stdout, "an error's words can quote a text"
    assert (out / "report.png").exists()
    seen = [row["seen"] for row in report["audit"]["rows"]]
    assert seen == ["before", "the adapter of all", "one user's update", "the adapter of all"]
    assert report["audit"] == json.loads((out / "report.json").read_text())["audit"]
    log = (out / "run.log").read_text()
    assert f'"ppl_none": {report["ppl_none"]}' in log, "`flwr run` ends with the report too"

    more = run(data, out, "rounds=2", "resume=true", "noise=1.0")
    assert more.returncode == 2, "noise makes it another run"
    assert "checkpoint.npz is of a run with other settings" in more.stderr

    more = run(data, out, "rounds=2", "resume=true")
    assert more.returncode == 0, more.stdout + more.stderr
    assert "resumed behind round 1" in more.stdout
    assert json.loads(more.stdout.splitlines()[-1])["rounds"] == 2


@pytest.mark.parametrize(
    ("told", "why"),
    [
        (["--set", "data=/nowhere"], "no folder /nowhere/glancechat; set data="),
        (["--set", "gguf=/nowhere.gguf"], "no model /nowhere.gguf; set gguf="),
        (["--set", "users=1"], "min_clients = 2 of users = 1"),
        (["--set", "deployed=true"], "deployed = True is for"),
        (["--cpus", "0"], "--cpus 0"),
    ],
)
def test_what_can_not_be_run_is_refused_beforehand(
    data: Path,
    tmp_path: Path,
    told: list[str],
    why: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "run"
    monkeypatch.setattr(simulate, "run_app", None)
    usual = [f"data={data}", f"out={out}", f"gguf={TINY / 'tiny.gguf'}"]
    assert answer(monkeypatch, *(f"--set={pair}" for pair in usual), *told) == 2
    assert f"federated: {why}" in capsys.readouterr().err
    assert not out.exists()


def test_a_second_run_in_the_same_folder_touches_nothing(
    data: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Not the first one's report, nor the address of its SuperLink."""
    out = tmp_path / "run"
    monkeypatch.setattr(simulate, "alone", partial(alone, patience=0.01))
    with alone(out / "flwr"):
        (out / "report.json").write_text("the first one's")
        before = sorted(out.rglob("*"))
        told = [f"--set=data={data}", f"--set=out={out}"]
        assert answer(monkeypatch, "--tiny", *told) == 2
    assert "another run writes to" in capsys.readouterr().err
    assert sorted(out.rglob("*")) == before
    assert (out / "report.json").read_text() == "the first one's"


def test_the_report_is_not_lost_where_the_audit_can_not_be_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from federated import report

    monkeypatch.setattr(simulate, "simulate", lambda settings, cpus: {"rounds_taken": 1})
    monkeypatch.setattr(report, "lines", lambda report: ["what it came to"])
    told = f"--set=out={tmp_path}", f"--set=data={tmp_path / 'nowhere'}"
    assert answer(monkeypatch, "--tiny", *told) == 2
    done = capsys.readouterr()
    assert "what it came to" in done.out
    assert "nowhere" in done.err
    assert json.loads((tmp_path / "report.json").read_text()) == {"rounds_taken": 1}


def answer(monkeypatch: pytest.MonkeyPatch, *told: str) -> int | str | None:
    """The command's exit code, in this process."""
    monkeypatch.setattr(sys, "argv", ["federated.simulate", *told])
    handler = signal.getsignal(signal.SIGTERM)
    try:
        with pytest.raises(SystemExit) as left:
            simulate.main()
    finally:
        signal.signal(signal.SIGTERM, handler)
    return left.value.code
