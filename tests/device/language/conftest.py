"""A catalog of two shipped models, and a server to pull others from."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from device.language.catalog import Catalog
from tests.models import MODEL, OTHER, Server, entry, ship


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """The catalog's data folder, not made yet."""
    return tmp_path / "data"


@pytest.fixture
def catalog(tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch) -> Catalog:
    """Its models are noise, which only seems to load: `test_trial.py` really tries."""
    monkeypatch.setattr("device.language.catalog.try_loading", lambda path, name: None)
    manifest = ship(tmp_path / "models", entry(), entry(OTHER, "other"))
    (tmp_path / "models" / "shipped.gguf").write_bytes(MODEL)
    (tmp_path / "models" / "other.gguf").write_bytes(OTHER)
    return Catalog(manifest, data)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("no_proxy", "*")
    with Server() as running:
        monkeypatch.setenv("HF_ENDPOINT", running.url)
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        if running.silence:
            running.silence.set()
        running.shutdown()
        thread.join()
