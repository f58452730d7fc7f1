"""What keeps a killed run from living on: no orphans, and one run a folder."""

from __future__ import annotations

import ctypes
import fcntl
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PR_SET_PDEATHSIG = 1
"""prctl(2): a signal for this process when its parent dies."""
LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


class InUseError(RuntimeError):
    """Another run has the folder."""


def end_with_parent() -> None:
    """For `Popen(preexec_fn=...)`: the child gets SIGTERM when this process dies, even by kill -9.

    On other systems than Linux nothing happens.
    """
    if LIBC is not None:
        LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def watch_parent(every: float = 0.5) -> None:
    """From now on this process is killed within `every` seconds of its parent's death.

    For processes that somebody else started. Nothing is lost: what a run keeps is written whole or
    not at all. Ray's processes end with the one that started them.
    """
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(every)
        os.kill(os.getpid(), signal.SIGKILL)

    threading.Thread(target=watch, daemon=True).start()


@contextmanager
def alone(folder: Path, patience: float = 30.0) -> Iterator[None]:
    """`folder` is this run's own as long as the block runs; the lock ends with the process.

    Raises `InUseError` where another run still has it after `patience` seconds.
    """
    folder.mkdir(parents=True, exist_ok=True)
    until = time.monotonic() + patience
    with (folder / "lock").open("w") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > until:
                    raise InUseError(
                        f"another run writes to {folder}; wait for its end, or set out= to another "
                        "folder"
                    ) from None
                time.sleep(0.5)
        yield
