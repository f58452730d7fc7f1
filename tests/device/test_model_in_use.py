"""Models switch and roll back while Sidelong runs; a card that is half written is finished."""

from __future__ import annotations

import weakref
from pathlib import Path

import pytest

from device.language.catalog import Catalog
from device.model_in_use import ModelInUse
from device.settings import Settings
from tests.engines import GGUF
from tests.inboxes import chat, said
from tests.models import entry, ship

THREAD = chat(*said("can you bring 3 chairs to the yard at 7:30?", sender="Ben"))
SETTINGS = Settings(threads=1, context=768)


@pytest.fixture
def catalog(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Catalog:
    """Two models of one content, "shipped" and "other"."""
    content = GGUF.read_bytes()
    folder = tmp_path / "models"
    manifest = ship(folder, *(entry(content, name) for name in ("shipped", "other")))
    for name in ("shipped", "other"):
        (folder / f"{name}.gguf").write_bytes(content)
    catalog = Catalog(manifest, tmp_path / "data")
    monkeypatch.setattr(Catalog, "default", lambda: catalog)
    return catalog


def writes(model: ModelInUse) -> str:
    """Who writes a card now."""
    *_, card = model.stages(THREAD)
    return card.model


def test_switch_and_roll_back(catalog: Catalog) -> None:
    model = ModelInUse(SETTINGS)
    assert writes(model) == "shipped"
    catalog.use("other")
    assert writes(model) == "other"
    catalog.rollback()
    assert writes(model) == "shipped"


def test_the_model_that_was_in_use_is_let_go(catalog: Catalog) -> None:
    model = ModelInUse(SETTINGS)
    before = weakref.ref(model._assistant._writer)
    catalog.use("other")
    assert writes(model) == "other"
    assert before() is None


def test_a_card_is_finished_by_the_model_that_began_it(catalog: Catalog) -> None:
    model = ModelInUse(SETTINGS)
    stages = model.stages(THREAD)
    assert next(stages).model == "shipped"
    catalog.use("other")
    assert writes(model) == "other"
    (whole,) = stages
    assert whole.model == "shipped"


def test_a_model_that_has_gone_leaves_the_one_before_in_use(
    catalog: Catalog, tmp_path: Path
) -> None:
    model = ModelInUse(SETTINGS)
    catalog.use("other")
    (tmp_path / "models" / "other.gguf").unlink()
    assert writes(model) == "shipped"


def test_a_model_named_in_the_settings_stays(catalog: Catalog) -> None:
    model = ModelInUse(Settings(model="other", threads=1, context=768))
    assert writes(model) == "other"
    catalog.use("shipped")
    assert writes(model) == "other"
