"""A mean of checkpoints remembers what each of them was made from."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from transformers import LlamaForCausalLM

from export.average import average
from export.train import read_record


@pytest.mark.parametrize("ships", [True, False])
def test_the_mean_and_its_record(checkpoint: Path, tmp_path: Path, ships: bool) -> None:
    other, mean = tmp_path / "other", tmp_path / "mean"
    shutil.copytree(checkpoint, other)
    model = LlamaForCausalLM.from_pretrained(checkpoint)
    before = model.model.norm.weight.data.clone()
    model.model.norm.weight.data += 1
    model.save_pretrained(other)
    (checkpoint / "training.json").write_text(json.dumps({"ships": True, "recipe": "open"}))
    (other / "training.json").write_text(json.dumps({"ships": ships}))
    average([checkpoint, other], mean)
    found = LlamaForCausalLM.from_pretrained(mean).model.norm.weight
    torch.testing.assert_close(found.data, before + 0.5)
    assert read_record(mean)["ships"] is ships
    assert read_record(mean)["mean_of"][0]["recipe"] == "open"
