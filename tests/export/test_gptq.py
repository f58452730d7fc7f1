"""Rounding by what layers say: closer than rounding by value, and written as it was chosen."""

from __future__ import annotations

import random
from pathlib import Path

import gguf
import numpy as np
import pytest
import torch
from gguf import GGMLQuantizationType, GGUFReader
from transformers import LlamaForCausalLM

from export.calibration import calibration_batches
from export.gptq import round_model, rounded
from export.pack import Batch
from export.q4_0 import best_scales, fake_q4_0, on_grid, packed
from export.to_gguf import export_model


def test_the_output_changes_less_than_by_ggmls_rounding() -> None:
    torch.manual_seed(3)
    # Inputs of which neighbours say nearly the same.
    inputs = torch.randn(500, 8) @ torch.randn(8, 64) + 0.1 * torch.randn(500, 64)
    seen, unseen = inputs[:400], inputs[400:]
    weight = torch.randn(16, 64) / 8
    ours = rounded(weight, seen.T @ seen)

    def change(values: torch.Tensor) -> float:
        return float((unseen @ (values - weight).T).square().mean())

    assert change(ours) < 0.5 * change(fake_q4_0(weight))
    assert packed(ours.numpy()) is not None
    with pytest.raises(ValueError, match="no multiple of 32"):
        rounded(torch.randn(4, 40), torch.eye(40))


def test_the_best_scale_counts_what_matters() -> None:
    block = torch.randn(50, 32)
    importance = torch.cat([torch.full((4,), 100.0), torch.ones(28)])
    by_importance, plain = best_scales(block, importance), best_scales(block, torch.ones(32))

    def error(scale: torch.Tensor) -> torch.Tensor:
        return ((on_grid(block, scale[:, None]) - block).square() * importance).sum(1)

    assert (error(by_importance) <= error(plain)).all()
    assert (error(by_importance) < error(plain)).any()
    assert (best_scales(torch.zeros(2, 32), torch.ones(32)) == 0).all()


def test_what_lies_on_the_grid_stays() -> None:
    rng = random.Random(4)
    levels = np.array([[rng.randint(-5, 7) for _ in range(96)] for _ in range(10)], np.float32)
    scales = np.array([[rng.uniform(-0.1, 0.1)] for _ in range(30)], np.float16).astype(np.float32)
    values = (levels.reshape(-1, 32) * scales).reshape(10, 96)
    values[0, :32] = 0
    rows = packed(values)
    assert rows is not None
    back = gguf.quants.dequantize(rows, GGMLQuantizationType.Q4_0)
    assert (back == values).all()
    assert packed(values + np.float32(1e-3) * np.arange(96, dtype=np.float32)) is None
    assert packed(values[:, :40]) is None


@pytest.fixture
def calibration(checkpoint: Path, data: Path) -> list[Batch]:
    return list(calibration_batches(checkpoint, data, "open"))[:2]


def test_a_models_matrices_are_written_as_they_were_chosen(
    checkpoint: Path, calibration: list[Batch], tmp_path: Path
) -> None:
    model = LlamaForCausalLM.from_pretrained(checkpoint, dtype=torch.float32).eval()
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    done = list(round_model(model, calibration, keep=[0]))
    assert done == list(range(model.config.num_hidden_layers))
    for name, p in model.named_parameters():
        moved = "_proj." in name and "layers.0." not in name
        assert bool((p != before[name]).any()) == moved, name
    model.save_pretrained(checkpoint)
    path = tmp_path / "tiny.gguf"
    export_model(checkpoint, path, kind="q4_0", keep=[0])
    tensors = {t.name: t for t in GGUFReader(path).tensors}
    assert tensors["blk.0.ffn_down.weight"].tensor_type == GGMLQuantizationType.Q8_0
    written = gguf.quants.dequantize(
        tensors["blk.1.ffn_down.weight"].data, GGMLQuantizationType.Q4_0
    )
    assert (written == model.model.layers[1].mlp.down_proj.weight.detach().numpy()).all()
