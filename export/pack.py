"""Examples -> training sequences: a thread once, then every answer to it as a branch of its own.

    thread tokens | glance ... <end> | summary ... <end> | reply accept ... <end> | ...

A branch sees the thread and itself, no other branch, and its positions go on from the thread's
end: exactly what the device does when it forks a cached thread for each task.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch

from device.language.prompt import NOTHING_ASKED, ThreadPrompt, thread_tokens
from export.data import Example

THREAD_WEIGHT = 0.05
"""What a token of the thread itself counts in the loss, where a token of an answer counts 1."""
LABEL_WEIGHT = 2.0
"""What a triage label or an intent counts."""


@dataclass(frozen=True, slots=True)
class Sequence_:
    """One packed sequence; all lists have its length."""

    tokens: list[int]
    positions: list[int]
    branches: list[int]
    """0 for the thread, then 1, 2, ... for the answers."""
    weights: list[float]
    """What predicting this token counts; 0 for what the device writes and never predicts."""


def pack(
    example: Example,
    prompt: ThreadPrompt,
    earlier: str | None = None,
    *,
    limit: int = 1024,
) -> Sequence_:
    """One example as one sequence, a branch for each target that is known.

    `earlier` stands in the place of messages left out.
    """
    thread = example.thread
    trunk, _ = thread_tokens(prompt, thread, limit, earlier)
    packed = Sequence_(
        tokens=list(trunk),
        positions=list(range(len(trunk))),
        branches=[0] * len(trunk),
        weights=[0.0] + [THREAD_WEIGHT] * (len(trunk) - 1),
    )
    number = 0

    def branch(asked: list[int], answer: list[int], weight: float = 1.0, label: int = 0) -> None:
        """Add a branch; the last `label` tokens of `asked` are predicted as well."""
        nonlocal number
        number += 1
        tokens = [*asked, *answer, prompt.end]
        packed.tokens.extend(tokens)
        packed.positions.extend(range(len(trunk), len(trunk) + len(tokens)))
        packed.branches.extend([number] * len(tokens))
        packed.weights.extend([0.0] * (len(asked) - label) + [LABEL_WEIGHT] * label)
        packed.weights.extend([weight] * len(answer) + [1.0 if weight == 1.0 else 0.1])

    if "glance" in example.known:
        branch(prompt.task("glance", thread), prompt.answer(example.glance))
    if "summary" in example.known:
        branch(prompt.task("summary", thread), prompt.answer(example.summary))
    if "asks" in example.known:
        branch(prompt.task("asks", thread), prompt.answer(example.asks or NOTHING_ASKED))
    if "triage" in example.known:
        triage = prompt.triage_answer(example.triage.needs_reply, example.triage.urgency)
        branch(prompt.triage(thread)[0], triage, LABEL_WEIGHT)
    opening = prompt.intents(thread)[0]
    for draft in example.drafts:
        asked = prompt.reply(draft.intent, thread)
        branch(asked, prompt.answer(draft.text), label=len(asked) - len(opening))
    return packed


@dataclass(frozen=True, slots=True)
class Batch:
    """Right-padded sequences: B sequences, T tokens the longest."""

    tokens: torch.Tensor
    """(B, T) int64"""
    positions: torch.Tensor
    """(B, T) int64"""
    mask: torch.Tensor
    """(B, 1, T, T) bool, True where the row's token may see the column's"""
    weights: torch.Tensor
    """(B, T) float32"""

    def to(self, device: str) -> Batch:
        """The same on another device."""
        return Batch(self.tokens.to(device), self.positions.to(device),
                     self.mask.to(device), self.weights.to(device))  # fmt: skip


def collate(sequences: Sequence[Sequence_]) -> Batch:
    """Sequences padded on the right to the longest; padding sees itself and weighs nothing."""
    size = (len(sequences), max(len(s.tokens) for s in sequences))
    tokens = torch.zeros(size, dtype=torch.long)
    positions = torch.zeros(size, dtype=torch.long)
    branches = torch.full(size, -1)
    weights = torch.zeros(size)
    for i, s in enumerate(sequences):
        n = len(s.tokens)
        tokens[i, :n] = torch.tensor(s.tokens)
        positions[i, :n] = torch.tensor(s.positions)
        branches[i, :n] = torch.tensor(s.branches)
        weights[i, :n] = torch.tensor(s.weights)
    column = branches[:, None, :]
    seen = (column == 0) | (column == branches[:, :, None])
    causal = torch.ones(size[1], size[1], dtype=torch.bool).tril()
    return Batch(tokens, positions, (seen & causal)[:, None], weights)


def batches(
    sequences: Sequence[Sequence_], tokens_a_batch: int, rng: random.Random
) -> Iterator[list[Sequence_]]:
    """All sequences once, in random batches of similar length, at most that many padded tokens."""
    order = list(sequences)
    rng.shuffle(order)
    ready: list[list[Sequence_]] = []
    for start in range(0, len(order), 96):
        group: list[Sequence_] = []
        for s in sorted(order[start : start + 96], key=lambda s: len(s.tokens)):
            if group and (len(group) + 1) * len(s.tokens) > tokens_a_batch:
                ready.append(group)
                group = []
            group.append(s)
        ready.append(group)
    rng.shuffle(ready)
    yield from ready
