"""What a model's layers are given on training threads, for what is decided by it (prune, gptq)."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import torch

from device.language.prompt import ThreadPrompt
from device.language.tokenizer import JsonTokenizer
from export.pack import Batch, batches, collate, pack
from export.recipe import assemble, read_recipe

CALIBRATION = 96
"""Training threads on which it is measured."""


@contextmanager
def inputs_of(modules: Sequence[torch.nn.Module]) -> Iterator[list[torch.Tensor]]:
    """A list that holds, after a forward pass, what went into each of `modules`."""
    seen = [torch.empty(0)] * len(modules)

    def note(i: int, module: torch.nn.Module, args: tuple[torch.Tensor, ...]) -> None:
        seen[i] = args[0]

    hooks = [m.register_forward_pre_hook(partial(note, i)) for i, m in enumerate(modules)]
    try:
        yield seen
    finally:
        for hook in hooks:
            hook.remove()


def calibration_batches(
    folder: Path, data: Path, recipe: str, threads: int = CALIBRATION
) -> Iterator[Batch]:
    """About so many training threads, spread over the recipe's sets, packed for a checkpoint."""
    prompt = ThreadPrompt(JsonTokenizer(folder / "tokenizer.json"))
    training = assemble(read_recipe(recipe), data, dialogues_too=False).training
    chosen = training[:: max(1, len(training) // threads)]
    for group in batches([pack(e, prompt) for e in chosen], 2048, random.Random(0)):
        yield collate(group)
