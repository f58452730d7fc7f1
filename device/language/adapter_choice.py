"""Which LoRA adapter speaks for the wearer, and which model it belongs to.

The data folder's `personal/` holds the adapters, `<sha256>.gguf`, and `choice.json`:

    {"version": 1,
     "current": {"sha256": "9f86d0...", "base": "2c26b4..."},     null where none is in use
     "previous": null}                                            what `swap` takes up again

`base` is the SHA-256 of the model that the adapter was made for; with another it would say
anything. Files that neither names are removed.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

from device.disk import SHA256, erase, sha256_of, sync_folder, write_atomically
from device.errors import ModelError
from device.language.manifest import locked, told
from device.settings import default_data_dir

VERSION = 1
Follow = Callable[[], Path | None]
"""Says which adapter's file is in use now, or None; cheap enough to be asked for every message."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Adapter:
    """An adapter and the model it belongs to."""

    sha256: str
    """Of its file, in lower-case hex; names it too."""
    base: str
    """Of the model's file."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What is in use and what was before; None is no adapter."""

    current: Adapter | None = None
    previous: Adapter | None = None


class Adapters:
    """The wearer's adapters. Nothing is kept in memory: a running assistant sees every change.

    Every method raises `ModelError` for what can't be read or written.
    """

    def __init__(self, data_dir: Path):
        self.folder = data_dir / "personal"
        self._file = self.folder / "choice.json"
        self._lock = data_dir / ".personal.lock"

    @classmethod
    def default(cls) -> Self:
        """Those of this machine's wearer."""
        return cls(default_data_dir())

    def path(self, adapter: Adapter) -> Path:
        """Where its file lies."""
        return self.folder / f"{adapter.sha256}.gguf"

    def choice(self) -> Choice:
        """What is in use; none where nothing was ever chosen."""
        try:
            raw = json.loads(self._file.read_text(encoding="utf-8"))
            if raw["version"] != VERSION:
                raise ValueError(f"version {raw['version']}")
            return Choice(*(_adapter(raw[key]) for key in ("current", "previous")))
        except FileNotFoundError:
            return Choice()
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ModelError(
                f"{self._file}: can't be read ({error}); `sidelong personalize --forget` removes "
                "it, and what was learnt"
            ) from error

    def follow(self, base: str | None) -> Follow:
        """What tells the adapter of the model with this SHA-256, as long as it is in use.

        One of another model, or one whose file is missing or damaged, is passed over, and the log
        says so once.
        """
        seen: Adapter | None = None
        path: Path | None = None
        problem: str | None = None

        def now() -> Path | None:
            nonlocal seen, path, problem
            try:
                adapter = self.choice().current
                if adapter != seen:
                    seen, path = adapter, None
                    path = None if adapter is None else self._usable(adapter, base)
                problem = None
            except ModelError as error:
                if problem != str(error):
                    problem = str(error)
                    _log.warning("sidelong: %s", problem)
            return path

        return now

    def use(self, file: Path, base: str) -> Adapter:
        """Take an adapter's file into the folder and into use; what was in use can come back."""
        with self._changing(), told(self.folder):
            before = self.choice()
            adapter = Adapter(sha256_of(file), base)
            file.replace(self.path(adapter))
            sync_folder(self.folder)
            if adapter != before.current:
                self._write(Choice(adapter, before.current))
        return adapter

    def swap(self) -> Choice:
        """Take up again what was in use before; called again, the other one."""
        with self._changing():
            before = self.choice()
            if before == Choice():
                raise ModelError("nothing was learnt yet; `sidelong personalize` does")
            after = Choice(before.previous, before.current)
            self._write(after)
        return after

    def forget(self) -> bool:
        """Remove the whole folder, its content overwritten first; whether there was one."""
        with self._changing(), told(self.folder):
            there = any(self.folder.iterdir())
            erase(self.folder)
        return there

    def make_folder(self) -> None:
        """The folder, the wearer's alone."""
        with told(self.folder):
            self.folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.folder.mkdir(mode=0o700, exist_ok=True)

    @contextmanager
    def _changing(self) -> Iterator[None]:
        """One process at a time."""
        self.make_folder()
        with locked(self._lock):
            yield

    def _write(self, choice: Choice) -> None:
        with told(self._file):
            told_all = {"version": VERSION, **asdict(choice)}
            write_atomically(self._file, json.dumps(told_all, indent=1) + "\n")
            kept = {self.path(a) for a in (choice.current, choice.previous) if a}
            for old in set(self.folder.glob("*.gguf")) - kept:
                erase(old)

    def _usable(self, adapter: Adapter, base: str | None) -> Path:
        """Its file. Raises `ModelError` where that is none for this model."""
        if adapter.base != base:
            raise ModelError(
                "what was learnt from your texts belongs to another model and is left out; "
                "`sidelong personalize` learns it for this one"
            )
        path = self.path(adapter)
        try:
            whole = sha256_of(path) == adapter.sha256
        except OSError:
            whole = False
        if not whole:
            raise ModelError(
                f"{path}: missing or damaged, and left out; `sidelong personalize` learns it anew, "
                "--rollback takes up the one before"
            )
        return path


def _adapter(raw: dict[str, str] | None) -> Adapter | None:
    """Raises `ValueError` for what is no SHA-256: one becomes part of a path."""
    if raw is None:
        return None
    adapter = Adapter(raw["sha256"], raw["base"])
    if not all(SHA256.fullmatch(text) for text in (adapter.sha256, adapter.base)):
        raise ValueError("no SHA-256")
    return adapter
