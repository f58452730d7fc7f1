"""What each step of a training gave: the loss of checkpoints on all development threads.

    python -m export.ablation CHECKPOINT... --data DIR [--recipe open] [--json]

A row a checkpoint: the cross-entropy of a person's answers in nats a token, with its own weights
and as Q4_0 rounds them, and how many tokens its last run saw.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.table import Table
from transformers import LlamaForCausalLM

from device.language.prompt import ThreadPrompt
from device.language.tokenizer import JsonTokenizer
from export.data import ALL, Example
from export.pack import pack
from export.recipe import assemble, read_recipe
from export.train import loss_on, read_record, rounded

BATCH_TOKENS = 2048


def row_of(checkpoint: Path, examples: Sequence[Example]) -> dict[str, Any]:
    """One checkpoint's figures. Raises `OSError` where there is none."""
    prompt = ThreadPrompt(JsonTokenizer(checkpoint / "tokenizer.json"))
    sequences = [pack(example, prompt) for example in examples]
    model = LlamaForCausalLM.from_pretrained(checkpoint, dtype=torch.float32).eval()
    own = loss_on(model, sequences, BATCH_TOKENS)[1]
    with rounded(model):
        q4_0 = loss_on(model, sequences, BATCH_TOKENS)[1]
    return {
        "checkpoint": checkpoint.name,
        "parameters": sum(p.numel() for p in model.parameters()),
        "tokens": read_record(checkpoint).get("tokens", 0),
        "loss": round(own, 3),
        "loss_q4_0": round(q4_0, 3),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("checkpoints", type=Path, nargs="+", metavar="CHECKPOINT")
    parser.add_argument("--data", type=Path, required=True, help="folder with glancechat/")
    parser.add_argument("--recipe", default="open", help="name or path (default: open)")
    parser.add_argument("--limit", type=int, help="so many threads only (a trial)")
    parser.add_argument("--json", action="store_true", help="a line a checkpoint")
    args = parser.parse_args()
    for checkpoint in args.checkpoints:
        if not (checkpoint / "tokenizer.json").exists():
            parser.error(f"{checkpoint}: no trained checkpoint; export.train writes them")
    room = assemble(read_recipe(args.recipe), args.data, dialogues_too=False)
    examples = [e for e in room.held_out if e.known == ALL][: args.limit]
    rows = (row_of(checkpoint, examples) for checkpoint in args.checkpoints)
    if args.json:
        for row in rows:
            print(json.dumps(row), flush=True)
        return
    table = Table(box=None, header_style="dim", pad_edge=False)
    for name in ("checkpoint", "parameters", "tokens", "loss", "loss_q4_0"):
        table.add_column(name, justify="left" if name == "checkpoint" else "right")
    for row in rows:
        table.add_row(*(f"{v:,}" if isinstance(v, int) else str(v) for v in row.values()))
    Console().print(table)


if __name__ == "__main__":
    main()
