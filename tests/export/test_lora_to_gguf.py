"""peft's adapter through llama.cpp gives the logits that it gives in torch."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import warnings
from importlib.util import find_spec
from pathlib import Path

import llama_cpp.llama_cpp as llama
import numpy as np
import pytest
import torch
from safetensors.numpy import save_file
from safetensors.torch import load_file as load_torch
from safetensors.torch import save_file as save_torch
from transformers import LlamaForCausalLM

from device.errors import ModelError
from device.language.llama_engine import LlamaEngine
from export.from_gguf import from_gguf
from export.lora_to_gguf import PREFIX, lora_to_gguf, read_adapter
from export.to_gguf import export_model

ROOT = Path(__file__).parents[2]
SHIPPED = ROOT / "models" / "sidelong-118m.gguf"
ALL = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
PROMPT = [1, 40, 41, 300, 17, 256, 99]


def make_adapter(
    folder: Path, checkpoint: Path, *, rank: int = 4, size: float = 0.05, **told: object
) -> None:
    """A random adapter on every linear layer, in the files that peft writes."""
    model = LlamaForCausalLM.from_pretrained(checkpoint, dtype=torch.float32)
    draw = np.random.default_rng(3)
    tensors = {}
    for name, layer in model.named_modules():
        if name.endswith(ALL):
            out, n_in = layer.weight.shape
            a = draw.normal(0, n_in**-0.5, (rank, n_in))
            tensors[f"{PREFIX}{name}.lora_A.weight"] = a.astype(np.float32)
            b = draw.normal(0, size, (out, rank))
            tensors[f"{PREFIX}{name}.lora_B.weight"] = b.astype(np.float32)
    folder.mkdir()
    save_file(tensors, folder / "adapter_model.safetensors")
    usual = {"peft_type": "LORA", "r": rank, "lora_alpha": 8, "target_modules": list(ALL),
             "bias": "none", "task_type": "CAUSAL_LM"}  # fmt: skip
    (folder / "adapter_config.json").write_text(json.dumps(usual | told))


@torch.no_grad()
def logits(model: torch.nn.Module) -> np.ndarray:
    """(n_vocab,) float64 of the token behind the prompt, less their mean."""
    values = model(torch.tensor([PROMPT])).logits[0, -1].double().numpy()
    return values - values.mean()


def merged(checkpoint: Path, adapter: Path) -> np.ndarray:
    """Logits with scale * B A added to every weight by hand."""
    model = LlamaForCausalLM.from_pretrained(checkpoint, dtype=torch.float32).eval()
    pairs, alpha = read_adapter(adapter)
    with torch.no_grad():
        for name, (a, b) in pairs.items():
            model.get_submodule(name).weight += torch.from_numpy(alpha / a.shape[0] * (b @ a))
    return logits(model)


def by_peft(checkpoint: Path, adapter: Path) -> np.ndarray:
    """Logits as peft computes them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from peft import PeftModel

        base = LlamaForCausalLM.from_pretrained(checkpoint, dtype=torch.float32)
        return logits(PeftModel.from_pretrained(base, adapter).eval())


def through_llama(model: Path, adapter: Path | None) -> np.ndarray:
    """(n_vocab,) logits by the device's engine less their mean, from its log-probabilities."""
    with LlamaEngine(model, n_ctx=64, n_seqs=2, threads=1) as engine:
        engine.set_adapter(adapter)
        seq = engine.open()
        engine.extend(seq, PROMPT)
        values = np.asarray(engine.score(seq, [[token] for token in range(engine.n_vocab)]))
    return values - values.mean()


def test_logits_are_those_of_torch(checkpoint: Path, tmp_path: Path) -> None:
    make_adapter(tmp_path / "lora", checkpoint, size=0.5)
    export_model(checkpoint, tmp_path / "base.gguf", kind="f32")
    lora_to_gguf(tmp_path / "lora", checkpoint, tmp_path / "lora.gguf")
    wanted = merged(checkpoint, tmp_path / "lora")
    plain = through_llama(tmp_path / "base.gguf", None)
    assert np.abs(wanted - plain).max() > 0.1, "the adapter must matter"
    found = through_llama(tmp_path / "base.gguf", tmp_path / "lora.gguf")
    np.testing.assert_allclose(found, wanted, atol=0.01)


