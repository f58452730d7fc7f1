"""One packed sequence loses what its answers lose alone; a teacher counts as much as it is told."""

from __future__ import annotations

import random

import pytest
import torch
from torch.nn import functional as F
from transformers import LlamaConfig, LlamaForCausalLM

from device.language.prompt import ThreadPrompt, thread_tokens
from export.data import Example
from export.loss import divergence, loss_of
from export.pack import THREAD_WEIGHT, Sequence_, collate, pack
from tests.export.test_pack import EXAMPLE, PROMPT, TOKENIZER


def model(seed: int) -> LlamaForCausalLM:
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=TOKENIZER.n_vocab, hidden_size=32, intermediate_size=64, num_hidden_layers=2,
        num_attention_heads=2, num_key_value_heads=1, max_position_embeddings=2048,
        initializer_range=0.2, tie_word_embeddings=True,
    )  # fmt: skip
    return LlamaForCausalLM(config).eval()


def alone(model: LlamaForCausalLM, example: Example, prompt: ThreadPrompt) -> torch.Tensor:
    """The weighted mean loss of one example, a plain causal sequence an answer and no mask."""
    packed = pack(example, prompt)
    trunk, _ = thread_tokens(prompt, example.thread, 1024)
    total = weight = 0.0
    for number in range(max(packed.branches) + 1):
        where = [i for i, b in enumerate(packed.branches) if b == number]
        tokens = [packed.tokens[i] for i in where] if number else []
        weights = [packed.weights[i] for i in where] if number else []
        sequence = torch.tensor([trunk + tokens])
        counted = [0.0] * len(trunk) + weights if number else packed.weights[: len(trunk)]
        logits = model(input_ids=sequence).logits[0, :-1].float()
        losses = F.cross_entropy(logits, sequence[0, 1:], reduction="none")
        total += (losses * torch.tensor(counted[1:])).sum()
        weight += sum(counted[1:])
    return torch.as_tensor(total / weight)


@torch.no_grad()
def test_packed_is_unpacked() -> None:
    student = model(0)
    packed = pack(EXAMPLE, PROMPT)
    assert max(packed.branches) > 4
    assert THREAD_WEIGHT in packed.weights
    loss, _ = loss_of(student, collate([packed]))
    torch.testing.assert_close(loss, alone(student, EXAMPLE, PROMPT), atol=1e-5, rtol=1e-5)


@torch.no_grad()
def test_right_padding_changes_nothing() -> None:
    student = model(0)
    long = pack(EXAMPLE, PROMPT)
    n = max(i for i, b in enumerate(long.branches) if b == 1) + 1
    short = Sequence_(long.tokens[:n], long.positions[:n], long.branches[:n], long.weights[:n])

    def total(*sequences: Sequence_) -> torch.Tensor:
        batch = collate(sequences)
        return loss_of(student, batch)[0] * batch.weights[:, 1:].sum()

    torch.testing.assert_close(total(long, short), total(long) + total(short), rtol=1e-5, atol=1e-4)


@torch.no_grad()
def test_a_teacher_counts_beside_the_labels() -> None:
    student, teacher = model(0), model(1)
    batch = collate([pack(EXAMPLE, PROMPT)])
    labels, written = loss_of(student, batch)
    kl, same = loss_of(student, batch, teacher, temperature=2.0)
    mixed, _ = loss_of(student, batch, teacher, temperature=2.0, labels=0.25)
    assert written == same
    torch.testing.assert_close(mixed, 0.25 * labels + 0.75 * kl)
    assert float(loss_of(student, batch, student, temperature=2.0)[0]) == pytest.approx(0, abs=1e-6)


def test_a_temperature_keeps_the_gradients_size() -> None:
    """For logits that are near each other T^2 KL is about the same at every T (Hinton, 2.1)."""
    draw = random.Random(0)
    wanted = torch.tensor([[draw.gauss(0, 0.1) for _ in range(50)] for _ in range(4)])
    ours = torch.zeros(4, 50)
    one, four = (divergence(ours, wanted, t) for t in (1.0, 4.0))
    torch.testing.assert_close(one, four, rtol=0.05, atol=1e-4)
    p, q = wanted.softmax(-1), ours.softmax(-1)
    torch.testing.assert_close(one, (p * (p / q).log()).sum(-1))
