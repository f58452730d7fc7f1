"""Adapters: what torch computes is what llama.cpp computes, and what is refused is refused."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from device.language.llama_engine import LlamaEngine
from export.to_gguf import read_config
from federated.adapters import (
    Adapter,
    clipped,
    initial,
    minus,
    nbytes,
    norm,
    places,
    plus,
    problem,
    sent,
    write_gguf,
)
from federated.settings import Settings
from tests.federated.conftest import TINY, LlamaForCausalLM

PROMPT = [1, 40, 41, 300, 17, 256, 99]


def noisy(settings: Settings, checkpoint: Path, scale: float = 0.3) -> dict[str, np.ndarray]:
    """An adapter that changes a lot."""
    arrays = initial(read_config(checkpoint), settings)
    draw = np.random.default_rng(1)
    return {n: draw.normal(0, scale, v.shape).astype(np.float32) for n, v in arrays.items()}


def test_llama_cpp_computes_what_torch_computes(
    settings: Settings, checkpoint: Path, tmp_path: Path
) -> None:
    settings = dataclasses.replace(settings, layers=2, targets="q_proj,k_proj,v_proj,o_proj,"
                                   "gate_proj,up_proj,down_proj")  # fmt: skip
    config, arrays = read_config(checkpoint), noisy(settings, checkpoint)
    model = LlamaForCausalLM.from_pretrained(checkpoint, dtype=torch.float32).eval()
    plain = log_probabilities(model)
    Adapter(model, places(config, settings), settings).write(arrays)
    adapted = log_probabilities(model)
    assert np.abs(adapted - plain).max() > 1, "the adapter must matter"

    write_gguf(tmp_path / "a.gguf", arrays, config, settings, "test")
    engine = LlamaEngine(TINY / "tiny.gguf", n_ctx=64, n_seqs=2, threads=1)
    try:
        seq = engine.open()
        engine.extend(seq, PROMPT)
        singles = [[token] for token in range(engine.n_vocab)]
        np.testing.assert_allclose(engine.score(seq, singles), plain, atol=0.02)
        engine.set_adapter(tmp_path / "a.gguf")
        np.testing.assert_allclose(engine.score(seq, singles), adapted, atol=0.02)
        engine.set_adapter(None)
        np.testing.assert_allclose(engine.score(seq, singles), plain, atol=0.02)
    finally:
        engine.shut()


@torch.no_grad()
def log_probabilities(model: LlamaForCausalLM) -> np.ndarray:
    """(n_vocab,) of the token behind the prompt."""
    return model(torch.tensor([PROMPT])).logits[0, -1].double().log_softmax(-1).numpy()


def test_it_starts_as_nothing_and_a_comes_from_the_seed(
    settings: Settings, checkpoint: Path
) -> None:
    config = read_config(checkpoint)
    one, same = initial(config, settings), initial(config, settings)
    other = initial(config, dataclasses.replace(settings, seed=6))
    fewer = initial(config, dataclasses.replace(settings, targets="k_proj"))
    for name, value in one.items():
        assert (value == same[name]).all()
        assert value.dtype == np.float32
        if name.endswith(".lora_b"):
            assert not value.any()
        else:
            assert (value != other[name]).any()
    assert all((fewer[name] == one[name]).all() for name in fewer)


def test_what_is_sent(settings: Settings, checkpoint: Path) -> None:
    arrays = initial(read_config(checkpoint), settings)
    assert {n.rpartition(".")[2] for n in sent(arrays, settings)} == {"lora_b"}
    assert sent(arrays, dataclasses.replace(settings, method="avg")).keys() == arrays.keys()


def test_the_default_adapter_stays_below_the_promised_upload() -> None:
    usual = Settings()
    config = {"hidden_size": 576, "intermediate_size": 1536, "num_key_value_heads": 3,
              "num_attention_heads": 9, "head_dim": 64, "num_hidden_layers": 30}  # fmt: skip
    assert nbytes(sent(initial(config, usual), usual)) <= 600_000


def test_clipping_keeps_the_direction(settings: Settings, checkpoint: Path) -> None:
    update = noisy(settings, checkpoint)
    small, length = clipped(update, 2.0)
    assert length == pytest.approx(norm(update))
    assert norm(small) == pytest.approx(2.0, rel=1e-5)
    for name, value in update.items():
        np.testing.assert_allclose(small[name] * length / 2.0, value, rtol=1e-4)
    nothing = minus(update, update)
    assert clipped(nothing, 2.0) == (nothing, 0.0)
    assert norm(minus(plus(update, small), update)) == pytest.approx(2.0, rel=1e-3)


def test_what_is_refused_and_why(settings: Settings, checkpoint: Path) -> None:
    good, _ = clipped(noisy(settings, checkpoint), 1.0)
    shapes = {name: v.shape for name, v in good.items()}
    first = next(iter(good))
    assert problem(good, shapes, 1.0) is None
    for changed, reason in (
        ({first: np.full_like(good[first], np.nan)}, "NaN"),
        ({first: np.full_like(good[first], np.inf)}, "infinite"),
        ({first: good[first][1:]}, "shape"),
        ({first: good[first].astype(np.float64)}, "float64"),
        ({first: good[first] + 100}, "norm"),
        ({"text": np.zeros(3, np.float32)}, "unknown"),
    ):
        assert reason in str(problem(good | changed, shapes, 1.0))
    assert "missing" in str(problem({first: good[first]}, shapes, 1.0))


def test_an_unknown_target_is_named(settings: Settings, checkpoint: Path) -> None:
    with pytest.raises(ValueError, match="lm_head"):
        places(read_config(checkpoint), dataclasses.replace(settings, targets="lm_head"))