def test_without_the_permutation_they_are_not(
    checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_adapter(tmp_path / "lora", checkpoint, size=2.0)
    export_model(checkpoint, tmp_path / "base.gguf", kind="f32")
    monkeypatch.setattr("export.to_gguf.permuted", lambda name, rows, config: rows)
    lora_to_gguf(tmp_path / "lora", checkpoint, tmp_path / "lora.gguf")
    found = through_llama(tmp_path / "base.gguf", tmp_path / "lora.gguf")
    assert np.abs(found - merged(checkpoint, tmp_path / "lora")).max() > 0.02


@pytest.mark.parametrize("rslora", [False, True])
def test_logits_are_those_of_peft(checkpoint: Path, tmp_path: Path, rslora: bool) -> None:
    pytest.importorskip("peft", reason="peft is no dependency of ours")
    make_adapter(tmp_path / "lora", checkpoint, size=0.5, use_rslora=rslora)
    export_model(checkpoint, tmp_path / "base.gguf", kind="f32")
    lora_to_gguf(tmp_path / "lora", checkpoint, tmp_path / "lora.gguf")
    found = through_llama(tmp_path / "base.gguf", tmp_path / "lora.gguf")
    np.testing.assert_allclose(found, by_peft(checkpoint, tmp_path / "lora"), atol=0.01)


def test_an_adapter_in_bfloat16(checkpoint: Path, tmp_path: Path) -> None:
    make_adapter(tmp_path / "lora", checkpoint)
    wide, _ = read_adapter(tmp_path / "lora")
    path = tmp_path / "lora" / "adapter_model.safetensors"
    halved = {name: tensor.bfloat16() for name, tensor in load_torch(path).items()}
    save_torch(halved, path)
    pairs, _ = read_adapter(tmp_path / "lora")
    for name, (a, _) in pairs.items():
        assert a.dtype == np.float32
        np.testing.assert_allclose(a, wide[name][0], rtol=0.01)


@pytest.fixture
def float32_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys and values in float32, and no flash attention, which rounds them.

    The engine keeps them in float16: that alone moves the shipped model's logits by up to 0.009,
    with an adapter or without one.
    """
    made = llama.llama_init_from_model

    def exact(model: object, params: llama.llama_context_params) -> object:
        params.type_k = params.type_v = llama.GGML_TYPE_F32
        params.flash_attn_type = llama.LLAMA_FLASH_ATTN_TYPE_DISABLED
        return made(model, params)

    monkeypatch.setattr(llama, "llama_init_from_model", exact)


@pytest.mark.slow
def test_on_the_shipped_model(tmp_path: Path, float32_cache: None) -> None:
    """Its weights as float32 too, so that what differs is the adapter and not the rounding."""
    checkpoint = tmp_path / "shipped"
    from_gguf(SHIPPED, checkpoint)
    make_adapter(tmp_path / "lora", checkpoint, rank=8)
    export_model(checkpoint, tmp_path / "base.gguf", kind="f32")
    lora_to_gguf(tmp_path / "lora", checkpoint, tmp_path / "lora.gguf")
    wanted = merged(checkpoint, tmp_path / "lora")
    assert np.abs(wanted - through_llama(tmp_path / "base.gguf", None)).max() > 0.5
    found = through_llama(tmp_path / "base.gguf", tmp_path / "lora.gguf")
    np.testing.assert_allclose(found, wanted, atol=1e-3)
    if find_spec("peft") is not None:  # no dependency of ours
        np.testing.assert_allclose(found, by_peft(checkpoint, tmp_path / "lora"), atol=1e-3)
    # The device's own file takes the same adapter.
    through_llama(SHIPPED, tmp_path / "lora.gguf")


def test_a_swap_reads_what_was_open_anew(checkpoint: Path, tmp_path: Path) -> None:
    make_adapter(tmp_path / "lora", checkpoint, size=0.5)
    model, adapter = tmp_path / "base.gguf", tmp_path / "lora.gguf"
    export_model(checkpoint, model, kind="f32")
    lora_to_gguf(tmp_path / "lora", checkpoint, adapter)
    plain, adapted = through_llama(model, None), through_llama(model, adapter)
    with LlamaEngine(model, n_ctx=64, n_seqs=2, threads=1) as engine:
        singles = [[token] for token in range(engine.n_vocab)]
        before = engine.fingerprint
        seq = engine.open()
        engine.extend(seq, PROMPT)
        for path, wanted in ((None, plain), (adapter, adapted), (None, plain)):
            engine.set_adapter(path)
            found = np.asarray(engine.score(seq, singles))
            np.testing.assert_allclose(found - found.mean(), wanted, atol=1e-3)
            assert (engine.fingerprint == before) == (path is None)
        with pytest.raises(ModelError, match="not an adapter"):
            engine.set_adapter(model)
        found = np.asarray(engine.score(seq, singles))
        np.testing.assert_allclose(found - found.mean(), plain, atol=1e-3)


@pytest.mark.parametrize(
    ("told", "reason"),
    [({"use_dora": True}, "DoRA"), ({"bias": "all"}, "bias"), ({"lora_alpha": 0}, "lora_alpha"),
     ({"modules_to_save": ["lm_head"]}, "modules_to_save"), ({"peft_type": "IA3"}, "IA3"),
     ({"alpha_pattern": {"q_proj": 2}}, "alpha_pattern")],
)  # fmt: skip
def test_what_gguf_cannot_express_is_named(
    checkpoint: Path, tmp_path: Path, told: dict[str, object], reason: str
) -> None:
    make_adapter(tmp_path / "lora", checkpoint, **told)
    with pytest.raises(ValueError, match=reason):
        lora_to_gguf(tmp_path / "lora", checkpoint, tmp_path / "lora.gguf")
    assert not (tmp_path / "lora.gguf").exists()


def test_an_adapter_of_another_model(checkpoint: Path, tmp_path: Path) -> None:
    make_adapter(tmp_path / "lora", checkpoint)
    path = tmp_path / "lora" / "adapter_model.safetensors"
    name = f"{PREFIX}model.layers.0.self_attn.q_proj"
    for tensors, reason in (
        ({f"{name}.lora_A.weight": (2, 5), f"{name}.lora_B.weight": (7, 2)}, "shape"),
        ({f"{name}.lora_A.weight": (2, 5)}, "no A"),
        ({f"{PREFIX}other.lora_A.weight": (2, 5), f"{PREFIX}other.lora_B.weight": (7, 2)}, "there"),
        ({f"{PREFIX}model.embed_tokens.lora_embedding_A": (2, 5)}, "no LoRA"),
    ):
        save_file({n: np.ones(s, np.float32) for n, s in tensors.items()}, path)
        with pytest.raises(ValueError, match=reason):
            lora_to_gguf(tmp_path / "lora", checkpoint, tmp_path / "lora.gguf")


def test_the_command_says_what_is_wrong(checkpoint: Path, tmp_path: Path) -> None:
    folder = tmp_path / "lora"
    make_adapter(folder, checkpoint)
    command = [sys.executable, "-m", "export.lora_to_gguf", str(folder), str(checkpoint),
               str(tmp_path / "out" / "lora.gguf")]  # fmt: skip
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "lora.gguf" in done.stdout
    (folder / "adapter_model.safetensors").write_bytes(b"cut off")
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, "damaged" in done.stderr) == (2, True)
    assert "Traceback" not in done.stderr
    shutil.rmtree(folder)
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, "adapter" in done.stderr) == (2, True)
