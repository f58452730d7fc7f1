"""The most memory that a process has held, by either account."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

HELD = """
from pathlib import Path
from device import memory

memory.STATUS = Path({status!r})
held = b"x" * 200_000_000
print(memory.peak_mb())
"""


@pytest.mark.parametrize(
    ("status", "most"),
    [("/proc/self/status", 300), ("/nowhere", 10_000)],  # there, what these tests hold may count
)
def test_what_is_held_counts_in_megabytes(status: str, most: float) -> None:
    command = [sys.executable, "-c", HELD.format(status=status)]
    root = Path(__file__).parents[2]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
    assert 200 < float(done.stdout) < most
