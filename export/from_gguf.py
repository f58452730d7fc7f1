"""A GGUF of Sidelong's kind -> a checkpoint (model.safetensors, config.json, tokenizer.json).

    python -m export.from_gguf MODEL.gguf OUT

Quantized weights come out as the floats that they stand for. What was trained elsewhere can so be
exported to ONNX or trained further here.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from transformers import LlamaForCausalLM

from export.vocabulary import read_base, tokenizer_of


def from_gguf(model: Path, out: Path) -> None:
    """Write the checkpoint into the folder `out`. Raises `OSError` or `ValueError` for no GGUF."""
    checkpoint = LlamaForCausalLM.from_pretrained(
        model.parent, gguf_file=model.name, dtype=torch.float32
    )
    config = checkpoint.generation_config
    config.pad_token_id, config.bos_token_id, config.eos_token_id = 0, 1, 2
    checkpoint.save_pretrained(out)
    tokenizer_of(*read_base(model)).save(str(out / "tokenizer.json"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("out", type=Path)
    args = parser.parse_args()
    try:
        from_gguf(args.model, args.out)
    except (OSError, ValueError) as error:
        parser.error(f"{args.model}: {error}")
    print(args.out)


if __name__ == "__main__":
    main()
