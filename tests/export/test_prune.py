"""Smaller models that keep what matters, load, and go on to GGUF."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from device.language.llama_engine import LlamaEngine
from export import prune as module
from export.calibration import calibration_batches
from export.pack import Batch
from export.prune import (
    better,
    channel_importance,
    fewer_layers,
    fitting,
    layer_importance,
    megabytes,
    most_important,
    narrower,
    prune,
)
from export.to_gguf import export_model

BIG = LlamaConfig(
    vocab_size=20480, hidden_size=576, intermediate_size=1536, num_hidden_layers=30,
    num_attention_heads=9, num_key_value_heads=3,
)  # fmt: skip


@pytest.fixture
def model(checkpoint: Path) -> LlamaForCausalLM:
    """The tiny model with four layers and wider FFNs, in place of the checkpoint."""
    torch.manual_seed(1)
    config = LlamaConfig.from_pretrained(checkpoint)
    config.num_hidden_layers, config.intermediate_size = 4, 96
    model = LlamaForCausalLM(config).eval()
    model.save_pretrained(checkpoint)
    return model


@pytest.fixture
def calibration(model: LlamaForCausalLM, checkpoint: Path, data: Path) -> list[Batch]:
    return list(calibration_batches(checkpoint, data, "open"))


def logits(model: LlamaForCausalLM) -> torch.Tensor:
    with torch.no_grad():
        return model(torch.arange(5, 40)[None]).logits


def test_a_layer_that_does_nothing_goes(model: LlamaForCausalLM, calibration: list[Batch]) -> None:
    idle = model.model.layers[2]
    for projection in (idle.self_attn.o_proj, idle.mlp.down_proj):
        projection.weight.data.zero_()
    assert int(layer_importance(model, calibration).argmin()) == 2
    wanted = copy.deepcopy(model.config)
    wanted.num_hidden_layers = 3
    smaller = prune(model, wanted, calibration)
    assert smaller.config.num_hidden_layers == 3
    torch.testing.assert_close(logits(smaller), logits(model))


def test_first_and_last_layer_stay(model: LlamaForCausalLM, calibration: list[Batch]) -> None:
    for i in (0, 3):
        for projection in (
            model.model.layers[i].self_attn.o_proj,
            model.model.layers[i].mlp.down_proj,
        ):
            projection.weight.data.zero_()
    wanted = copy.deepcopy(model.config)
    wanted.num_hidden_layers = 2
    smaller = prune(model, wanted, calibration)
    torch.testing.assert_close(logits(smaller), logits(fewer_layers(model, [0, 3])))


def test_channels_that_add_nothing_go(model: LlamaForCausalLM, calibration: list[Batch]) -> None:
    idle = torch.randperm(96)[:32]
    for layer in model.model.layers:
        layer.mlp.down_proj.weight.data[:, idle] = 0
    assert (channel_importance(model, calibration)[:, idle] == 0).all()
    wanted = copy.deepcopy(model.config)
    wanted.intermediate_size = 64
    smaller = prune(model, wanted, calibration)
    assert smaller.config.intermediate_size == 64
    torch.testing.assert_close(logits(smaller), logits(model))


def test_widths_are_whole_blocks(model: LlamaForCausalLM) -> None:
    with pytest.raises(ValueError, match="multiple of 32"):
        narrower(model, most_important(torch.rand(4, 96), 40))


@pytest.mark.parametrize("way", ["layers", "ffn"])
def test_as_large_as_fits(way: str) -> None:
    wanted = fitting(BIG, way, 40)
    assert 37 < megabytes(wanted) <= 40
    assert wanted.intermediate_size % 32 == 0
    assert megabytes(fitting(BIG, way, 1000)) == megabytes(BIG)
    with pytest.raises(ValueError, match="MB hold no model"):
        fitting(BIG, way, 5)


@pytest.mark.parametrize("way", ["layers", "ffn"])
def test_the_command(
    model: LlamaForCausalLM, checkpoint: Path, data: Path, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, way: str,
) -> None:  # fmt: skip
    monkeypatch.setattr(module, "HEADER", 0.0)
    size = megabytes(model.config)
    out, gguf = tmp_path / "small", tmp_path / "small.gguf"
    (checkpoint / "training.json").write_text(json.dumps({"ships": False}))
    options = [str(checkpoint), str(out), "--data", str(data), "--way", way]
    monkeypatch.setattr("sys.argv", ["prune", *options, "--megabytes", str(0.9 * size)])
    module.main()
    assert LlamaForCausalLM.from_pretrained(out).num_parameters() < model.num_parameters()
    assert json.loads((out / "training.json").read_text()) == {"ships": False}
    export_model(out, gguf, kind="q4_0", metadata={"sidelong.prompt": "x/1"})
    assert abs(gguf.stat().st_size / 1e6 - 0.9 * size) < 0.3 * size
    with LlamaEngine(gguf, threads=1) as engine:
        seq = engine.open()
        engine.extend(seq, list(range(5, 60)))
        assert len(engine.score(seq, [[7], [8]])) == 2


def test_the_better_run(tmp_path: Path) -> None:
    for name, loss in (("a", 2.5), ("b", 2.25)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "training.json").write_text(json.dumps({"held_out": [1, loss]}))
    assert better([tmp_path / "a", tmp_path / "b"]) == tmp_path / "b"
