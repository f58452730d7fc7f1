"""A LoRA adapter of random numbers for a GGUF: what it says is nonsense, what it costs isn't."""

from __future__ import annotations

from pathlib import Path

import gguf
import numpy as np

RANK = 8
_ADAPTED = ("attn_q.weight", "attn_v.weight")


def random_adapter(model: Path, path: Path, rank: int = RANK) -> None:
    """Write an adapter for every query and value projection of `model`, in float32."""
    draw = np.random.default_rng(0)
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_type("adapter")
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", 2.0 * rank)
    for tensor in gguf.GGUFReader(model).tensors:
        if tensor.name.endswith(_ADAPTED):
            n_in, n_out = map(int, tensor.shape)
            a = draw.normal(0, 0.01, (rank, n_in)).astype(np.float32)
            b = draw.normal(0, 0.01, (n_out, rank)).astype(np.float32)
            writer.add_tensor(f"{tensor.name}.lora_a", a)
            writer.add_tensor(f"{tensor.name}.lora_b", b)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
