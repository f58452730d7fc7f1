"""LoRA adapters: on a Llama in torch, as plain arrays that can be sent, and as GGUF.

LoRA (Hu et al. 2021, arXiv:2106.09685) adds alpha / rank * B A to a linear layer's weight. In
FFA-LoRA (Sun et al. 2024, arXiv:2403.12313) A comes from a seed that all share and is never
trained: B alone is sent, and the mean of clients' B is the mean of their products.

Arrays are called "{module}.lora_a" (rank, in) and "{module}.lora_b" (out, rank), float32, with the
module's name in Hugging Face's model, in the order of `shapes`.
"""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import torch
from torch import nn
from transformers import LlamaForCausalLM

from device.disk import sync_folder
from export.to_gguf import Config, export_adapter
from federated.settings import Settings

Arrays = dict[str, np.ndarray[Any, np.dtype[np.float32]]]
TOLD = "__told__"
"""The member of a file of arrays that says what they are."""


@dataclass(frozen=True, slots=True)
class Place:
    """A linear layer that is adapted."""

    module: str
    n_in: int
    n_out: int

    @property
    def a(self) -> str:
        return f"{self.module}.lora_a"

    @property
    def b(self) -> str:
        return f"{self.module}.lora_b"


def places(config: Config, settings: Settings) -> list[Place]:
    """What is adapted in the Llama of this config.json (as `export.to_gguf.read_config` gives it).

    Raises `ValueError` for a target that a Llama doesn't have.
    """
    width, ffn = config["hidden_size"], config["intermediate_size"]
    kv = config["num_key_value_heads"] * config["head_dim"]
    q = config["num_attention_heads"] * config["head_dim"]
    sizes = {
        "q_proj": ("self_attn", width, q),
        "k_proj": ("self_attn", width, kv),
        "v_proj": ("self_attn", width, kv),
        "o_proj": ("self_attn", q, width),
        "gate_proj": ("mlp", width, ffn),
        "up_proj": ("mlp", width, ffn),
        "down_proj": ("mlp", ffn, width),
    }
    if unknown := set(settings.target_names()) - set(sizes):
        raise ValueError(f"targets {sorted(unknown)} are none of {', '.join(sizes)}")
    layers = config["num_hidden_layers"]
    return [
        Place(f"model.layers.{i}.{sizes[t][0]}.{t}", *sizes[t][1:])
        for i in range(first_layer(config, settings), layers)
        for t in settings.target_names()
    ]


def first_layer(config: Config, settings: Settings) -> int:
    """The first layer that is adapted; all before it are the same for everybody."""
    return max(0, int(config["num_hidden_layers"]) - settings.layers)


def initial(config: Config, settings: Settings) -> Arrays:
    """A and B at the start, under all names: A uniform in ±1/sqrt(in) as peft has it, B zero.

    Each A is drawn by its own generator, so that it depends on the seed and its name alone.
    """
    arrays: Arrays = {}
    for place in places(config, settings):
        draw = np.random.default_rng([settings.seed, zlib.crc32(place.module.encode())])
        bound = place.n_in**-0.5
        a = draw.uniform(-bound, bound, (settings.rank, place.n_in))
        arrays[place.a] = a.astype(np.float32)
        arrays[place.b] = np.zeros((place.n_out, settings.rank), np.float32)
    return arrays


def sent_names(arrays: Arrays, settings: Settings) -> list[str]:
    """The names of what leaves a client; nothing else does."""
    return [name for name in arrays if settings.trains_a or name.endswith(".lora_b")]


def sent(arrays: Arrays, settings: Settings) -> Arrays:
    """The part of an adapter that is trained together."""
    return {name: arrays[name] for name in sent_names(arrays, settings)}


def plus(arrays: Arrays, update: Mapping[str, np.ndarray[Any, Any]], scale: float = 1.0) -> Arrays:
    """`arrays` with an update added where it has one."""
    return {
        name: (value + scale * update[name]).astype(np.float32) if name in update else value
        for name, value in arrays.items()
    }


def minus(arrays: Arrays, other: Arrays) -> Arrays:
    """What has to be added to `other` to get `arrays`; both have the same names."""
    return {name: value - other[name] for name, value in arrays.items()}


def norm(arrays: Mapping[str, np.ndarray[Any, Any]]) -> float:
    """L2 norm of everything together."""
    return float(np.sqrt(sum(float(np.square(v, dtype=np.float64).sum()) for v in arrays.values())))


def clipped(arrays: Arrays, bound: float) -> tuple[Arrays, float]:
    """(`arrays` scaled down to an L2 norm of at most `bound`, the norm that they had).

    A norm of zero stays zero; Flower's own clipping divides by it.
    """
    length = norm(arrays)
    if length <= bound:
        return dict(arrays), length
    return {k: (v * (bound / length)).astype(np.float32) for k, v in arrays.items()}, length


