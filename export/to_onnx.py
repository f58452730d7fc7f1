"""A trained Llama checkpoint -> an ONNX folder (model.onnx, config.json, tokenizer.json).

fp32   as Optimum exports it, with past key values
int8   every matrix in blocks of 32 with 8 bits a weight (MatMulNBits), embeddings 8 bits a row
int4   the layers with 4 bits a weight; the head keeps 8, since it chooses the words

Activations are rounded to int8 on the fly (accuracy_level 4): that is what makes both fast.

    python -m export.to_onnx CHECKPOINT OUT_DIR --type int8
"""

from __future__ import annotations

import argparse
import logging
import os
import shutil
import tempfile
import warnings
from pathlib import Path

import numpy as np
import onnx
from onnx import helper, numpy_helper

TYPES = ("fp32", "int8", "int4")
BLOCK = 32
HEAD = "/lm_head/MatMul"


def export_fp32(checkpoint: Path, out: Path) -> None:
    """Optimum's export into the folder `out`, offline and without its chatter."""
    os.environ["HF_HUB_OFFLINE"] = "1"
    # Optimum and torch warn of what tracing might miss; the contract test holds the result.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from optimum.exporters.onnx import main_export

        main_export(
            str(checkpoint),
            out,
            task="text-generation-with-past",
            library_name="transformers",
            local_files_only=True,
            do_validation=False,
            dtype="fp32",
        )


def untie(model: onnx.ModelProto) -> None:
    """Give the head a matrix of its own where it is the embedding's transpose.

    Quantizers only see constants, and the two are quantized differently anyway.
    """
    nodes = {output: node for node in model.graph.node for output in node.output}
    constants = {tensor.name: tensor for tensor in model.graph.initializer}
    (head,) = (node for node in model.graph.node if node.name == HEAD)
    transpose = nodes.get(head.input[1])
    if transpose is None:
        return
    values = numpy_helper.to_array(constants[transpose.input[0]])
    model.graph.initializer.append(
        numpy_helper.from_array(np.ascontiguousarray(values.T), "lm_head.weight")
    )
    head.input[1] = "lm_head.weight"
    model.graph.node.remove(transpose)


def quantize_matrices(model: onnx.ModelProto, bits: int, exclude: list[str]) -> onnx.ModelProto:
    """Every MatMul with a constant matrix becomes a MatMulNBits, symmetric, in blocks of 32."""
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
    quantized: onnx.ModelProto = quantizer.model.model
    return quantized


def quantize_embedding(model: onnx.ModelProto) -> None:
    """The embedding table (n_vocab, width) as int8 with one float32 scale a row.

    Two Gathers, a Cast and a Mul of plain ONNX take the place of one Gather.
    """
    constants = {tensor.name: tensor for tensor in model.graph.initializer}
    (gather,) = (n for n in model.graph.node if n.op_type == "Gather" and "input_ids" in n.input)
    table = constants[gather.input[0]]
    values = numpy_helper.to_array(table)
    scales = np.maximum(np.abs(values).max(axis=1, keepdims=True), 1e-8) / 127
    rounded = np.round(values / scales).astype(np.int8)
    model.graph.initializer.remove(table)
    name, ids, out = table.name, gather.input[1], gather.output[0]
    model.graph.initializer.extend(
        [
            numpy_helper.from_array(rounded, f"{name}_int8"),
            numpy_helper.from_array(scales.astype(np.float32), f"{name}_scales"),
        ]
    )
    place = list(model.graph.node).index(gather)
    model.graph.node.remove(gather)
    nodes = [
        helper.make_node("Gather", [f"{name}_int8", ids], [f"{out}_int8"]),
        helper.make_node("Gather", [f"{name}_scales", ids], [f"{out}_scale"]),
        helper.make_node("Cast", [f"{out}_int8"], [f"{out}_float"], to=onnx.TensorProto.FLOAT),
        helper.make_node("Mul", [f"{out}_float", f"{out}_scale"], [out]),
    ]
    for i, node in enumerate(nodes):
        model.graph.node.insert(place + i, node)


def quantize(model: onnx.ModelProto, kind: str) -> onnx.ModelProto:
    """The fp32 model as int8 or int4."""
    untie(model)
    if kind == "int4":
        model = quantize_matrices(model, 4, [HEAD])
    model = quantize_matrices(model, 8, [])
    quantize_embedding(model)
    return model


def export_onnx(checkpoint: Path, out: Path, *, kind: str = "int8") -> None:
    """Write the checkpoint as an ONNX folder; `kind` is one of `TYPES`.

    `out` is made if need be; other files in it stay.
    """
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out, prefix=".export-") as folder:
        fresh = Path(folder)
        export_fp32(checkpoint, fresh)
        if kind != "fp32":
            model = quantize(onnx.load(fresh / "model.onnx"), kind)
            onnx.save(model, fresh / "model.onnx")
        shutil.copy(checkpoint / "config.json", fresh)
        shutil.copy(checkpoint / "tokenizer.json", fresh)
        for name in ("config.json", "tokenizer.json", "model.onnx"):
            (fresh / name).replace(out / name)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--type", choices=TYPES, default="int8")
    args = parser.parse_args()
    export_onnx(args.checkpoint, args.out, kind=args.type)
    size = (args.out / "model.onnx").stat().st_size
    print(f"{args.out}: {size / 1e6:.1f} MB, {args.type}")


if __name__ == "__main__":
    main()
