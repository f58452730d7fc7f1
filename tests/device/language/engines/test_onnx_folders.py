"""Folders that the ONNX engine is pointed at, and what it says of those that are none."""

from __future__ import annotations

from pathlib import Path

import pytest

from device.cli import main
from device.errors import ModelError
from device.language.load import Model, load_writer
from device.language.onnx_engine import OnnxEngine
from tests.engines import TINY


def onnx_folder(folder: Path, **files: bytes | None) -> Path:
    """The tiny model's folder with other files, or without some; "_" stands for "."."""
    for name in ("model.onnx", "tokenizer.json"):
        content = files.get(name.replace(".", "_"), (TINY / name).read_bytes())
        if content is not None:
            (folder / name).write_bytes(content)
    return folder


VOCABULARY = (TINY / "tokenizer.json").read_bytes()
MORE = b'{"id": 512, "content": "<|more|>", "special": true, "normalized": false, "lstrip": false,'
MORE += b' "rstrip": false, "single_word": false}'
OTHER_LETTERS = (
    b'{"version":"1.0","model":{"type":"WordLevel","vocab":{"\\u4e00":0},"unk_token":""}}'
)


@pytest.mark.parametrize(
    ("files", "problem"),
    [
        ({"tokenizer_json": None}, "no tokenizer.json in it"),
        ({"tokenizer_json": b""}, "not a tokenizer"),
        ({"tokenizer_json": b"\xff{}"}, "not a tokenizer"),
        ({"tokenizer_json": OTHER_LETTERS}, "not a byte-level BPE"),
        (
            {"tokenizer_json": VOCABULARY.replace(b"im_start", b"im_begin")},
            r"has no <\|im_start\|>",
        ),
        (
            {
                "tokenizer_json": VOCABULARY.replace(
                    b'"added_tokens": [', b'"added_tokens": [%b,' % MORE
                )
            },
            "has 513 pieces, model.onnx only 512",
        ),
        ({"model_onnx": None}, "no model.onnx in it"),
        ({"model_onnx": b"text"}, "can't load it"),
    ],
)
def test_an_onnx_folder_that_is_none(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    files: dict[str, bytes | None],
    problem: str,
) -> None:
    folder = onnx_folder(tmp_path, **files)
    with pytest.raises(ModelError, match=problem) as told:
        load_writer(Model("tiny", folder), "onnx", threads=1)
    assert str(told.value).startswith(str(folder))
    assert main(["demo", "--fast", "--engine", "onnx", "--model", str(folder)]) == 2
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize("kind", ["no cache", "half floats", "no shape"])
def test_an_onnx_model_that_is_no_such_decoder(tmp_path: Path, kind: str) -> None:
    onnx = pytest.importorskip("onnx")
    numbers = onnx.TensorProto.FLOAT16 if kind == "half floats" else onnx.TensorProto.FLOAT
    size = "width" if kind == "no shape" else 8
    past = [] if kind == "no cache" else ["past_key_values.0.key"]
    inputs = [
        onnx.helper.make_tensor_value_info(name, onnx.TensorProto.INT64, ["batch", "tokens"])
        for name in ("input_ids", "attention_mask", "position_ids")
    ] + [
        onnx.helper.make_tensor_value_info(name, numbers, ["batch", 2, "past", size])
        for name in past
    ]
    outputs = [onnx.helper.make_tensor_value_info("logits", onnx.TensorProto.FLOAT, ["batch", 512])]
    nodes = [onnx.helper.make_node("Cast", ["input_ids"], ["logits"], to=1)]
    for name in past:
        present = name.replace("past_key_values", "present")
        nodes.append(onnx.helper.make_node("Identity", [name], [present]))
        outputs.append(
            onnx.helper.make_tensor_value_info(present, numbers, ["batch", 2, "past", size])
        )
    graph = onnx.helper.make_graph(nodes, "none", inputs, outputs)
    opset = [onnx.helper.make_opsetid("", 17)]
    onnx.save(
        onnx.helper.make_model(graph, opset_imports=opset, ir_version=9), tmp_path / "model.onnx"
    )
    with pytest.raises(ModelError, match="not a decoder with past key values"):
        OnnxEngine(tmp_path)