def problem(
    arrays: Mapping[str, np.ndarray[Any, Any]], shapes: Mapping[str, tuple[int, ...]], bound: float
) -> str | None:
    """Why this update can't be taken, or None. `bound` is the largest L2 norm allowed."""
    if list(arrays) != list(shapes):
        missing, more = set(shapes) - set(arrays), set(arrays) - set(shapes)
        return f"other names: {len(missing)} missing, {len(more)} unknown"
    for name, value in arrays.items():
        if value.shape != shapes[name]:
            return f"{name}: shape {value.shape}, not {shapes[name]}"
        if value.dtype != np.float32:
            return f"{name}: {value.dtype}, not float32"
        if not np.isfinite(value).all():
            return f"{name}: NaN or infinite"
    if (length := norm(arrays)) > bound * (1 + 1e-4):
        return f"norm {length:.3g} is above the bound {bound:.3g}"
    return None


def nbytes(arrays: Mapping[str, np.ndarray[Any, Any]]) -> int:
    """Bytes of the values alone."""
    return sum(v.nbytes for v in arrays.values())


class LoraLinear(nn.Module):
    """A linear layer with scale * B A added; its own weight is left alone."""

    def __init__(self, base: nn.Linear, rank: int, scale: float, train_a: bool):
        super().__init__()
        self.base = base.requires_grad_(False)
        self.scale = scale
        self.a = nn.Parameter(torch.zeros(rank, base.in_features), requires_grad=train_a)
        self.b = nn.Parameter(torch.zeros(base.out_features, rank))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(..., in) -> (..., out)"""
        plain: torch.Tensor = self.base(x)
        return plain + self.scale * ((x @ self.a.T) @ self.b.T)


class Adapter:
    """The adapter of one model in torch; there is one, and its values are swapped."""

    def __init__(self, model: LlamaForCausalLM, spots: Sequence[Place], settings: Settings):
        """Changes the model: the linear layers at `spots` become `LoraLinear`."""
        self._layers: dict[str, nn.Parameter] = {}
        model.requires_grad_(False)
        for place in spots:
            parent = model.get_submodule(place.module.rpartition(".")[0])
            name = place.module.rpartition(".")[2]
            layer = LoraLinear(
                getattr(parent, name),
                settings.rank,
                settings.alpha / settings.rank,
                settings.trains_a,
            )
            setattr(parent, name, layer)
            self._layers |= {place.a: layer.a, place.b: layer.b}

    def trained(self) -> list[nn.Parameter]:
        """What an optimizer may change."""
        return [p for p in self._layers.values() if p.requires_grad]

    def read(self) -> Arrays:
        """A and B as they are now, copied."""
        return {name: p.detach().numpy().copy() for name, p in self._layers.items()}

    @torch.no_grad()
    def write(self, arrays: Arrays) -> None:
        """Set all of A and B. Raises `KeyError` or `RuntimeError` for arrays of another adapter."""
        for name, p in self._layers.items():
            p.copy_(torch.from_numpy(arrays[name]))


def write_npz(path: Path, arrays: Mapping[str, Any], told: Mapping[str, Any]) -> None:
    """Write arrays and what is told of them: whole or not at all, whenever this is killed.

    `told` has to be JSON. Raises `OSError`.
    """
    fresh = path.with_suffix(".new")
    members: dict[str, Any] = {TOLD: np.array(json.dumps(told)), **arrays}
    with fresh.open("wb") as file:
        np.savez(file, **members)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    sync_folder(path.parent)


def read_npz(path: Path) -> tuple[Arrays, Any]:
    """(arrays, what is told of them). Raises `OSError`, and `ValueError` for another file."""
    try:
        with path.open("rb") as raw, np.load(raw, allow_pickle=False) as file:
            told = json.loads(str(file[TOLD]))
            return {name: file[name] for name in file.files if name != TOLD}, told
    except (BadZipFile, EOFError, KeyError, TypeError) as error:
        raise ValueError(f"{path}: {error}") from error


def write_gguf(path: Path, arrays: Arrays, config: Config, settings: Settings, name: str) -> None:
    """Write A and B as a GGUF adapter for llama.cpp; rows of q and k are permuted on the way."""
    pairs = {
        key.removesuffix(".lora_a"): (a, arrays[key.removesuffix("a") + "b"])
        for key, a in arrays.items()
        if key.endswith(".lora_a")
    }
    export_adapter(path, pairs, config, alpha=settings.alpha, name=name)
