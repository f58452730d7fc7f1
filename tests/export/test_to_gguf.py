"""What is written as GGUF computes what the checkpoint computes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from transformers import LlamaForCausalLM

from device.language.engine import Sampling
from device.language.gguf_header import read_header
from device.language.llama_engine import LlamaEngine
from export.to_gguf import export_model


def greedy(engine: LlamaEngine, prompt: list[int], n: int) -> list[int]:
    seq = engine.open()
    engine.extend(seq, prompt)
    return [step[0] for step in engine.generate([seq], Sampling(), (), n) if step[0] is not None]


def test_greedy_like_the_checkpoint(checkpoint: Path, tmp_path: Path) -> None:
    path = tmp_path / "tiny.gguf"
    export_model(checkpoint, path, kind="f32", name="tiny", metadata={"sidelong.prompt": "x/1"})
    prompt = list(range(5, 25))
    model = LlamaForCausalLM.from_pretrained(checkpoint)
    with torch.no_grad():
        whole = model.generate(
            torch.tensor([prompt]), max_new_tokens=12, do_sample=False, eos_token_id=None
        )
    with LlamaEngine(path) as engine:
        assert greedy(engine, prompt, 12) == whole[0, len(prompt) :].tolist()
    header = read_header(path)
    assert (header.name, header.prompt, header.quantization) == ("tiny", "x/1", "F32")


@pytest.mark.parametrize(("kind", "keep"), [("q4_0", ()), ("q4_0", (1,)), ("q8_0", ())])
def test_quantized_loads_and_speaks(
    checkpoint: Path, tmp_path: Path, kind: str, keep: tuple[int, ...]
) -> None:
    path = tmp_path / "tiny.gguf"
    export_model(checkpoint, path, kind=kind, metadata={"sidelong.prompt": "x/1"}, keep=keep)
    header = read_header(path)
    assert (header.quantization.casefold(), header.finer) == (kind, keep)
    with LlamaEngine(path, threads=2) as engine:
        assert len(greedy(engine, list(range(5, 100)), 8)) == 8


def test_a_tokenizer_that_llama_cpp_would_read_otherwise(checkpoint: Path, tmp_path: Path) -> None:
    tokenizer = json.loads((checkpoint / "tokenizer.json").read_text())
    tokenizer["normalizer"] = {"type": "NFC"}
    (checkpoint / "tokenizer.json").write_text(json.dumps(tokenizer))
    with pytest.raises(ValueError, match="not SmolLM's way"):
        export_model(checkpoint, tmp_path / "tiny.gguf", kind="f32")
    assert not (tmp_path / "tiny.gguf").exists()
