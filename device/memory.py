"""What this process holds in memory."""

from __future__ import annotations

import sys
from pathlib import Path

STATUS = Path("/proc/self/status")
"""Linux's own account: `getrusage` there may still count what the process that started it held."""


def peak_mb() -> float:
    """The most memory that this process has held, in MB (10^6 bytes)."""
    if STATUS.exists():
        lines = STATUS.read_text().splitlines()
        return next(int(x.split()[1]) for x in lines if x.startswith("VmHWM")) * 1024 / 1e6
    import resource  # only here: Windows has none

    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # macOS counts bytes
    return used / 1e6 if sys.platform == "darwin" else used * 1024 / 1e6
