"""Which models there are, which one is in use, and that each is what it says it is.

Two manifests make one catalog: the shipped one, which is only read (`models/manifest.json`), and
the wearer's own in the data folder, which also remembers the choice. Of two models of one name the
wearer's own counts. Whatever fails, the choice stays as it was.

The data folder (platformdirs; Linux: ~/.local/share/sidelong) holds `manifest.json`,
`verified.json` (hashes already computed) and `pulled/`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from device.disk import SHA256, sync_folder
from device.errors import ModelError
from device.language.download import Progress, discard, download
from device.language.gguf_header import GgufHeader, read_header
from device.language.manifest import (
    Entry,
    Manifest,
    Prompt,
    checked_name,
    locked,
    name_of,
    read_manifest,
    told,
    write_manifest,
)
from device.language.source import resolve
from device.language.verified import VerifiedFiles, try_loading
from device.settings import default_data_dir

__all__ = ["Catalog", "Entry", "Prompt", "find_shipped_manifest"]

_KEPT_CHOICES = 8


def find_shipped_manifest(data_dir: Path) -> Path:
    """Where the shipped models are: the first of these folders that has a `manifest.json`.

    1. the environment's SIDELONG_MODELS (the only one looked at when set),
    2. `models/` beside the package (a checkout, or a wheel that carries models),
    3. `models/` in the data folder (where an installer may put them).

    Raises `ModelError` when SIDELONG_MODELS is set and has none. The third may not exist: the
    catalog then has only the wearer's own models.
    """
    if chosen := os.environ.get("SIDELONG_MODELS"):
        manifest = Path(chosen) / "manifest.json"
        if not manifest.is_file():
            raise ModelError(f"{manifest}: not there; let SIDELONG_MODELS name the models' folder")
        return manifest
    beside = Path(__file__).parents[2] / "models" / "manifest.json"
    return beside if beside.is_file() else data_dir / "models" / "manifest.json"


class Catalog:
    """The shipped models and the wearer's own.

    Nothing is kept in memory: every call reads the manifests, so that a long-running assistant
    and a `sidelong model` beside it agree. Every method raises `ModelError` for a manifest that
    can't be read or understood.
    """

    def __init__(self, shipped_manifest: Path, data_dir: Path):
        self._shipped = shipped_manifest
        self._data = data_dir
        self._own = data_dir / "manifest.json"
        self._pulled = data_dir / "pulled"
        self._files = VerifiedFiles(data_dir / "verified.json")

    @classmethod
    def default(cls) -> Self:
        """The catalog of this machine and wearer."""
        data_dir = default_data_dir()
        return cls(find_shipped_manifest(data_dir), data_dir)

    def list(self) -> tuple[Entry, ...]:
        """All models, the shipped ones first; nothing is verified."""
        return tuple(self._entries().values())

    def entry(self, name: str) -> Entry:
        """The model of that name, not verified. Raises `ModelError` when there is none."""
        entries = self._entries()
        if name not in entries:
            there = ", ".join(entries) or "none"
            raise ModelError(
                f"no model is called {name!r}; there is {there}; see `sidelong model list`"
            )
        return entries[name]

    def current_name(self) -> str:
        """The name of the model in use. Raises `ModelError` when nothing is chosen or shipped."""
        name = self._read_own().current or self._read_shipped().default
        if name is None:
            raise ModelError("there is no model yet; fetch one with `sidelong model pull`")
        return name

    def current(self) -> Entry:
        """The model in use, verified: its size each time, its SHA-256 once for each state of
        the file (path, modification time, size). Raises `ModelError` when it is missing or damaged.
        """
        entry = self.entry(self.current_name())
        self._files.check(entry, trust_memory=True)
        return entry

    def tried(self, path: Path) -> str:
        """The SHA-256 of a file of no manifest, loaded on trial. Raises `ModelError`."""
        return self._files.tried(path)

    def verify(self, name: str | None = None) -> tuple[Entry, ...]:
        """Hash one model, or all, and return them. Raises `ModelError` that tells all bad ones."""
        entries = self.list() if name is None else (self.entry(name),)
        problems = []
        for entry in entries:
            try:
                self._files.check(entry)
            except ModelError as error:
                problems.append(str(error))
        if problems:
            raise ModelError("\n".join(problems))
        return entries

    def use(self, name: str) -> Entry:
        """Choose a model, once it has been verified and loaded on trial.

        Raises `ModelError`; the choice then stays.
        """
        entry = self.entry(name)
        self._try(entry)
        with self._changing() as own:
            before = own.current or self._read_shipped().default
            if before != name:
                own.previous = [*own.previous, *([before] if before else [])][-_KEPT_CHOICES:]
            own.current = name
        return entry

    def rollback(self) -> Entry:
        """Choose again what was in use before, tried as in `use`; called again, the one before.

        What can't be used any more is passed over. Raises `ModelError` when none is left; the
        choice then stays.
        """
        problems = []
        with self._changing() as own:
            while own.previous:
                try:
                    entry = self.entry(own.previous.pop())
                    self._try(entry)
                except ModelError as error:
                    problems.append(str(error))
                    continue
                own.current = entry.name
                return entry
            problems.append("no model was in use before; choose one with `sidelong model use`")
            raise ModelError("\n".join(problems))

    def pull(
        self,
        source: str,
        *,
        name: str | None = None,
        sha256: str | None = None,
        progress: Progress | None = None,
    ) -> Entry:
        """Fetch a GGUF from a URL or hub id (see `source.resolve`) and add it; not yet in use.

        A download that was cut off is taken up again by the same call. `name` is made from the
        file's name by default. Pulling what is there and intact returns it; what came from the same
        source and is damaged is replaced. The model's prompt is the file's key `sidelong.prompt`,
        or else "chat", for which it must have a chat template.

        Raises `ModelError` for a source, name or hash that isn't one, a name that is taken, any
        failure on the way, a wrong hash, and a file that is no whole GGUF model or can't be loaded.
        """
        remote = resolve(source)
        name = checked_name(name_of(remote.file_name) if name is None else name)
        if sha256 is not None and not SHA256.fullmatch(sha256 := sha256.lower()):
            raise ModelError(f"{sha256!r} is no SHA-256; it has 64 hexadecimal digits")
        self._make_folders()
        with locked(self._pulled / ".lock", "another `sidelong model pull` is running; wait"):
            if there := self._entries().get(name):
                intact = self._is_intact(there)
                other_file = intact and sha256 not in (None, there.sha256)
                if there.source != remote.source or other_file:
                    raise ModelError(f"there is already a model called {name!r}; give another name")
                if intact:
                    return there
            part = self._pulled / f"{name}.gguf.part"
            digest = download(remote.url, part, sha256, progress)
            try:
                entry = self._describe(part, name, digest, remote.source)
                try_loading(part, remote.source)
            except ModelError:
                discard(part)
                raise
            with told(entry.path):
                part.replace(entry.path)
                sync_folder(self._pulled)
            discard(part)
            with self._changing() as own:
                own.entries[name] = entry
        return entry

    def _try(self, entry: Entry) -> None:
        self._files.check(entry)
        try_loading(entry.path, str(entry.path))

    def _describe(self, part: Path, name: str, sha256: str, source: str) -> Entry:
        header = read_header(part)
        return Entry(
            name=name,
            file=f"{name}.gguf",
            sha256=sha256,
            size_bytes=part.stat().st_size,
            base=header.name or header.architecture,
            licence=header.licence or "unknown",
            data_licences={},
            prompt=_prompt(header, source),
            quantization=header.quantization,
            figures={},
            source=source,
            folder=self._pulled,
        )

    def _read_shipped(self) -> Manifest:
        return read_manifest(self._shipped, self._shipped.parent)

    def _read_own(self) -> Manifest:
        return read_manifest(self._own, self._pulled)

    def _entries(self) -> dict[str, Entry]:
        return self._read_shipped().entries | self._read_own().entries

    @contextmanager
    def _changing(self) -> Iterator[Manifest]:
        """The wearer's manifest, written back after the block; one process at a time."""
        self._make_folders()
        with locked(self._data / ".manifest.lock"):
            own = self._read_own()
            yield own
            write_manifest(self._own, own)

    def _make_folders(self) -> None:
        with told(self._pulled):
            # The inbox may lie here too: the folder is the wearer's alone from the start.
            self._data.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._pulled.mkdir(exist_ok=True)

    def _is_intact(self, entry: Entry) -> bool:
        try:
            self._files.check(entry)
        except ModelError:
            return False
        return True


def _prompt(header: GgufHeader, source: str) -> Prompt:
    """How a pulled model is driven. Raises `ModelError` for one that can't be."""
    if header.kind != "model" or header.parts != 1:
        what = repr(header.kind) if header.parts == 1 else f"one of {header.parts} parts of a model"
        raise ModelError(f"{source}: this is {what}; choose the file of a whole model")
    if header.prompt == "thread/1":
        return "thread/1"
    if header.prompt is not None:
        raise ModelError(f"{source}: made for the prompt {header.prompt!r}; update Sidelong")
    if not header.has_chat_template:
        raise ModelError(f"{source}: has no chat template; choose an instruct model")
    return "chat"
