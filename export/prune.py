"""A trained model -> a smaller one to be healed and distilled: fewer layers, or a narrower FFN.

    python -m export.prune CHECKPOINT OUT --data DIR --way layers --megabytes 40
    python -m export.prune CHECKPOINT OUT --data DIR --way ffn --megabytes 40 [--layers N]

What goes is what matters least on training threads, and as much goes as the size asks for.

layers: those that change their input least (1 - cosine of what enters and what leaves; "ShortGPT",
Men et al. 2024, arXiv:2403.03853). The first and the last stay.
ffn: in each layer the channels that add least (mean magnitude of the activation times the norm of
its column in down_proj; activations as in "Minitron", Muralidharan et al. 2024, arXiv:2407.14679,
times weights as in "Wanda", Sun et al. 2023, arXiv:2306.11695). The width stays a multiple of 32.

The student is then trained on the teacher's probabilities, first each way for the same few tokens,
and the one with the lower held-out loss to its end (`scripts/train.sh` with STUDENT=1 does it all):

    python -m export.train --model OUT --teacher CHECKPOINT --temperature 2 --labels 0.3 ...
    python -m export.prune --better RUN RUN...              # prints the folder of the lower loss
"""

from __future__ import annotations

import argparse
import copy
import json
import shutil
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import torch
from transformers import LlamaConfig, LlamaForCausalLM

from export.calibration import calibration_batches, inputs_of
from export.loss import logits_of
from export.pack import Batch
from export.q4_0 import BLOCK
from export.train import RECORD, read_record

HEADER = 1.0
"""Megabytes that a GGUF needs for its vocabulary and header, generously."""


def megabytes(config: LlamaConfig) -> float:
    """Size in 10^6 bytes of the model as a Q4_0 GGUF, tied embeddings in Q8_0, header included."""
    width, heads = config.hidden_size, config.num_attention_heads
    attention = width * width * (2 + 2 * config.num_key_value_heads / heads)
    layer = attention + 3 * width * config.intermediate_size
    norms = (2 * config.num_hidden_layers + 1) * width * 4
    rows = config.vocab_size * width
    size: float = config.num_hidden_layers * layer * 18 / 32 + rows * 34 / 32 + norms
    return size / 1e6 + HEADER


