"""What an engine says: the words of transformers, sampled words, those of exported models."""

from __future__ import annotations

import math
import shutil
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from device.language.engine import Engine, Sampling
from device.language.llama_engine import LlamaEngine
from device.language.onnx_engine import OnnxEngine
from tests.engines import EXPECTED, NEAR, TINY, Judge, close_all, fresh, go_on, row, started, words


@pytest.mark.parametrize("case", EXPECTED["plain"])
def test_as_recorded(engine: Engine, case: dict[str, list[Any]]) -> None:
    seq = started(engine, case["prompt"])
    scores = engine.score(seq, EXPECTED["continuations"])
    assert scores == pytest.approx(case["scores"], abs=NEAR, rel=1e-3)
    assert go_on(engine, [seq], len(case["greedy"])) == [case["greedy"]]
    assert engine.tokens(seq) == (*case["prompt"], *case["greedy"])


@pytest.mark.parametrize("length", [1, 2, 17, 80])
def test_as_transformers(engine: Engine, judge: Judge, length: int) -> None:
    tokens = words(length, seed=length)
    seq = started(engine, tokens)
    assert row(engine, seq) == pytest.approx(list(judge(tokens)[-1]), abs=NEAR)
    continuations = [words(n, seed=n)[1:] for n in (2, 3, 9)]
    for c, score in zip(continuations, engine.score(seq, continuations), strict=True):
        rows = judge(tokens + c)[length - 1 : -1]
        assert score == pytest.approx(float(rows[range(len(c)), c].sum()), abs=NEAR)
    (said,) = go_on(engine, [seq])
    for i, token in enumerate(said):
        best = judge(tokens + said[:i])[-1]
        assert best[token] >= best.max() - NEAR


def test_batches_are_split(make: Callable[..., Engine], judge: Judge) -> None:
    """More than any batch holds: a long prompt, and many continuations at once."""
    engine = make(n_ctx=1400, n_seqs=2)
    tokens = words(1300)
    seq, other = started(engine, tokens), started(engine, tokens[:700])
    engine.prefill([seq, other])
    assert row(engine, seq) == pytest.approx(list(judge(tokens)[-1]), abs=0.05)
    continuations = [words(25, seed=n)[1:] for n in range(40)]
    scores = engine.score(other, continuations)
    for c, score in list(zip(continuations, scores, strict=True))[::13]:
        rows = judge(tokens[:700] + c)[699:-1]
        assert score == pytest.approx(float(rows[range(len(c)), c].sum()), abs=0.2)
    engine.close(seq)
    (long,) = engine.score(other, [tokens[700:]])
    rows = judge(tokens)[699:-1]
    wanted = float(rows[range(600), tokens[700:]].sum())
    assert long == pytest.approx(wanted, rel=1e-3)


# --- sampling ---


def test_seeds(engine: Engine) -> None:
    hot = Sampling(temperature=2.0, top_k=0, top_p=1.0, seed=11)
    base = started(engine, words(6))
    said = go_on(engine, engine.fork(base, 3), 10, hot)
    close_all(engine)
    base = started(engine, words(6))
    assert go_on(engine, engine.fork(base, 3), 10, hot) == said
    assert len({tuple(s) for s in said}) == 3
    (second,) = go_on(engine, engine.fork(base, 1), 10, Sampling(2.0, 0, 1.0, seed=12))
    assert second == said[1]
    (negative,) = go_on(engine, engine.fork(base, 1), 10, Sampling(2.0, 0, 1.0, seed=-1))
    engine.close(4)
    assert go_on(engine, engine.fork(base, 1), 10, Sampling(2.0, 0, 1.0, seed=-1)) == [negative]


@pytest.mark.parametrize("narrow", [Sampling(1.5, top_k=1), Sampling(1.5, top_k=0, top_p=1e-6)])
def test_narrow_sampling_is_greedy(engine: Engine, narrow: Sampling) -> None:
    tokens = words(6)
    assert go_on(engine, [started(engine, tokens)], 10, narrow) == [fresh(engine, tokens, 10)]


def test_sampled_tokens_follow_the_odds(engine: Engine) -> None:
    """600 draws of one token against its probabilities at temperature 0.7 of the best three."""
    seq = started(engine, words(6))
    logs = row(engine, seq)
    best = sorted(range(512), key=logs.__getitem__)[-3:]
    odds = [math.exp(logs[t] / 0.7) for t in best]
    counts = dict.fromkeys(best, 0)
    for seed in range(600):
        ((token,),) = go_on(engine, [seq], 1, Sampling(0.7, top_k=3, top_p=1.0, seed=seed))
        counts[token] += 1
        engine.truncate(seq, 6)
    for token, odd in zip(best, odds, strict=True):
        assert counts[token] / 600 == pytest.approx(odd / sum(odds), abs=0.08)


def test_a_heavy_penalty_forbids_repeats(engine: Engine) -> None:
    seq = started(engine, words(6))
    (said,) = go_on(engine, [seq], 60, Sampling(repeat_penalty=1e4))
    assert len(set(said)) == 60


# --- the exporters ---


@pytest.mark.parametrize(("kind", "near"), [("f16", 0.05), ("q8_0", 0.5), ("q4_0", 4.0)])
def test_gguf_types(tmp_path: Path, judge: Judge, kind: str, near: float) -> None:
    from export.to_gguf import export_model

    judge.model.save_pretrained(tmp_path)
    shutil.copy(TINY / "tokenizer.json", tmp_path)
    export_model(tmp_path, tmp_path / "tiny.gguf", kind=kind, chat_template="{{ 1 }}")
    with LlamaEngine(tmp_path / "tiny.gguf", n_ctx=64, threads=1) as engine:
        seq = started(engine, words(20))
        assert row(engine, seq) == pytest.approx(list(judge(words(20))[-1]), abs=near)
        assert engine.metadata()["tokenizer.chat_template"] == "{{ 1 }}"


@pytest.mark.parametrize(("kind", "near"), [("int8", 0.5), ("int4", 4.0)])
def test_onnx_types(tmp_path: Path, judge: Judge, kind: str, near: float) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        proto = pytest.importorskip("onnx")
        pytest.importorskip("onnx_ir")
        from export.to_onnx import quantize

        model = quantize(proto.load(TINY / "model.onnx"), kind)
    proto.save(model, tmp_path / "model.onnx")
    size = (tmp_path / "model.onnx").stat().st_size
    assert size < 0.6 * (TINY / "model.onnx").stat().st_size
    engine = OnnxEngine(tmp_path, n_ctx=64, threads=1)
    seq = started(engine, words(20))
    assert row(engine, seq) == pytest.approx(list(judge(words(20))[-1]), abs=near)
