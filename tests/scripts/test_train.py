"""`make train` without the data says so, and does nothing else."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("command", [["scripts/train.sh"], ["make", "train"]], ids=lambda c: c[0])
def test_data_that_is_not_there(command: list[str], tmp_path: Path) -> None:
    if not shutil.which("bash") or not shutil.which(
        command[0], path=f"{ROOT}:{os.environ['PATH']}"
    ):
        pytest.skip("neither bash nor make here")
    # `make test` runs this: its own make would speak as "make[1]:".
    outside = {k: v for k, v in os.environ.items() if not k.startswith(("MAKE", "MFLAGS"))}
    done = subprocess.run(
        [*command, *([f"DATA={tmp_path}"] if command[0] == "make" else [])],
        cwd=ROOT,
        env=outside | {"DATA": str(tmp_path), "WORK": str(tmp_path / "work")},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 2
    first, *rest = done.stderr.splitlines()
    assert (
        f"o folder {tmp_path}/glancechat; say where the training data is: make train DATA=" in first
    )
    assert all(line.startswith("make: ") for line in rest)
    assert not (tmp_path / "work").exists()