def fitting(config: LlamaConfig, way: str, most: float) -> LlamaConfig:
    """`config` with as many layers, or FFN channels, as `most` megabytes hold.

    Raises `ValueError` where not even two layers or one block of channels do.
    """
    name = {"layers": "num_hidden_layers", "ffn": "intermediate_size"}[way]
    step, least = {"layers": (1, 2), "ffn": (BLOCK, BLOCK)}[way]
    smaller = copy.deepcopy(config)
    for size in range(getattr(config, name) // step * step, least - 1, -step):
        setattr(smaller, name, size)
        if megabytes(smaller) <= most:
            return smaller
    raise ValueError(f"{most} MB hold no model of this width with fewer {way}")


@torch.no_grad()
def layer_importance(model: LlamaForCausalLM, calibration: Sequence[Batch]) -> torch.Tensor:
    """(layers,) how much each layer turns what enters it: 1 - cosine, mean over weighted tokens."""
    total = torch.zeros(model.config.num_hidden_layers)
    tokens = 0
    with inputs_of([*model.model.layers, model.model.norm]) as states:
        for batch in calibration:
            logits_of(model, batch)
            rows = batch.weights > 0
            for i, (enters, leaves) in enumerate(pairwise(states)):
                turned = 1 - torch.cosine_similarity(enters[rows], leaves[rows], dim=-1)
                total[i] += turned.sum()
            tokens += int(rows.sum())
    return total / tokens


@torch.no_grad()
def channel_importance(model: LlamaForCausalLM, calibration: Sequence[Batch]) -> torch.Tensor:
    """(layers, channels) how much each FFN channel adds: mean |activation| x norm of its column."""
    config = model.config
    total = torch.zeros(config.num_hidden_layers, config.intermediate_size)
    tokens = 0
    columns = [layer.mlp.down_proj for layer in model.model.layers]
    with inputs_of(columns) as activations:
        for batch in calibration:
            logits_of(model, batch)
            rows = batch.weights > 0
            for i, active in enumerate(activations):
                total[i] += active[rows].abs().sum(0)
            tokens += int(rows.sum())
    return total / tokens * torch.stack([column.weight.norm(dim=0) for column in columns])


def fewer_layers(model: LlamaForCausalLM, kept: Sequence[int]) -> LlamaForCausalLM:
    """A new model of these layers only, in their order."""
    config = copy.deepcopy(model.config)
    config.num_hidden_layers = len(kept)
    if getattr(config, "layer_types", None):
        config.layer_types = [config.layer_types[i] for i in kept]
    new = {old: i for i, old in enumerate(kept)}
    weights = {}
    for name, values in model.state_dict().items():
        parts = name.split(".")
        if parts[:2] == ["model", "layers"]:
            if int(parts[2]) not in new:
                continue
            parts[2] = str(new[int(parts[2])])
        weights[".".join(parts)] = values
    return _loaded(config, weights)


def narrower(model: LlamaForCausalLM, kept: torch.Tensor) -> LlamaForCausalLM:
    """A new model of these FFN channels only; `kept` is (layers, channels) int64.

    Raises `ValueError` where their number is no multiple of 32.
    """
    if kept.shape[1] % BLOCK:
        raise ValueError(f"{kept.shape[1]} FFN channels are no multiple of {BLOCK}")
    config = copy.deepcopy(model.config)
    config.intermediate_size = kept.shape[1]
    weights = dict(model.state_dict())
    for i, channels in enumerate(kept):
        for name, dim in (("gate_proj", 0), ("up_proj", 0), ("down_proj", 1)):
            key = f"model.layers.{i}.mlp.{name}.weight"
            weights[key] = weights[key].index_select(dim, channels)
    return _loaded(config, weights)


def _loaded(config: LlamaConfig, weights: dict[str, torch.Tensor]) -> LlamaForCausalLM:
    smaller = LlamaForCausalLM(config)
    smaller.load_state_dict(weights)
    smaller.tie_weights()
    return smaller


def most_important(importance: torch.Tensor, n: int) -> torch.Tensor:
    """(..., n) indices of the n largest along the last dimension, in their own order."""
    return importance.topk(n, dim=-1).indices.sort(dim=-1).values


def prune(
    model: LlamaForCausalLM, wanted: LlamaConfig, calibration: Sequence[Batch]
) -> LlamaForCausalLM:
    """`model` with as many layers and FFN channels as `wanted` has, the most important ones."""
    if wanted.num_hidden_layers < model.config.num_hidden_layers:
        importance = layer_importance(model, calibration)
        importance[0] = importance[-1] = torch.inf
        model = fewer_layers(model, most_important(importance, wanted.num_hidden_layers).tolist())
    if wanted.intermediate_size < model.config.intermediate_size:
        importance = channel_importance(model, calibration)
        model = narrower(model, most_important(importance, wanted.intermediate_size))
    return model


def better(runs: Sequence[Path]) -> Path:
    """The trained checkpoint with the lowest loss of held-out answers. Raises `KeyError`."""
    return min(runs, key=lambda run: read_record(run)["held_out"][1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("checkpoint", type=Path, nargs="?")
    parser.add_argument("out", type=Path, nargs="?")
    parser.add_argument("--data", type=Path, help="folder with glancechat/")
    parser.add_argument("--recipe", default="open")
    parser.add_argument("--way", choices=("layers", "ffn"), default="layers")
    parser.add_argument("--megabytes", type=float, help="of the Q4_0 file, at most")
    parser.add_argument("--layers", type=int, help="with --way ffn: so many layers first")
    parser.add_argument("--better", type=Path, nargs="+", metavar="RUN")
    args = parser.parse_args()
    if args.better:
        print(better(args.better))
        return
    if None in (args.checkpoint, args.out, args.data, args.megabytes):
        parser.error("CHECKPOINT, OUT, --data and --megabytes are needed")
    model = LlamaForCausalLM.from_pretrained(args.checkpoint, dtype=torch.float32).eval()
    before = copy.deepcopy(model.config)
    if args.layers:
        before.num_hidden_layers = args.layers
    try:
        wanted = fitting(before, args.way, args.megabytes)
    except ValueError as error:
        parser.error(str(error))
    calibration = list(calibration_batches(args.checkpoint, args.data, args.recipe))
    smaller = prune(model, wanted, calibration)
    smaller.save_pretrained(args.out)
    if record := read_record(args.checkpoint):
        (args.out / RECORD).write_text(json.dumps(record, indent=1) + "\n")
    shutil.copyfile(args.checkpoint / "tokenizer.json", args.out / "tokenizer.json")
    size = sum(p.numel() for p in smaller.parameters())
    print(
        f"{wanted.num_hidden_layers} layers, {wanted.intermediate_size} FFN channels, "
        f"{size / 1e6:.1f}M parameters, about {megabytes(wanted):.1f} MB in {args.out}"
    )


if __name__ == "__main__":
    main()
