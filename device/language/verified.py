"""Is a model's file what its manifest says, and can it be loaded?

It is hashed once a state of the file, then remembered.

The memory is a JSON object: path -> [size in bytes, modification time in ns, SHA-256]. It only
saves time: what is lost or can't be written is hashed again.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from device.disk import sha256_of, write_atomically
from device.errors import ModelError
from device.language.manifest import Entry

TRIAL_SECONDS = 300
"""The longest that loading may take: gigabytes from a slow card."""


def try_loading(path: Path, name: str) -> None:
    """Load a model on trial. Raises `ModelError`, which speaks of `name`, where that fails.

    In a process of its own: llama.cpp ends the one that meets certain damaged files, and a hash
    only says that a file is as it was published.
    """
    root = Path(__file__).parents[2]
    try:
        done = subprocess.run(
            [sys.executable, "-m", "device.language.load", path.resolve()],
            cwd=root,  # where `-m` looks first
            env=os.environ | {"GGML_NO_BACKTRACE": "1"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=TRIAL_SECONDS,
        )
    except subprocess.TimeoutExpired:
        raise ModelError(
            f"{name}: loading it takes more than {TRIAL_SECONDS} seconds; choose a smaller model"
        ) from None
    if done.returncode == 0:
        return
    said = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
    if said.startswith(f"{path.resolve()}: "):
        raise ModelError(f"{name}: {said.removeprefix(f'{path.resolve()}: ')}")
    if done.returncode < 0:
        said = f"llama.cpp dies of it, signal {-done.returncode}"
    raise ModelError(f"{name}: can't be loaded ({said}); choose another model")


class VerifiedFiles:
    """The files that were hashed before, as `memory` keeps them."""

    def __init__(self, memory: Path):
        self._path = memory

    def check(self, entry: Entry, *, trust_memory: bool = False) -> None:
        """Hold a file against its entry. `trust_memory`: no second hash of an untouched file.

        Raises `ModelError` for one that is missing, can't be read, or has another size or SHA-256.
        """
        pull = f"`sidelong model pull {entry.source} --name {entry.name}`"
        again = pull if entry.source else "installing Sidelong again"
        advice = f"{again} brings it back, `sidelong model use` or `rollback` chooses another"
        try:
            stat = entry.path.stat()
            if stat.st_size != entry.size_bytes:
                raise ModelError(
                    f"{entry.path}: {stat.st_size} bytes instead of {entry.size_bytes}; {advice}"
                )
            seen = [stat.st_size, stat.st_mtime_ns, entry.sha256]
            if trust_memory and self._memory().get(str(entry.path)) == seen:
                return
            digest = sha256_of(entry.path)
        except OSError as error:
            problem = error.strerror or str(error)
            raise ModelError(f"{entry.path}: can't be read ({problem}); {advice}") from error
        if digest != entry.sha256:
            raise ModelError(f"{entry.path}: damaged (SHA-256 {digest}); {advice}")
        self._remember(entry.path, seen)

    def tried(self, path: Path) -> str:
        """The SHA-256 of a GGUF that was loaded on trial, once a state of the file.

        Raises `ModelError` where it can't be read or loaded.
        """
        whole = path.resolve()
        try:
            stat = whole.stat()
            match self._memory().get(str(whole)):
                case [stat.st_size, stat.st_mtime_ns, str(known)]:
                    return known
            try_loading(path, str(path))
            digest = sha256_of(whole)
        except OSError as error:
            raise ModelError(f"{path}: can't be read ({error.strerror or error})") from error
        self._remember(whole, [stat.st_size, stat.st_mtime_ns, digest])
        return digest

    def _memory(self) -> dict[str, object]:
        try:
            memory = json.loads(self._path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return memory if isinstance(memory, dict) else {}

    def _remember(self, path: Path, seen: object) -> None:
        memory = {k: v for k, v in self._memory().items() if Path(k).exists()}
        with suppress(OSError):
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_atomically(self._path, json.dumps(memory | {str(path): seen}, indent=1))
