"""A LoRA adapter as peft saves it -> one GGUF adapter, which the engine swaps in without a restart.

The rows of q_proj's and k_proj's B are permuted like the base's (`export.to_gguf.permute`): without
that the file loads and its logits are wrong.

    python -m export.lora_to_gguf ADAPTER CHECKPOINT OUT.gguf [--name NAME]

ADAPTER is a folder with adapter_config.json and adapter_model.safetensors, CHECKPOINT the folder of
the model that it was trained on.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open

from export.to_gguf import export_adapter, read_config

PREFIX = "base_model.model."
"""What peft puts before the names of the model."""
Pair = tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]


def read_adapter(folder: Path) -> tuple[dict[str, Pair], float]:
    """({module: (A (rank, in), B (out, rank))}, alpha), float32, by Hugging Face's module names.

    The adapter adds alpha / rank * B A; where peft's file means another factor (rsLoRA,
    Kalajdzievski 2023, arXiv:2312.03732), B holds the difference. Raises `OSError` for a file that
    is missing and `ValueError` for what GGUF can't express or is no LoRA.
    """
    path = folder / "adapter_model.safetensors"
    try:
        told = json.loads((folder / "adapter_config.json").read_text())
        with safe_open(path, framework="pt") as file:  # NumPy has no bfloat16
            values = {name: file.get_tensor(name).float().numpy() for name in file.keys()}  # noqa: SIM118
    except (json.JSONDecodeError, UnicodeDecodeError, SafetensorError) as error:
        raise ValueError(f"{folder}: damaged, copy it anew ({error})") from error
    if problems := _beyond_lora(told):
        raise ValueError(f"{folder / 'adapter_config.json'}: GGUF has no {', '.join(problems)}")
    pairs = _pairs(path, values)
    alpha = float(told["lora_alpha"])
    if told.get("use_rslora"):
        pairs = {n: (a, b * np.float32(math.sqrt(a.shape[0]))) for n, (a, b) in pairs.items()}
    return pairs, alpha


def _beyond_lora(told: Mapping[str, Any]) -> list[str]:
    """What this peft configuration has that a GGUF adapter hasn't."""
    wrong = {
        f"peft_type {told.get('peft_type')}": told.get("peft_type", "LORA") != "LORA",
        "DoRA": told.get("use_dora"),
        "bias": told.get("bias", "none") != "none" or told.get("lora_bias"),
        "modules_to_save": told.get("modules_to_save"),
        "alpha_pattern": told.get("alpha_pattern"),
        "rank_pattern": told.get("rank_pattern"),
        "fan_in_fan_out": told.get("fan_in_fan_out"),
        "adapter without a lora_alpha above 0": not float(told.get("lora_alpha") or 0) > 0,
    }
    return [name for name, bad in wrong.items() if bad]


def _pairs(path: Path, values: Mapping[str, np.ndarray[Any, Any]]) -> dict[str, Pair]:
    """A and B by module. Raises `ValueError` for a tensor that is none, alone, or not finite."""
    ends = (".lora_A.weight", ".lora_B.weight")
    if strange := [name for name in values if not name.endswith(ends)]:
        raise ValueError(f"{path}: {strange[0]} is no LoRA of a linear layer")
    found: dict[str, Pair] = {}
    for module in dict.fromkeys(
        name.removesuffix(ends[0]).removesuffix(ends[1]) for name in values
    ):
        a, b = (values.get(module + end) for end in ends)
        if a is None or b is None or a.ndim != 2 or b.ndim != 2 or a.shape[0] != b.shape[1]:
            raise ValueError(f"{path}: {module} has no A (rank, in) and B (out, rank) that fit")
        if not (np.isfinite(a).all() and np.isfinite(b).all()):
            raise ValueError(f"{path}: {module} has NaN or infinite values; train it anew")
        found[module.removeprefix(PREFIX)] = (a, b)
    if not found:
        raise ValueError(f"{path}: empty")
    return found


def check_shapes(pairs: Mapping[str, Pair], checkpoint: Path) -> None:
    """Raises `ValueError` where a module isn't the checkpoint's or has another shape there."""
    shapes: dict[str, tuple[int, ...]] = {}
    for file in sorted(checkpoint.glob("*.safetensors")):
        with safe_open(file, framework="np") as weights:
            shapes |= {n: tuple(weights.get_slice(n).get_shape()) for n in weights.keys()}  # noqa: SIM118
    for module, (a, b) in pairs.items():
        wanted, has = shapes.get(f"{module}.weight"), (b.shape[0], a.shape[1])
        if wanted != has:
            there = "isn't there" if wanted is None else f"has the shape {wanted}, not {has}"
            raise ValueError(f"{checkpoint}: {module} {there}; name the checkpoint it was made for")


def lora_to_gguf(adapter: Path, checkpoint: Path, out: Path, *, name: str | None = None) -> None:
    """Write peft's adapter for this checkpoint as GGUF; `out` is whole or absent.

    Raises `OSError` or `ValueError` where one of both is missing, damaged, or not for the other.
    """
    pairs, alpha = read_adapter(adapter)
    config = read_config(checkpoint)
    check_shapes(pairs, checkpoint)
    out.parent.mkdir(parents=True, exist_ok=True)
    export_adapter(out, pairs, config, alpha=alpha, name=name or adapter.resolve().name)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("adapter", type=Path)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--name", help="general.name (default: the folder's)")
    args = parser.parse_args()
    try:
        lora_to_gguf(args.adapter, args.checkpoint, args.out, name=args.name)
    except (OSError, ValueError) as error:
        parser.error(str(error))
    print(f"{args.out}: {args.out.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
