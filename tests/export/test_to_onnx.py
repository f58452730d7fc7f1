"""What stands in an exported graph, and how near it is to the fp32 one."""

from __future__ import annotations

import sys
import warnings
from collections import Counter
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
import torch
from onnx import helper, numpy_helper
from transformers import LlamaForCausalLM

from device.language.onnx_engine import OnnxEngine
from export.to_onnx import TABLE, export_onnx, main, quantize, quantize_dynamically, scale_rows

TINY = Path(__file__).parents[1] / "tiny"
N_VOCAB, WIDTH, MATRICES = 512, 64, 2 * 7 + 1
KINDS = {"int8": {}, "int4": {}, "int4, kept": {"keep": [1]}}
TOKENS = [1, *np.random.default_rng(5).integers(3, N_VOCAB, 60).tolist()]


def tiny() -> onnx.ModelProto:
    return onnx.load(TINY / "model.onnx")


def quantized(kind: str) -> onnx.ModelProto:
    """One of `KINDS` of the tiny model."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # while others are imported: not ours to mend
        return quantize(tiny(), kind[:4], **KINDS[kind])


@pytest.fixture(scope="module")
def models() -> dict[str, onnx.ModelProto]:
    return {"fp32": tiny()} | {kind: quantized(kind) for kind in KINDS}


def attributes(node: onnx.NodeProto) -> dict[str, object]:
    return {a.name: helper.get_attribute_value(a) for a in node.attribute}


def run(model: onnx.ModelProto, ids: list[list[int]]) -> np.ndarray:
    """(batch, tokens, n_vocab) logits without a past."""
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    shape = (len(ids), len(ids[0]))
    feeds = {
        "input_ids": np.array(ids),
        "attention_mask": np.ones(shape, np.int64),
        "position_ids": np.tile(np.arange(shape[1]), (len(ids), 1)),
    }
    for value in session.get_inputs():
        if value.name.startswith("past_key_values."):
            _, heads, _, width = value.shape
            feeds[value.name] = np.zeros((len(ids), heads, 0, width), np.float32)
    return session.run(["logits"], feeds)[0]


def log_odds(logits: np.ndarray) -> np.ndarray:
    return torch.log_softmax(torch.from_numpy(logits).double(), dim=-1).numpy()


def divergence(wanted: np.ndarray, said: np.ndarray) -> float:
    """Mean Kullback-Leibler divergence in nats."""
    return float((np.exp(wanted) * (wanted - said)).sum(-1).mean())


# --- what stands in the graph ---


def test_int8_multiplies_integers(models: dict[str, onnx.ModelProto]) -> None:
    model = models["int8"]
    kinds = Counter(node.op_type for node in model.graph.node)
    constants = {t.name: t for t in model.graph.initializer}
    assert kinds["MatMulInteger"] == MATRICES
    assert kinds["MatMulNBits"] == kinds["DynamicQuantizeLinear"] == 0
    assert not [n for n in model.graph.node if n.op_type == "MatMul" and n.input[1] in constants]
    for node in model.graph.node:
        if node.op_type == "MatMulInteger" and node.input[1] in constants:
            weights = constants[node.input[1]]
            assert weights.data_type == onnx.TensorProto.INT8
            assert np.abs(numpy_helper.to_array(weights).astype(int)).max() <= 64, "no saturation"
            assert constants[node.input[3]].dims == [weights.dims[1]], "a scale a column"


@pytest.mark.parametrize(("kind", "finer"), [("int4", set()), ("int4, kept", {"1"})])
def test_int4_multiplies_blocks(
    models: dict[str, onnx.ModelProto], kind: str, finer: set[str]
) -> None:
    nodes = models[kind].graph.node
    matrices = {n.name: attributes(n) for n in nodes if n.op_type == "MatMulNBits"}
    assert len(matrices) == MATRICES
    assert {(a["block_size"], a["accuracy_level"]) for a in matrices.values()} == {(32, 4)}
    bits = {name: a["bits"] for name, a in matrices.items()}
    (head,) = (name for name in bits if "lm_head" in name)
    assert bits.pop(head) == 8
    assert all(
        bit == (8 if name.split("layers.")[1][0] in finer else 4) for name, bit in bits.items()
    )
    (gather,) = (n for n in nodes if n.op_type == "GatherBlockQuantized")
    assert gather.input[0] == TABLE
    assert attributes(gather)["bits"] == 8


@pytest.mark.parametrize("kind", ["fp32", *KINDS])
def test_the_vocabulary_is_stored_once(models: dict[str, onnx.ModelProto], kind: str) -> None:
    constants = models[kind].graph.initializer
    values = N_VOCAB * WIDTH
    tables = [t for t in constants if N_VOCAB in t.dims and np.prod(t.dims) > values // 4]
    assert [int(np.prod(t.dims)) for t in tables] == [values]
    stored = len(tables[0].SerializeToString())
    assert stored == pytest.approx(values * (4 if kind == "fp32" else 1), abs=100)


# --- what it says ---


@pytest.mark.parametrize(
    ("kind", "near", "agree"),
    [("int8", 0.03, 0.7), ("int4", 0.6, 0.35), ("int4, kept", 0.4, 0.4)],
)
def test_near_fp32(
    models: dict[str, onnx.ModelProto], kind: str, near: float, agree: float
) -> None:
    wanted, said = (log_odds(run(models[k], [TOKENS]))[0] for k in ("fp32", kind))
    assert divergence(wanted, said) < near
    assert (wanted.argmax(-1) == said.argmax(-1)).mean() >= agree


def test_scaled_rows_change_nothing(models: dict[str, onnx.ModelProto]) -> None:
    scaled = tiny()
    scale_rows(scaled)
    assert len(scaled.graph.node) > len(models["fp32"].graph.node)
    wanted, said = (run(m, [TOKENS]) for m in (models["fp32"], scaled))
    assert said == pytest.approx(wanted, abs=1e-3)


def test_a_loud_token_drowns_no_other() -> None:
    """One matrix and three tokens: a thousand times too loud, as usual, and all zeros."""
    draw = np.random.default_rng(0)
    weights = draw.normal(size=(32, 8)).astype(np.float32)
    x = draw.normal(size=(1, 3, 32)).astype(np.float32) * [[[1000], [1], [0]]]
    kinds = [
        helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1, 3, width])
        for name, width in (("x", 32), ("y", 8))
    ]
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["y"], "matmul")],
        "one",
        kinds[:1],
        kinds[1:],
        [numpy_helper.from_array(weights, "w")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    session = ort.InferenceSession(
        quantize_dynamically(model).SerializeToString(), providers=["CPUExecutionProvider"]
    )
    (said,) = session.run(None, {"x": x.astype(np.float32)})
    wanted = x @ weights
    off = np.abs(said - wanted)[0].max(-1)
    assert (off <= 0.05 * np.abs(wanted)[0].max(-1)).all()


@pytest.mark.parametrize("kind", KINDS)
def test_other_tokens_change_nothing(models: dict[str, onnx.ModelProto], kind: str) -> None:
    """Beside another sequence, and before more tokens, a token is rounded as alone."""
    alone = run(models[kind], [TOKENS[:1]])[0]
    beside, _ = run(models[kind], [TOKENS[:1], TOKENS[7:8]])
    assert beside == pytest.approx(alone, abs=1e-3)
    assert run(models[kind], [TOKENS])[0, :1] == pytest.approx(alone, abs=1e-3)


# --- the whole way ---


@pytest.mark.parametrize(("kind", "near"), [("fp32", 1e-6), ("int8", 0.03), ("int4", 0.8)])
def test_from_a_checkpoint(
    checkpoint: Path,
    tmp_path: Path,
    kind: str,
    near: float,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "out"
    monkeypatch.setattr(sys, "argv", ["to_onnx", str(checkpoint), str(out), "--type", kind])
    main()
    assert capsys.readouterr().out.startswith(f"{out}: ")
    assert {p.name for p in out.iterdir()} == {"config.json", "tokenizer.json", "model.onnx"}
    engine = OnnxEngine(out, n_ctx=128, threads=1)
    seq = engine.open()
    engine.extend(seq, TOKENS)
    said = np.array(engine.score(seq, [[token] for token in range(N_VOCAB)]))
    model = LlamaForCausalLM.from_pretrained(checkpoint).eval()
    with torch.no_grad():
        wanted = log_odds(model(torch.tensor([TOKENS])).logits.numpy())[0, -1]
    assert divergence(wanted, said) < near


# --- what can't be exported ---


@pytest.mark.parametrize("missing", ["config.json", "tokenizer.json"])
def test_a_folder_without(checkpoint: Path, tmp_path: Path, missing: str) -> None:
    (checkpoint / missing).unlink()
    with pytest.raises(FileNotFoundError, match=f"{checkpoint}: no {missing}"):
        export_onnx(checkpoint, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_an_unknown_type(checkpoint: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="'int2': it is one of fp32, int8, int4"):
        export_onnx(checkpoint, tmp_path / "out", kind="int2")


@pytest.mark.parametrize("wrong", [["nowhere", "out"], ["x", "out", "--type", "int2"]])
def test_one_line_for_a_mistake(
    wrong: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["to_onnx", *wrong])
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 2
    assert "nowhere: no config.json" in (said := capsys.readouterr().err) or "int2" in said


@pytest.mark.parametrize("kind", ["int8", "int4"])
def test_a_head_of_its_own(kind: str) -> None:
    model = tiny()
    (head,) = (n for n in model.graph.node if n.name == "/lm_head/MatMul")
    other = np.zeros((WIDTH, N_VOCAB), np.float32)
    model.graph.initializer.append(numpy_helper.from_array(other, "other"))
    head.input[1] = "other"
    with pytest.raises(ValueError, match="tied"):
        quantize(model, kind)
