"""Recognisers and voices that the wearer has fetched: a folder each, with what it is and was.

    voice/NAME/model.json    {"kind": "sherpa" | "piper", "source": URL, "sha256": {FILE: HASH}}

A model is unpacked beside its place and moved there when it is whole; it is used only while every
file still has its hash.

They are fetched as the catalog's models are (`device.language.source`, `download`), but don't
stand in it: `device.language.catalog` knows one GGUF file an entry, reads prompt, licence and
quantization from its header, and tries it in llama.cpp; a folder of ONNX files has none of that.
"""

from __future__ import annotations

import json
import re
import shutil
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from device.disk import sha256_of, write_atomically
from device.errors import VoiceError
from device.settings import default_data_dir
from device.voice.sherpa_recogniser import is_model

Kind = Literal["sherpa", "piper"]
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


@dataclass(frozen=True, slots=True)
class SpeechModel:
    """One of them."""

    name: str
    kind: Kind
    source: str
    folder: Path
    hashes: dict[str, str]

    @property
    def voice(self) -> Path:
        """A Piper voice's ONNX file."""
        return next(self.folder.glob("*.onnx"))


def models_folder() -> Path:
    """Where they lie."""
    return default_data_dir() / "voice"


def speech_models(folder: Path) -> tuple[SpeechModel, ...]:
    """All of them, by name. Raises `VoiceError` for one that can't be read."""
    return tuple(map(_read, sorted(path.parent for path in folder.glob("*/model.json"))))


def usable(folder: Path, kind: Kind, name: str | None = None) -> SpeechModel | None:
    """The model of that kind (and name), every file as it was fetched; None where there is none.

    Raises `VoiceError` for a name that isn't there, and for a damaged one.
    """
    fits = [m for m in speech_models(folder) if m.kind == kind and name in (None, m.name)]
    if not fits:
        if name is not None:
            raise VoiceError(f"no {kind} model is called {name!r}; see `sidelong voice list`")
        return None
    for file, wanted in fits[0].hashes.items():
        path = fits[0].folder / file
        if not path.is_file() or sha256_of(path) != wanted:
            raise VoiceError(f"{path}: not what was fetched; run `sidelong voice pull` again")
    return fits[0]


def install(folder: Path, fetched: Path, name: str, source: str) -> SpeechModel:
    """Take in a fetched archive (.tar, also compressed), or a folder of fetched files.

    Raises `VoiceError` for an archive that is none or would write elsewhere, one that holds
    neither a recogniser nor a voice, or a name that can't be a folder's.
    """
    if not _NAME.fullmatch(name):
        raise VoiceError(f"{name!r} can't be a model's name; use letters, digits, '.', '_', '-'")
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        content = Path(scratch)
        if fetched.is_dir():
            shutil.copytree(fetched, content, dirs_exist_ok=True)
        else:
            try:
                with tarfile.open(fetched) as archive:
                    archive.extractall(content, filter="data")
            except (OSError, tarfile.TarError) as error:
                raise VoiceError(f"{source}: no usable archive: {error}") from error
        inner = [content, *sorted(p for p in content.rglob("*") if p.is_dir())]
        found = next((place for place in inner if _kind(place)), None)
        if found is None:
            raise VoiceError(
                f"{source}: neither a streaming transducer (tokens.txt, encoder, decoder, joiner) "
                "nor a Piper voice (.onnx with .onnx.json)"
            )
        hashes = {p.name: sha256_of(p) for p in sorted(found.iterdir()) if p.is_file()}
        record = {"kind": _kind(found), "source": source, "sha256": hashes}
        write_atomically(found / "model.json", json.dumps(record, indent=2) + "\n")
        place = folder / name
        if place.exists():
            shutil.rmtree(place)
        found.replace(place) if found is not content else shutil.copytree(content, place)
    return _read(place)


def _kind(folder: Path) -> Kind | None:
    if is_model(folder):
        return "sherpa"
    voices = [path for path in folder.glob("*.onnx") if path.with_suffix(".onnx.json").is_file()]
    return "piper" if len(voices) == 1 else None


def _read(folder: Path) -> SpeechModel:
    path = folder / "model.json"
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        kind, hashes = record["kind"], dict(record["sha256"])
        if kind not in ("sherpa", "piper"):
            raise ValueError(f"kind {kind!r}")
        return SpeechModel(folder.name, kind, str(record["source"]), folder, hashes)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise VoiceError(f"{path}: can't be read ({error}); pull the model again") from error
