"""Training lowers the loss, and a broken-off run ends where an unbroken one does."""

from __future__ import annotations

import json
from pathlib import Path

import gguf
import pytest
import torch

from export.q4_0 import fake_q4_0
from export.train import Run, arguments, read_record


class _Killed(Exception):
    pass


def run(data: Path, model: Path, out: Path, *more: str) -> Run:
    options = ["--epochs=3", "--lr=1e-3", "--batch-tokens=400", "--no-bf16"]
    paths = [f"--data={data}", f"--model={model}", f"--out={out}"]
    return Run(arguments().parse_args([*options, *paths, *more]))


def weights(trained: Run) -> torch.Tensor:
    return torch.cat([p.detach().flatten() for p in trained.model.parameters()])


def test_rounding_is_what_gguf_will_do() -> None:
    torch.manual_seed(0)
    weights = torch.randn(8, 96) * 0.1
    weights[0, :32] = 0
    rounded = fake_q4_0(weights)
    kind = gguf.GGMLQuantizationType.Q4_0
    stored = gguf.quants.dequantize(gguf.quants.quantize(weights.numpy(), kind), kind)
    assert (rounded.numpy() == stored).all()
    assert (fake_q4_0(rounded) == rounded).all()


def test_the_weights_come_back_from_their_rounding(data: Path, checkpoint: Path) -> None:
    trained = run(data, checkpoint, data.parent / "out", "--fake-q4", f"--teacher={checkpoint}")
    before = weights(trained)
    with trained.quantized():
        assert not torch.equal(weights(trained), before)
    assert torch.equal(weights(trained), before)
    assert trained.held_out()[0] > 0, "the teacher is the same model unrounded"


def test_the_loss_falls_and_the_model_is_written(data: Path, checkpoint: Path) -> None:
    out = data.parent / "out"
    trained = run(data, checkpoint, out, "--epochs=8")
    before = trained.held_out()[1]
    trained.train()
    trained.finish()
    assert trained.held_out()[1] < before - 0.5
    assert (out / "model.safetensors").exists()
    assert (out / "tokenizer.json").read_text() == (checkpoint / "tokenizer.json").read_text()
    record = read_record(out)
    assert record["held_out"] == pytest.approx(trained.held_out())
    assert record["licenses"] == {"glancechat": {"CC-BY-4.0": 6}}
    assert record["ships"]


def test_what_must_not_ship_stays_so(data: Path, checkpoint: Path) -> None:
    (checkpoint / "training.json").write_text(json.dumps({"ships": False}))
    trained = run(data, checkpoint, data.parent / "out")
    trained.finish()
    assert read_record(data.parent / "out")["ships"] is False


def test_more_examples_are_trained_on(data: Path, checkpoint: Path) -> None:
    extra = data.parent / "labels.jsonl"
    said = [{"from": "Zoe", "text": "the van is loaded, I leave at six with both dogs"}]
    record = {"id": "x", "me": "Anna", "messages": said, "glance": "Zoe leaves at six"}
    extra.write_text(json.dumps(record | {"license": "CC0-1.0"}) + "\n")
    trained = run(data, checkpoint, data.parent / "out", f"--extra={extra}")
    assert len(trained.training) == 7
    assert trained.training[-1].known == {"glance"}


def test_a_broken_off_run_goes_on(
    data: Path, checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = run(data, checkpoint, data.parent / "whole")
    whole.train()

    out = data.parent / "broken"
    broken = run(data, checkpoint, out)
    step = broken.step

    def killed_in_the_second_epoch(*args: object) -> None:
        if broken.state["epoch"] == 1:
            raise _Killed
        step(*args)  # type: ignore[arg-type]
        broken.state["done"] += 1
        broken.save()
        broken.state["done"] -= 1

    monkeypatch.setattr(broken, "step", killed_in_the_second_epoch)
    with pytest.raises(_Killed):
        broken.train()

    resumed = run(data, checkpoint, out)
    resumed.resume()
    assert resumed.state["tokens"] > 0
    resumed.train()
    assert resumed.state["tokens"] == whole.state["tokens"]
    torch.testing.assert_close(weights(resumed), weights(whole))


def test_a_run_ends_at_its_tokens(data: Path, checkpoint: Path) -> None:
    whole = run(data, checkpoint, data.parent / "whole")
    whole.train()
    most = whole.state["tokens"] // 2
    short = run(data, checkpoint, data.parent / "short", f"--tokens={most}")
    short.train()
    assert most <= short.state["tokens"] < most + short.args.batch_tokens
