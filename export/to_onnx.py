"""A trained Llama checkpoint -> an ONNX folder (model.onnx, config.json, tokenizer.json).

fp32   as Optimum exports it, with past key values
int8   ONNX Runtime's dynamic quantization: int8 weights with a scale a column, activations rounded
       to uint8 as they come, with a scale a token, multiplied as integers (MatMulInteger)
int4   4 bits a weight in blocks of 32 with a scale each (MatMulNBits), 8 bits for the vocabulary
       and the layers that are kept, as `export.to_gguf` has them; activations int8 a block

The vocabulary's matrix is embedding and head at once and is stored once, quantized like the rest.

    python -m export.to_onnx CHECKPOINT OUT_DIR --type int4 [--keep LAYER...]
"""

from __future__ import annotations

import argparse
import logging
import os
import shutil
import tempfile
import warnings
from collections.abc import Collection, Iterable
from pathlib import Path

import numpy as np
import onnx
from onnx import ModelProto, NodeProto, helper, numpy_helper

TYPES = ("fp32", "int8", "int4")
PARTS = ("config.json", "tokenizer.json", "model.onnx")
BLOCK = 32
HEAD = "/lm_head/MatMul"
LAYER = "/model/layers.{}/"  # how the names of a layer's nodes begin
TABLE = "vocabulary"  # the one stored matrix (n_vocab, width)


def export_fp32(checkpoint: Path, out: Path) -> None:
    """Optimum's export into the folder `out`, offline and without its chatter."""
    os.environ["HF_HUB_OFFLINE"] = "1"
    # Optimum and torch warn of what tracing might miss; the contract test holds the result.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import optimum.utils.logging
        import transformers.utils.logging
        from optimum.exporters.onnx import main_export

        optimum.utils.logging.set_verbosity_error()
        transformers.utils.logging.set_verbosity_error()
        main_export(
            str(checkpoint),
            out,
            task="text-generation-with-past",
            library_name="transformers",
            local_files_only=True,
            do_validation=False,
            dtype="fp32",
        )


def _constants(model: ModelProto) -> dict[str, onnx.TensorProto]:
    return {tensor.name: tensor for tensor in model.graph.initializer}


def _store(model: ModelProto, name: str, values: np.ndarray) -> str:
    """A constant of the graph; returns its name."""
    model.graph.initializer.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
    return name


def _set_nodes(model: ModelProto, nodes: Iterable[NodeProto]) -> None:
    """Replace the graph's nodes; some of them may be its own already."""
    copies = [NodeProto.FromString(node.SerializeToString()) for node in nodes]
    del model.graph.node[:]
    model.graph.node.extend(copies)


def untie(model: ModelProto) -> None:
    """Give the head a matrix of its own: quantizers only see constants.

    `share` undoes it. Raises `ValueError` where the head isn't the embedding's transpose.
    """
    made = {output: node for node in model.graph.node for output in node.output}
    (head,) = (node for node in model.graph.node if node.name == HEAD)
    transpose = made.get(head.input[1])
    if transpose is None:
        raise ValueError("only a model whose head is tied to its embedding can be quantized")
    values = numpy_helper.to_array(_constants(model)[transpose.input[0]])
    head.input[1] = _store(model, "lm_head.weight", values.T)
    model.graph.node.remove(transpose)


def share(model: ModelProto, table: np.ndarray, head: NodeProto, rows: list[NodeProto]) -> None:
    """Store the quantized vocabulary once, as `TABLE`.

    `head` makes the head's matrix of it: its inputs are constants, so that ONNX Runtime runs it
    once, at load. `rows` look up "input_ids" in the table; their last output is float32.
    """
    (gather,) = (n for n in model.graph.node if n.op_type == "Gather" and "input_ids" in n.input)
    rows[-1].output[0] = gather.output[0]
    constants = _constants(model)
    for name in (gather.input[0], head.output[0]):
        model.graph.initializer.remove(constants[name])
    _store(model, TABLE, table)
    _set_nodes(model, [head, *rows, *(node for node in model.graph.node if node != gather)])


