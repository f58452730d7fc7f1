"""Reading and writing a manifest of models, the shipped one or the wearer's own.

Both look like this:

    {
      "version": 1,
      "default": "sidelong-118m",             shipped only: in use until another is chosen
      "current": null, "previous": [],        the wearer's only: names, the newest choice last
      "models": [
        {
          "name": "sidelong-118m",            lower-case letters, digits, "." "_" "-"
          "file": "sidelong-118m-Q4_0.gguf",  a plain name, in the manifest's folder (shipped)
                                              or in the data folder's pulled/ (the wearer's own)
          "sha256": "9f86d0...",              64 lower-case hex digits
          "size_bytes": 72345678,
          "base": "SmolLM2-135M-Instruct",
          "licence": "Apache-2.0",            of the weights
          "data_licences": {"GlanceChat": "CC-BY-4.0"},
          "prompt": "thread/1",               or "chat": through the file's own chat template
          "quantization": "Q4_0",
          "figures": {"glance_rouge_l": 37.0},
          "source": null                      a URL or hub id it was pulled from
        }
      ]
    }
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeVar, cast, get_args

from device.disk import SHA256, write_atomically
from device.errors import ModelError

if sys.platform != "win32":
    import fcntl

Prompt = Literal["thread/1", "chat"]

VERSION = 1
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_FILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Entry:
    """One model of a manifest; the keys are explained at the top of this file."""

    name: str
    file: str
    sha256: str
    size_bytes: int
    base: str
    licence: str
    data_licences: dict[str, str]
    """Data set -> licence of what it was trained on; empty where that isn't known."""
    prompt: Prompt
    quantization: str
    figures: dict[str, float]
    """Measured figures by name, in the unit that the name says."""
    source: str | None
    folder: Path
    """Where `file` lies; not part of the manifest."""

    @property
    def path(self) -> Path:
        """The model's file."""
        return self.folder / self.file


@dataclass(slots=True)
class Manifest:
    """A manifest's content. A file that isn't there is an empty one."""

    entries: dict[str, Entry] = field(default_factory=dict)
    default: str | None = None
    current: str | None = None
    previous: list[str] = field(default_factory=list)


def checked_name(name: str) -> str:
    """The name itself. Raises `ModelError` when it is none: it becomes part of a path."""
    if not _NAME.fullmatch(name):
        raise ModelError(
            f"{name!r} can't be a model's name; use lower-case letters, digits, '.', '_' and '-'"
        )
    if name.endswith(".gguf"):
        raise ModelError(f"{name!r} would be taken for a file; leave out .gguf")
    return name


def name_of(file_name: str) -> str:
    """A model's name made from a file's: "Qwen2.5 0.5B.gguf" gives "qwen2.5-0.5b"."""
    stem = file_name.lower().removesuffix(".gguf")
    return re.sub(r"[^a-z0-9._]+", "-", stem).lstrip("._-")[:64]


def read_manifest(path: Path, folder: Path) -> Manifest:
    """Read a manifest whose models lie in `folder`.

    Raises `ModelError` for one that can't be read, is damaged, or is of a newer version.
    """
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        version = _get(raw, "version", int)
        if version > VERSION:
            raise ModelError(f"{path}: made by a newer Sidelong (version {version}); update this")
        entries = [_entry(item, folder) for item in _get(raw, "models", list)]
        names = [entry.name for entry in entries]
        if len(set(names)) < len(names):
            raise ValueError("two models have one name")
        return Manifest(
            entries=dict(zip(names, entries, strict=True)),
            default=_maybe(raw, "default"),
            current=_maybe(raw, "current"),
            previous=[str(name) for name in raw.get("previous") or []],
        )
    except FileNotFoundError:
        return Manifest()
    except OSError as error:
        raise ModelError(f"{path}: can't be read ({error.strerror}); check its rights") from error
    except (ValueError, TypeError, AttributeError) as error:
        raise ModelError(
            f"{path}: not a manifest of models ({error}); mend it, or move it away"
        ) from error


def write_manifest(path: Path, manifest: Manifest) -> None:
    """Write the wearer's manifest; the old one is whole until the new one is.

    Raises `ModelError` when it can't be written.
    """
    models = [
        {key: value for key, value in asdict(entry).items() if key != "folder"}
        for entry in manifest.entries.values()
    ]
    content = {
        "version": VERSION,
        "current": manifest.current,
        "previous": manifest.previous,
        "models": models,
    }
    with told(path):
        write_atomically(path, json.dumps(content, indent=2, ensure_ascii=False) + "\n")


@contextmanager
def locked(path: Path, busy: str | None = None) -> Iterator[None]:
    """Keep other processes out of the block, by waiting or, with `busy`, by a `ModelError`."""
    with told(path):
        file = path.open("ab")
    with file:
        if sys.platform != "win32":
            try:
                with told(path):
                    fcntl.flock(file, fcntl.LOCK_EX | (fcntl.LOCK_NB if busy else 0))
            except ModelError as error:
                if busy and isinstance(error.__cause__, BlockingIOError):
                    raise ModelError(busy) from error
                raise
        yield


@contextmanager
def told(path: Path) -> Iterator[None]:
    """Turn an `OSError` into a `ModelError` about `path`."""
    try:
        yield
    except OSError as error:
        problem = error.strerror or str(error)
        raise ModelError(
            f"{path}: can't be written ({problem}); check the rights and the disk"
        ) from error


def _entry(raw: dict[str, Any], folder: Path) -> Entry:
    """Raises `ValueError` that names the key."""
    name, file, sha256 = (_get(raw, key, str) for key in ("name", "file", "sha256"))
    prompt = _get(raw, "prompt", str)
    licences, figures = _get(raw, "data_licences", dict), _get(raw, "figures", dict)
    if not _NAME.fullmatch(name):
        raise ValueError(f"name {name!r} is not made of lower-case letters, digits, '.', '_', '-'")
    if not _FILE.fullmatch(file):
        raise ValueError(f"file {file!r} is not a plain file name")
    if not SHA256.fullmatch(sha256):
        raise ValueError(f"sha256 {sha256!r} is not 64 lower-case hex digits")
    if prompt not in get_args(Prompt):
        raise ValueError(f"prompt {prompt!r} is none of {', '.join(get_args(Prompt))}")
    return Entry(
        name=name,
        file=file,
        sha256=sha256,
        size_bytes=_get(raw, "size_bytes", int),
        base=_get(raw, "base", str),
        licence=_get(raw, "licence", str),
        data_licences={str(k): _get(licences, k, str) for k in licences},
        prompt=cast(Prompt, prompt),
        quantization=_get(raw, "quantization", str),
        figures={str(k): _get(figures, k, float) for k in figures},
        source=_maybe(raw, "source"),
        folder=folder,
    )


def _maybe(raw: dict[str, Any], key: str) -> str | None:
    return None if raw.get(key) is None else _get(raw, key, str)


def _get(raw: dict[str, Any], key: str, kind: type[_T]) -> _T:
    """The value of a key that must be there. Raises `ValueError`."""
    value = raw.get(key)
    if kind is float and type(value) is int:
        value = float(value)
    if not isinstance(value, kind) or isinstance(value, bool):
        raise ValueError(f"{key} is not of type {kind.__name__}")
    return value
