"""A model's GGUF as a checkpoint: made where it is missing, and refused where it is another's."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from device.errors import SidelongError
from federated.base_model import config_of, unpacked
from tests.federated.conftest import TINY

GGUF = TINY / "tiny.gguf"


def test_it_is_made_where_it_is_missing_and_then_left_alone(tmp_path: Path) -> None:
    folder = tmp_path / "not/there/yet"
    config = unpacked(GGUF, folder)
    assert config["hidden_size"] == config_of(GGUF)["hidden_size"]
    before = (folder / "model.safetensors").stat().st_mtime_ns
    assert unpacked(GGUF, folder) == config
    assert (folder / "model.safetensors").stat().st_mtime_ns == before


def test_a_checkpoint_of_another_model_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "base"
    unpacked(GGUF, folder)
    weights = load_file(folder / "model.safetensors")
    weights["model.norm.weight"] = weights["model.norm.weight"] + np.float32(0.1)
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(ValueError, match=r"has other weights than .*tiny\.gguf; remove it"):
        unpacked(GGUF, folder)


def test_what_is_no_llama_can_not_be_trained() -> None:
    with pytest.raises(SidelongError, match="can't be trained"):
        config_of(TINY / "tokenizer.json")