def scale_rows(model: ModelProto) -> None:
    """x W becomes m ((x / m) W) with each token's own m = max |x|.

    Dynamic quantization has one scale for all tokens of a run, and in some layers a Llama's first
    token has activations a thousand times the others': these would be rounded to nothing.
    """
    constants = _constants(model)
    axis = _store(model, "last_axis", np.array([-1]))
    least = _store(model, "least", np.array(1e-9, np.float32))
    nodes: list[NodeProto] = []
    scaled: set[str] = set()
    for node in model.graph.node:
        if node.op_type != "MatMul" or node.input[1] not in constants:
            nodes.append(node)
            continue
        x, y = node.input[0], node.output[0]
        if x not in scaled:
            scaled.add(x)
            nodes += [
                helper.make_node("Abs", [x], [f"{x}_abs"]),
                helper.make_node("ReduceMax", [f"{x}_abs", axis], [f"{x}_max"], keepdims=1),
                helper.make_node("Max", [f"{x}_max", least], [f"{x}_scale"]),
                helper.make_node("Div", [x, f"{x}_scale"], [f"{x}_scaled"]),
            ]
        node.input[0], node.output[0] = f"{x}_scaled", f"{y}_scaled"
        nodes += [node, helper.make_node("Mul", [f"{y}_scaled", f"{x}_scale"], [y])]
    _set_nodes(model, nodes)


def fix_grid(model: ModelProto) -> None:
    """Round scaled rows to the grid that they need at most: -1..1 as 1..255.

    A DynamicQuantizeLinear measures all tokens of a run: what is decoded beside a token, or in
    the same run, would change how the token itself is rounded.
    """
    step = _store(model, "step", np.array(1 / 127, np.float32))
    middle = _store(model, "middle", np.array(128, np.uint8))
    names: dict[str, str] = {}
    for node in model.graph.node:
        if node.op_type == "DynamicQuantizeLinear":
            rounded, scale, zero = node.output
            names |= {scale: step, zero: middle}
            fixed = helper.make_node("QuantizeLinear", [*node.input, step, middle], [rounded])
            node.CopyFrom(fixed)
    for node in model.graph.node:
        node.input[:] = [names.get(name, name) for name in node.input]


def quantize_dynamically(model: ModelProto) -> ModelProto:
    """Every MatMul with a constant matrix becomes a MatMulInteger.

    Weights are signed, for which x86 has its fastest kernels, and keep 7 bits: uint8 times int8
    saturates on processors with AVX2 but without VNNI (five times the divergence there).
    """
    from onnxruntime.quantization import QuantType, quantize_dynamic
    from onnxruntime.quantization.quant_utils import add_pre_process_metadata

    scale_rows(model)
    add_pre_process_metadata(model)  # Optimum did that part; without the mark there is a warning
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        quantize_dynamic(
            model,
            path,
            op_types_to_quantize=["MatMul"],
            per_channel=True,
            reduce_range=True,
            weight_type=QuantType.QInt8,
        )
        model = onnx.load(path)
    fix_grid(model)
    return model


def to_int8(model: ModelProto) -> ModelProto:
    """Dynamic quantization of every matrix, the embedding's too."""
    model = quantize_dynamically(model)
    head, scales = "lm_head.weight_quantized", "lm_head.weight_scale"
    axis = _store(model, "row_axis", np.array([-1]))
    share(
        model,
        numpy_helper.to_array(_constants(model)[head]).T,
        helper.make_node("Transpose", [TABLE], [head], perm=[1, 0]),
        [
            helper.make_node("Gather", [TABLE, "input_ids"], ["row_int8"]),
            helper.make_node("Cast", ["row_int8"], ["row_float"], to=onnx.TensorProto.FLOAT),
            helper.make_node("Gather", [scales, "input_ids"], ["row_scale"]),
            helper.make_node("Unsqueeze", ["row_scale", axis], ["row_scale_1"]),
            helper.make_node("Mul", ["row_float", "row_scale_1"], ["rows"]),
        ],
    )
    return model


