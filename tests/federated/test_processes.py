"""A killed run leaves nobody behind, and two runs never share a folder."""

from __future__ import annotations

import subprocess
import sys
import time
import traceback
from pathlib import Path

import pytest

from federated.flower import why
from federated.processes import InUseError, alone
from federated.settings import ROOT

linux = pytest.mark.skipif(sys.platform != "linux", reason="prctl and /proc are Linux's")
STARTER = """
import subprocess, sys
from federated.processes import end_with_parent
child = subprocess.Popen(["sleep", "600"], preexec_fn=end_with_parent)
print(child.pid, flush=True)
child.wait()
"""
WATCHER = """
import subprocess, sys
watching = "import time; from federated.processes import watch_parent; watch_parent(0.05); "
watching += "print(flush=True); time.sleep(600)"
child = subprocess.Popen([sys.executable, "-c", watching], stdout=subprocess.PIPE)
child.stdout.readline()
print(child.pid, flush=True)
child.wait()
"""


def is_gone(pid: int) -> bool:
    """Whether no such process runs; one that nobody has waited for counts as gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return True


@linux
@pytest.mark.parametrize("script", [STARTER, WATCHER])
def test_a_child_ends_with_a_killed_parent(script: str) -> None:
    parent = subprocess.Popen([sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.PIPE)
    assert parent.stdout is not None
    with parent.stdout:
        child = int(parent.stdout.readline())
        assert not is_gone(child)
        parent.kill()
        parent.wait()
        until = time.monotonic() + 60
        while not is_gone(child):
            assert time.monotonic() < until
            time.sleep(0.05)


def test_one_run_a_folder(tmp_path: Path) -> None:
    with (
        alone(tmp_path / "run"),
        pytest.raises(InUseError, match=r"another run writes to .*; wait for its end, or set out="),
        alone(tmp_path / "run", patience=0.01),
    ):
        pass
    with alone(tmp_path / "run", patience=0.01):
        pass


def test_a_servers_refusal_is_found_in_its_log(tmp_path: Path) -> None:
    (tmp_path / "run.log").write_text(
        "".join(traceback.format_exception_only(InUseError("another run writes to it")))
    )
    assert "another run writes to it" in why(tmp_path / "run.log")
