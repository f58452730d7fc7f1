"""A model is loaded on trial, in a process of its own, before it is put in use."""

from __future__ import annotations

import hashlib
import struct
from pathlib import Path

import pytest

from device.errors import ModelError
from device.language import verified
from device.language.catalog import Catalog
from device.language.load import find_model
from tests.models import File, Server, entry, parts, ship

TINY = (Path(__file__).parents[2] / "tiny" / "tiny.gguf").read_bytes()


def with_number(key: str, value: int) -> bytes:
    """The tiny model with another value of a u32 key."""
    name = struct.pack("<Q", len(key)) + key.encode()
    start = TINY.index(name) + len(name) + 4
    return TINY[:start] + struct.pack("<I", value) + TINY[start + 4 :]


UNLOADABLE = {
    "architecture": (TINY.replace(b"llama", b"lxama"), "llama.cpp can't load it"),
    "truncated": (TINY[:-5000], "llama.cpp can't load it"),
    "no vocabulary": (TINY.replace(b"ggml.tokens", b"ggml.tokenx"), "llama.cpp can't load it"),
    "no <|im_start|>": (TINY.replace(b"<|im_start|>", b"<|im_stxrt|>"), "has no <|im_start|>"),
    "deadly": (with_number("llama.block_count", 0), "dies of it, signal 6"),
}


@pytest.fixture
def real(tmp_path: Path, data: Path) -> Catalog:
    """A catalog whose shipped model can be loaded."""
    manifest = ship(tmp_path / "models", entry(TINY))
    (tmp_path / "models" / "shipped.gguf").write_bytes(TINY)
    return Catalog(manifest, data)


def test_what_can_be_loaded_is_used(real: Catalog, server: Server) -> None:
    server.files["/m.gguf"] = File(TINY)
    real.pull(f"{server.url}/m.gguf")
    assert real.use("m").name == real.current().name == "m"
    assert real.rollback().name == "shipped"


@pytest.mark.parametrize("damage", UNLOADABLE)
def test_what_cannot_be_loaded_is_never_put_in_use(
    tmp_path: Path, data: Path, server: Server, damage: str
) -> None:
    content, problem = UNLOADABLE[damage]
    manifest = ship(tmp_path / "models", entry(TINY), entry(content, "other"))
    (tmp_path / "models" / "shipped.gguf").write_bytes(TINY)
    (tmp_path / "models" / "other.gguf").write_bytes(content)
    catalog = Catalog(manifest, data)
    server.files["/m.gguf"] = File(content)
    for where, act in {
        f"{server.url}/m.gguf": lambda: catalog.pull(f"{server.url}/m.gguf"),
        str(tmp_path / "models" / "other.gguf"): lambda: catalog.use("other"),
    }.items():
        with pytest.raises(ModelError) as told:
            act()
        assert str(told.value).startswith(f"{where}: ")
        assert problem in str(told.value)
        assert "\n" not in str(told.value)
    assert parts(data) == []
    assert [e.name for e in catalog.list()] == ["shipped", "other"]
    assert catalog.current().name == "shipped"


def test_rollback_passes_over_what_cannot_be_used_any_more(real: Catalog, server: Server) -> None:
    for name in ("one", "two"):
        server.files[f"/{name}.gguf"] = File(TINY + name.encode())
        real.pull(f"{server.url}/{name}.gguf")
        real.use(name)
    real.entry("one").path.write_bytes(TINY[:-5000])
    assert real.rollback().name == "shipped"
    with pytest.raises(ModelError, match="no model was in use before"):
        real.rollback()


def test_a_file_named_by_its_path_is_tried_once(
    real: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "mine.gguf"
    path.write_bytes(UNLOADABLE["deadly"][0])
    with pytest.raises(ModelError, match="dies of it, signal 6"):
        find_model(str(path), real)
    path.write_bytes(TINY)
    found = find_model(str(path), real)
    assert found.sha256 == hashlib.sha256(TINY).hexdigest()
    monkeypatch.setattr(verified, "try_loading", lambda *_: pytest.fail("tried twice"))
    assert find_model(str(path), real) == found


def test_a_file_or_folder_never_stands_in_for_a_model(
    real: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "shipped").mkdir()
    (tmp_path / "mine").write_bytes(TINY)
    assert find_model("shipped", real) == find_model(None, real)
    assert find_model("./mine", real).path.samefile("mine")
    for name in ("mine", ""):
        with pytest.raises(ModelError, match=f"no model is called '{name}'"):
            find_model(name, real)
    with pytest.raises(ModelError, match="no such model file"):
        find_model("shipped.gguf", real)


def test_what_takes_for_ever(real: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verified, "TRIAL_SECONDS", 0.01)
    with pytest.raises(ModelError, match="; choose a smaller model"):
        real.use("shipped")


def test_nothing_in_the_wearers_folder_is_run(
    real: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "device.py").write_text("raise SystemExit(9)")
    monkeypatch.chdir(tmp_path)
    assert real.use("shipped").name == "shipped"
