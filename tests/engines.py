"""Both engines on the tiny model, what they say, and transformers as the judge of it."""

from __future__ import annotations

import json
import random
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from device.language.engine import Engine, Sampling
from device.language.llama_engine import LlamaEngine
from device.language.onnx_engine import OnnxEngine

ROOT = Path(__file__).parents[1]
TINY = ROOT / "tests/tiny"
GGUF, ADAPTER = TINY / "tiny.gguf", TINY / "tiny-adapter.gguf"
EXPECTED = json.loads((TINY / "expected.json").read_text())
GREEDY = Sampling()
N_CTX, N_SEQS = 96, 8
NEAR = 0.02
"""Nats by which engines may differ: llama.cpp keeps its cache in float16."""


def llama(n_ctx: int = N_CTX, n_seqs: int = N_SEQS, **more: Any) -> LlamaEngine:
    return LlamaEngine(GGUF, n_ctx=n_ctx, n_seqs=n_seqs, threads=1, **more)


def onnx(n_ctx: int = N_CTX, n_seqs: int = N_SEQS) -> OnnxEngine:
    return OnnxEngine(TINY, n_ctx=n_ctx, n_seqs=n_seqs, threads=1)


MAKERS: dict[str, Callable[..., LlamaEngine | OnnxEngine]] = {"llama": llama, "onnx": onnx}


class Judge:
    """transformers on the same weights.

    It reads the GGUF with its own code, so that it judges `export.to_gguf` as well.
    """

    def __init__(self) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # while others are imported: not ours to mend
            self.torch = pytest.importorskip("torch")
            transformers = pytest.importorskip("transformers")
            pytest.importorskip("gguf")
            transformers.utils.logging.disable_progress_bar()
            self.torch.set_num_threads(1)  # so small a model only waits for more
            self.model = transformers.LlamaForCausalLM.from_pretrained(
                TINY, gguf_file=GGUF.name, dtype=self.torch.float32
            ).eval()

    def __call__(self, tokens: Sequence[int]) -> Any:
        """(tokens, n_vocab) log-probabilities in nats."""
        with self.torch.no_grad():
            logits = self.model(self.torch.tensor([list(tokens)])).logits[0]
        return self.torch.log_softmax(logits.double(), dim=-1).numpy()


def close_all(engine: Engine) -> None:
    for seq in range(N_SEQS):
        try:
            engine.close(seq)
        except KeyError:
            continue


def started(engine: Engine, tokens: Sequence[int]) -> int:
    seq = engine.open()
    engine.extend(seq, tokens)
    return seq


def words(length: int, seed: int = 0) -> list[int]:
    """Random tokens behind a control token."""
    draw = random.Random(seed)
    return [1, *(draw.randrange(3, 512) for _ in range(length - 1))]


def go_on(
    engine: Engine,
    seqs: Sequence[int],
    n: int | Sequence[int] = 8,
    sampling: Sampling = GREEDY,
    stop: Sequence[int] = (),
) -> list[list[int]]:
    """What each sequence says."""
    said: list[list[int]] = [[] for _ in seqs]
    for step in engine.generate(seqs, sampling, stop, n):
        assert len(step) == len(seqs)
        assert any(token is not None for token in step)
        for held, token in zip(said, step, strict=True):
            if token is not None:
                held.append(token)
    return said


def row(engine: Engine, seq: int) -> list[float]:
    """Log-probabilities of every next token."""
    return engine.score(seq, [[t] for t in range(engine.n_vocab)])


def fresh(engine: Engine, tokens: Sequence[int], n: int = 8) -> list[int]:
    """What a sequence says that was opened only now."""
    seq = started(engine, tokens)
    (said,) = go_on(engine, [seq], n)
    engine.close(seq)
    return said