def quantize_matrices(model: ModelProto, bits: int, exclude: list[str]) -> ModelProto:
    """Every MatMul with a constant matrix becomes a MatMulNBits, symmetric, in blocks of 32.

    Its activations are rounded to int8 on the fly (accuracy_level 4).
    """
    from onnxruntime.quantization.matmul_nbits_quantizer import MatMulNBitsQuantizer

    logging.getLogger("onnxruntime").setLevel(logging.WARNING)
    logging.getLogger("onnxruntime.quantization.matmul_nbits_quantizer").setLevel(logging.WARNING)
    quantizer = MatMulNBitsQuantizer(
        model,
        bits=bits,
        block_size=BLOCK,
        is_symmetric=True,
        accuracy_level=4,
        nodes_to_exclude=exclude,
    )
    quantizer.process()
    quantized: ModelProto = quantizer.model.model
    return quantized


def to_int4(model: ModelProto, keep: Collection[int]) -> ModelProto:
    """MatMulNBits for every matrix: with 8 bits for the vocabulary and the layers in `keep`."""
    layers = tuple(LAYER.format(number) for number in keep)
    finer = [node.name for node in model.graph.node if node.name.startswith((HEAD, *layers))]
    model = quantize_matrices(model, 4, finer)
    model = quantize_matrices(model, 8, [])
    head, scales = "lm_head.weight_Q8", "lm_head.weight_scales"
    packed = numpy_helper.to_array(_constants(model)[head])
    shape = _store(model, "head_shape", np.array(packed.shape))
    share(
        model,
        packed.reshape(len(packed), -1),
        helper.make_node("Reshape", [TABLE, shape], [head]),
        [
            helper.make_node(
                "GatherBlockQuantized",
                [TABLE, "input_ids", scales],
                ["rows"],
                domain="com.microsoft",
                bits=8,
                block_size=BLOCK,
                gather_axis=0,
                quantize_axis=1,
            )
        ],
    )
    return model


def quantize(model: ModelProto, kind: str, keep: Collection[int] = ()) -> ModelProto:
    """The fp32 model as int8 or int4; `keep` is for int4 alone."""
    untie(model)
    return to_int8(model) if kind == "int8" else to_int4(model, keep)


def export_onnx(
    checkpoint: Path, out: Path, *, kind: str = "int8", keep: Collection[int] = ()
) -> None:
    """Write the checkpoint as an ONNX folder; `kind` is one of `TYPES`. Of an int4 model, the
    layers in `keep`, counted from 0, have 8 bits.

    `out` is made if need be; other files in it stay. Raises `FileNotFoundError` where the
    checkpoint lacks a file, `ValueError` for an unknown type or a head that isn't tied.
    """
    if kind not in TYPES:
        raise ValueError(f"type {kind!r}: it is one of {', '.join(TYPES)}")
    for name in PARTS[:2]:
        if not (checkpoint / name).is_file():
            raise FileNotFoundError(f"{checkpoint}: no {name}; a folder from export.train has one")
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out, prefix=".export-") as folder:
        fresh = Path(folder)
        export_fp32(checkpoint, fresh)
        if kind != "fp32":
            model = quantize(onnx.load(fresh / "model.onnx"), kind, keep)
            onnx.save(model, fresh / "model.onnx")
        for name in PARTS[:2]:
            shutil.copy(checkpoint / name, fresh)
        for name in PARTS:
            (fresh / name).replace(out / name)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--type", choices=TYPES, default="int8")
    parser.add_argument("--keep", type=int, nargs="*", default=[], metavar="LAYER", help="8 bits")
    args = parser.parse_args()
    try:
        export_onnx(args.checkpoint, args.out, kind=args.type, keep=args.keep)
    except (FileNotFoundError, ValueError) as error:
        parser.error(str(error))
    print(f"{args.out}: {(args.out / 'model.onnx').stat().st_size / 1e6:.1f} MB, {args.type}")


if __name__ == "__main__":
    main()
