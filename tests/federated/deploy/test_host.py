"""The operator's machine: what is set up, found again, and run."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from federated.deploy import host
from federated.deploy.__main__ import main as operate
from federated.flower import RunFailed, free_port, listens, running
from federated.settings import Settings

linux = pytest.mark.skipif(sys.platform != "linux", reason="all of 127.0.0.0/8 is Linux's loopback")


@pytest.mark.parametrize(
    ("name", "address", "port", "why"),
    [
        ("fleet.exämple", "0.0.0.0", 9443, "fleet.exämple: no host name"),
        ("fleet.example.org:9443", "0.0.0.0", 9443, "fleet.example.org:9443: no host name"),
        ("fleet.example.org", "fleet", 9443, "'fleet' does not appear to be an IPv4"),
        ("fleet.example.org", "0.0.0.0", 99_999, "port 99999"),
    ],
)
def test_nothing_is_set_up_by_halves(
    tmp_path: Path, name: str, address: str, port: int, why: str
) -> None:
    with pytest.raises(ValueError, match=why):
        host.set_up(tmp_path / "f", [name], address, port)
    assert not (tmp_path / "f").exists()


def test_a_key_that_is_not_there_is_named(tmp_path: Path) -> None:
    fleet = host.set_up(tmp_path / "f", ["localhost"], "127.0.0.1", 9443)
    with pytest.raises(RunFailed, match=r"anna\.pub: no such file"):
        host.register(fleet, tmp_path / "anna.pub", None)


@linux
def test_the_gate_is_looked_for_where_it_listens(tmp_path: Path) -> None:
    """Not on 127.0.0.1 where it was told another address."""
    port = free_port()
    command = [sys.executable, "-m", "http.server", "--bind", "127.0.0.2", str(port)]
    with running(command, dict(os.environ), tmp_path / "log", port, "127.0.0.2"):
        assert listens(port, "127.0.0.2")
        assert not listens(port)


@pytest.mark.parametrize("more", [{"deployed": False}, {"method": "local-only"}])
def test_what_no_device_answers_is_not_run(tmp_path: Path, more: dict[str, Any]) -> None:
    fleet = host.set_up(tmp_path / "f", ["localhost"], "127.0.0.1", 9443)
    with pytest.raises(ValueError, match="for simulations alone"):
        host.run(fleet, dataclasses.replace(Settings(deployed=True), **more))


def test_a_fleet_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(RunFailed, match="holds no federation"):
        host.fleet_of(tmp_path)


def test_a_set_up_fleet_is_found_again(tmp_path: Path) -> None:
    fleet = host.set_up(tmp_path / "f", ["localhost"], "127.0.0.1", 9443)
    assert host.fleet_of(tmp_path / "f") == fleet
    command = fleet.superlink()
    assert "--insecure" not in command
    assert "--enable-supernode-auth" in command
    assert command[command.index("--host") + 1] == "127.0.0.1"
    assert dataclasses.asdict(fleet)["port"] == 9443


def test_up_fails_when_one_of_its_processes_has_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    host.set_up(tmp_path, ["localhost"], "127.0.0.1", 9443)
    with (
        subprocess.Popen(["sleep", "60"]) as runs,
        subprocess.Popen(["true"]) as ended,
    ):
        monkeypatch.setattr(host, "up", lambda fleet: contextlib.nullcontext((runs, ended)))
        monkeypatch.setattr(sys, "argv", ["federated.deploy", "up", str(tmp_path)])
        handler = signal.getsignal(signal.SIGTERM)
        try:
            with pytest.raises(SystemExit) as left:
                operate()
        finally:
            signal.signal(signal.SIGTERM, handler)
            runs.kill()
    assert left.value.code == 2
    assert "SuperLink or gate has ended" in capsys.readouterr().err
