"""A checkpoint -> the same with its layers' matrices on Q4_0's grid, chosen so that what the layers
say changes least.

GPTQ (Frantar et al. 2022, arXiv:2210.17323): the columns of a matrix are rounded one after the
other, and what rounding one changes in the output is made up for by those not rounded yet, by the
inverse Hessian of the layer's inputs on training threads. Layer after layer, each on the inputs
that the rounded layers before it give. `export.to_gguf` writes values that lie on the grid as they
are.

    python -m export.gptq CHECKPOINT OUT --data DIR [--keep LAYER...]

Layers that are kept stay as they are, for `export.to_gguf --keep` to write as Q8_0.
"""

from __future__ import annotations

import argparse
import json
import shutil
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn
from transformers import LlamaForCausalLM

from export.calibration import CALIBRATION, calibration_batches, inputs_of
from export.pack import Batch
from export.q4_0 import BLOCK, best_scales, on_grid
from export.train import RECORD, read_record

DAMPING = 0.01
"""Share of the Hessian's mean diagonal that is added to it, as in the paper's section 4.1."""
TOGETHER = (("q_proj", "k_proj", "v_proj"), ("o_proj",), ("gate_proj", "up_proj"), ("down_proj",))
"""The matrices of a layer, in the order they are rounded; those of a group have the same input."""


def rounded(weight: torch.Tensor, hessian: torch.Tensor) -> torch.Tensor:
    """`weight` on Q4_0's grid.

    `weight` is (out, in), `hessian` (in, in): the sum of x x^T over the inputs x. Raises
    `ValueError` where the rows are no multiple of 32.
    """
    size = weight.shape[1]
    if size % BLOCK:
        raise ValueError(f"rows of {size} values are no multiple of {BLOCK}")
    left = weight.clone()
    diagonal = hessian.diagonal()
    damped = hessian + torch.eye(size) * (DAMPING * diagonal.mean() + 1e-8)
    inverse = torch.cholesky_inverse(torch.linalg.cholesky(damped))
    upper = torch.linalg.cholesky(inverse, upper=True)
    for start in range(0, size, BLOCK):
        stop = start + BLOCK
        scale = best_scales(left[:, start:stop], diagonal[start:stop])
        errors = torch.empty(len(left), BLOCK)
        for i, column in enumerate(range(start, stop)):
            nearest = on_grid(left[:, column], scale)
            errors[:, i] = (left[:, column] - nearest) / upper[column, column]
            left[:, column] = nearest
            left[:, column + 1 : stop] -= errors[:, i : i + 1] * upper[column, column + 1 : stop]
        left[:, stop:] -= errors @ upper[start:stop, stop:]
    return left


class _Reached(Exception):
    """The first layer was reached: what goes into it is known."""


def _inputs(model: LlamaForCausalLM, batch: Batch) -> tuple[torch.Tensor, dict[str, Any]]:
    """What the first layer is given: hidden states (B, T, width), and the rest by name."""
    seen: list[tuple[torch.Tensor, dict[str, Any]]] = []

    def note(module: nn.Module, args: tuple[torch.Tensor, ...], named: dict[str, Any]) -> None:
        seen.append((args[0], named))
        raise _Reached

    hook = model.model.layers[0].register_forward_pre_hook(note, with_kwargs=True)
    try:
        model.model(
            input_ids=batch.tokens,
            attention_mask=batch.mask,
            position_ids=batch.positions,
            use_cache=False,
        )
    except _Reached:
        return seen[0]
    finally:
        hook.remove()
    raise ValueError("a model without layers")


@torch.no_grad()
def round_model(
    model: LlamaForCausalLM, calibration: Sequence[Batch], keep: Collection[int] = ()
) -> Iterator[int]:
    """Round the matrices of every layer but those in `keep`, in place; yields each layer done."""
    states, named = zip(*(_inputs(model, batch) for batch in calibration), strict=True)
    # Padding would count as so many equal tokens; a sequence's last token always has a weight.
    real = [batch.weights.flip(1).cumsum(1).flip(1) > 0 for batch in calibration]
    for number, layer in enumerate(model.model.layers):
        matrices = {name.split(".")[-1]: m for name, m in layer.named_modules()}
        for group in TOGETHER if number not in keep else ():
            wanted = [matrices[name] for name in group]
            hessian = torch.zeros(wanted[0].in_features, wanted[0].in_features)
            with inputs_of(wanted[:1]) as seen:
                for state, rest, some in zip(states, named, real, strict=True):
                    layer(state, **rest)
                    inputs = seen[0][some]
                    hessian += inputs.T @ inputs
            for matrix in wanted:
                matrix.weight.copy_(rounded(matrix.weight, hessian))
        states = tuple(layer(s, **rest) for s, rest in zip(states, named, strict=True))
        yield number


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--data", type=Path, required=True, help="folder with glancechat/")
    parser.add_argument("--recipe", default="open")
    parser.add_argument("--keep", type=int, nargs="*", default=[], metavar="LAYER", help="from 0")
    parser.add_argument("--threads", type=int, default=CALIBRATION, help="to calibrate on")
    args = parser.parse_args()
    model = LlamaForCausalLM.from_pretrained(args.checkpoint, dtype=torch.float32).eval()
    calibration = list(calibration_batches(args.checkpoint, args.data, args.recipe, args.threads))
    for number in round_model(model, calibration, args.keep):
        print(f"layer {number + 1} of {model.config.num_hidden_layers}", flush=True)
    model.save_pretrained(args.out)
    if record := read_record(args.checkpoint):
        (args.out / RECORD).write_text(json.dumps(record, indent=1) + "\n")
    shutil.copyfile(args.checkpoint / "tokenizer.json", args.out / "tokenizer.json")


if __name__ == "__main__":
    main()
