"""A streaming transducer of noise, made in a moment: what sherpa-onnx loads, and hears nonsense by.

The smallest of the kinds it knows ("lstm"): an encoder that takes every fourth frame of features, a
decoder of two tokens, a joiner; random weights, so small that a hotword outweighs some.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

TOKENS = ("<blk>", "<unk>", "▁A", "B", "▁C", "S")
FEATURES, WIDTH = 80, 8
STEP = 4
"""Frames that one call of the encoder moves on."""


def transducer(folder: Path, hotwords: bool = True) -> Path:
    """Write it into a folder; without the vocabulary that hotwords need, it knows none."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)

    def weights(name: str, *shape: int) -> onnx.TensorProto:
        return numpy_helper.from_array((0.3 * rng.standard_normal(shape)).astype("f4"), name)

    def numbers(name: str, number: int) -> onnx.TensorProto:
        return numpy_helper.from_array(np.array([number], "i8"), name)

    def write(
        name: str, nodes: list, ins: dict, outs: dict, weights: list, **facts: object
    ) -> None:
        kinds = {"y": TensorProto.INT64}

        def infos(of: dict) -> list:
            return [
                helper.make_tensor_value_info(n, kinds.get(n, TensorProto.FLOAT), shape)
                for n, shape in of.items()
            ]

        graph = helper.make_graph(nodes, name, infos(ins), infos(outs), weights)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
        helper.set_model_props(model, {key: str(value) for key, value in facts.items()})
        onnx.save(model, folder / f"{name}.onnx")

    node = helper.make_node
    state = [1, "N", WIDTH]
    write(
        "encoder",
        [
            node("Slice", ["x", "from", "to", "axis", "step"], ["frames"]),
            node("MatMul", ["frames", "encode"], ["encoder_out"]),
            node("Identity", ["h"], ["next_h"]),
            node("Identity", ["c"], ["next_c"]),
        ],
        {"x": ["N", "T", FEATURES], "h": state, "c": state},
        {"encoder_out": ["N", "U", WIDTH], "next_h": state, "next_c": state},
        [
            weights("encode", FEATURES, WIDTH),
            *(numbers(*of) for of in (("from", 0), ("to", STEP), ("axis", 1), ("step", STEP))),
        ],
        model_type="lstm",
        T=STEP + 5,
        decode_chunk_len=STEP,
        num_encoder_layers=1,
        d_model=WIDTH,
        rnn_hidden_size=WIDTH,
    )
    write(
        "decoder",
        [
            node("Gather", ["embed", "y"], ["both"]),
            node("ReduceMean", ["both"], ["decoder_out"], axes=[1], keepdims=0),
        ],
        {"y": ["N", 2]},
        {"decoder_out": ["N", WIDTH]},
        [weights("embed", len(TOKENS), WIDTH)],
        context_size=2,
        vocab_size=len(TOKENS),
    )
    write(
        "joiner",
        [
            node("Add", ["encoder_out", "decoder_out"], ["sum"]),
            node("Tanh", ["sum"], ["bent"]),
            node("MatMul", ["bent", "join"], ["logit"]),
        ],
        {"encoder_out": ["N", WIDTH], "decoder_out": ["N", WIDTH]},
        {"logit": ["N", len(TOKENS)]},
        [weights("join", WIDTH, len(TOKENS))],
        joiner_dim=WIDTH,
    )
    pieces = "".join(f"{token} {number}\n" for number, token in enumerate(TOKENS))
    (folder / "tokens.txt").write_text(pieces, encoding="utf-8")
    if hotwords:
        scores = "".join(f"{token}\t{-number}\n" for number, token in enumerate(TOKENS))
        (folder / "bpe.vocab").write_text(scores, encoding="utf-8")
    return folder
