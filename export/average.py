"""Several fine-tunings of one base -> one model: the mean of their weights.

Runs of different lengths and seeds overfit in different directions, and the mean keeps what they
share ("model soups", Wortsman et al. 2022, arXiv:2203.05482).

    python -m export.average CHECKPOINT CHECKPOINT... --out DIR
"""

from __future__ import annotations

import argparse
import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import torch
from transformers import LlamaForCausalLM

from export.train import RECORD, read_record


@torch.no_grad()
def average(checkpoints: Sequence[Path], out: Path) -> None:
    """Write the mean of checkpoints of one shape and vocabulary, their records and tokenizer.

    Raises `ValueError` where their vocabularies or shapes differ.
    """
    first, *others = checkpoints
    tokenizer = (first / "tokenizer.json").read_bytes()
    model = LlamaForCausalLM.from_pretrained(first, dtype=torch.float32)
    mean = dict(model.named_parameters())  # tied weights once
    for other in others:
        if (other / "tokenizer.json").read_bytes() != tokenizer:
            raise ValueError(f"{other}: another vocabulary than {first}")
        more = LlamaForCausalLM.from_pretrained(other, dtype=torch.float32)
        weights = dict(more.named_parameters())
        for name, values in mean.items():
            if name not in weights or weights[name].shape != values.shape:
                raise ValueError(f"{other}: {name} is not as in {first}")
            values.add_(weights[name])
    for values in mean.values():
        values.div_(len(checkpoints))
    model.save_pretrained(out)
    records = [read_record(checkpoint) for checkpoint in checkpoints]
    ships = all(record.get("ships", True) for record in records)
    (out / RECORD).write_text(json.dumps({"ships": ships, "mean_of": records}, indent=1) + "\n")
    shutil.copyfile(first / "tokenizer.json", out / "tokenizer.json")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("checkpoints", nargs="+", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    average(args.checkpoints, args.out)
    print(f"the mean of {len(args.checkpoints)} in {args.out}")


if __name__ == "__main__":
    main()
