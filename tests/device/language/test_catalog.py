"""The catalog: a model in use is whole and what it should be, or the old one stays in use."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from device.errors import ModelError
from device.language import catalog as catalog_module
from device.language.catalog import Catalog, find_shipped_manifest
from tests.models import MODEL, OTHER, entry, ship


def test_shipped_models_are_listed_and_one_is_in_use(catalog: Catalog, tmp_path: Path) -> None:
    assert [e.name for e in catalog.list()] == ["shipped", "other"]
    current = catalog.current()
    assert current.path == tmp_path / "models" / "shipped.gguf"
    assert current.figures == {"glance_rouge_l": 37.0}
    assert (current.prompt, current.source) == ("thread/1", None)
    assert catalog.verify() == catalog.list()
    with pytest.raises(ModelError, match=r"no model is called 'x'; there is shipped, other"):
        catalog.use("x")


def test_no_model_at_all(tmp_path: Path) -> None:
    empty = Catalog(tmp_path / "none" / "manifest.json", tmp_path / "data")
    assert empty.list() == ()
    with pytest.raises(ModelError, match="sidelong model pull"):
        empty.current()


def test_use_and_rollback(catalog: Catalog, tmp_path: Path, data: Path) -> None:
    catalog.use("other")
    assert catalog.current().name == "other"
    assert Catalog(tmp_path / "models" / "manifest.json", data).current().name == "other"
    catalog.use("other")
    assert catalog.rollback().name == "shipped"
    assert catalog.current().name == "shipped"
    with pytest.raises(ModelError, match="no model was in use before"):
        catalog.rollback()
    for name in ["other", "shipped"] * 9:
        catalog.use(name)
    assert [catalog.rollback().name for _ in range(3)] == ["other", "shipped", "other"]


@pytest.mark.parametrize("damage", ["flip", "shorten", "remove", "folder"])
def test_a_damaged_model_is_refused_and_the_choice_stays(
    catalog: Catalog, tmp_path: Path, damage: str
) -> None:
    file = tmp_path / "models" / "other.gguf"
    file.unlink()
    if damage == "folder":
        file.mkdir()
    elif damage != "remove":
        file.write_bytes(OTHER[:-1] + (b"" if damage == "shorten" else b"\0"))
    with pytest.raises(ModelError, match=r"other.gguf: .*; .*`sidelong model use`"):
        catalog.use("other")
    assert catalog.current().name == "shipped"
    with pytest.raises(ModelError, match=r"other\.gguf"):
        catalog.verify()
    assert catalog.verify("shipped")[0].name == "shipped"


def test_rollback_after_a_bad_use(catalog: Catalog, tmp_path: Path) -> None:
    catalog.use("other")
    (tmp_path / "models" / "other.gguf").write_bytes(b"x")
    with pytest.raises(ModelError, match=r"1 bytes instead of \d+; .*rollback"):
        catalog.current()
    assert catalog.rollback().name == "shipped"
    assert catalog.current().name == "shipped"


def test_rollback_to_a_damaged_model_changes_nothing(catalog: Catalog, tmp_path: Path) -> None:
    catalog.use("other")
    (tmp_path / "models" / "shipped.gguf").unlink()
    for _ in range(2):
        with pytest.raises(ModelError, match=r"shipped\.gguf"):
            catalog.rollback()
    assert catalog.current().name == "other"


def test_an_untouched_file_is_hashed_once(
    catalog: Catalog, tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashed: list[object] = []
    real = hashlib.file_digest

    def counting(file: Any, name: str) -> Any:
        hashed.append(file)
        return real(file, name)

    monkeypatch.setattr(hashlib, "file_digest", counting)
    for _ in range(3):
        catalog.current()
    assert len(hashed) == 1
    catalog.verify("shipped")
    assert len(hashed) == 2
    file = tmp_path / "models" / "shipped.gguf"
    os.utime(file, ns=(1, 1))
    catalog.current()
    assert len(hashed) == 3
    (data / "verified.json").write_text("{ damaged")
    catalog.current()
    assert len(hashed) == 4
    file.write_bytes(MODEL[:-1] + b"\0")
    with pytest.raises(ModelError, match="damaged"):
        catalog.current()


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"name": "../x"}, "name"),
        ({"name": "Upper"}, "name"),
        ({"file": "../../etc/passwd"}, "plain file name"),
        ({"file": "/etc/passwd"}, "plain file name"),
        ({"file": ".."}, "plain file name"),
        ({"sha256": "abc"}, "sha256"),
        ({"size_bytes": "1"}, "size_bytes"),
        ({"size_bytes": True}, "size_bytes"),
        ({"prompt": "alpaca"}, "prompt"),
        ({"licence": None}, "licence"),
        ({"data_licences": ["x"]}, "data_licences"),
        ({"figures": {"a": "b"}}, "a is not"),
        ({"source": 3}, "source"),
    ],
)
def test_an_entry_that_makes_no_sense(
    tmp_path: Path, data: Path, changes: dict[str, Any], problem: str
) -> None:
    manifest = ship(tmp_path / "models", entry() | changes)
    with pytest.raises(ModelError, match=rf"manifest\.json: not a manifest.*{problem}"):
        Catalog(manifest, data).list()


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", "3", '{"version": 1}', '{"version": 1, "models": [3]}', "\xff"]
)
def test_a_manifest_that_is_none(catalog: Catalog, data: Path, text: str) -> None:
    data.mkdir()
    (data / "manifest.json").write_text(text, encoding="latin-1")
    with pytest.raises(ModelError, match="not a manifest of models"):
        catalog.current()


def test_manifests_of_a_newer_version_or_with_doubles(tmp_path: Path, data: Path) -> None:
    with pytest.raises(ModelError, match="newer Sidelong"):
        Catalog(ship(tmp_path / "models", version=2), data).list()
    with pytest.raises(ModelError, match="two models"):
        Catalog(ship(tmp_path / "models", entry(), entry()), data).list()


def test_a_manifest_that_cannot_be_written_stays_whole(
    catalog: Catalog, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    catalog.use("other")
    before = (data / "manifest.json").read_bytes()

    def fail(_: Path, target: Path) -> Path:
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", fail)
        with pytest.raises(ModelError, match="can't be written"):
            catalog.use("shipped")
    assert (data / "manifest.json").read_bytes() == before
    assert sorted(f.name for f in data.iterdir() if f.suffix == ".json") == [
        "manifest.json",
        "verified.json",
    ]


def test_where_the_shipped_models_are_looked_for(
    tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = ship(tmp_path / "chosen")
    monkeypatch.setenv("SIDELONG_MODELS", str(chosen.parent))
    assert find_shipped_manifest(data) == chosen
    monkeypatch.setenv("SIDELONG_MODELS", str(tmp_path))
    with pytest.raises(ModelError, match="SIDELONG_MODELS"):
        find_shipped_manifest(data)
    monkeypatch.delenv("SIDELONG_MODELS")
    package = tmp_path / "site" / "device" / "language" / "catalog.py"
    monkeypatch.setattr(catalog_module, "__file__", str(package))
    assert find_shipped_manifest(data) == data / "models" / "manifest.json"
    (tmp_path / "site").mkdir()
    beside = ship(tmp_path / "site" / "models")
    assert find_shipped_manifest(data) == beside
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "xdg"))
    assert Catalog.default().list() == ()


def test_rollbacks_at_once_go_back_one_by_one(
    catalog: Catalog, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ["other", "shipped"] * 4:
        catalog.use(name)
    monkeypatch.setattr(catalog_module, "try_loading", lambda path, name: time.sleep(0.02))
    with ThreadPoolExecutor(8) as pool:
        names = [f.result().name for f in [pool.submit(catalog.rollback) for _ in range(8)]]
    assert sorted(names) == ["other"] * 4 + ["shipped"] * 4
    assert json.loads((data / "manifest.json").read_text())["previous"] == []
    assert catalog.current().name == "shipped"
