"""A packed sequence computes exactly what separate ones would."""

from __future__ import annotations

import datetime as dt
import random

import torch
from transformers import LlamaConfig, LlamaForCausalLM

from device.language.prompt import ThreadPrompt, thread_tokens
from device.messages import Draft, Message, Thread, Triage
from export.data import Example
from export.pack import batches, collate, pack
from tests.fakes import ByteTokenizer

TOKENIZER = ByteTokenizer()
PROMPT = ThreadPrompt(TOKENIZER)
EXAMPLE = Example(
    thread=Thread("t", "Anna", (Message("Ben", "3 chairs at 7?", dt.time(18, 2)),), "Ben"),
    glance="Ben: 3 chairs at 7?",
    summary="Ben asks you for 3 chairs at 7.",
    asks=None,
    triage=Triage(True, "low"),
    drafts=(Draft("accept", "sure"), Draft("ask", "which ones?")),
    persona="p",
    lang="en",
)


def test_every_answer_is_a_branch() -> None:
    sequence = pack(EXAMPLE, PROMPT)
    assert max(sequence.branches) == 4 + 2
    assert {len(x) for x in (sequence.tokens, sequence.positions, sequence.weights)} == {
        len(sequence.branches)
    }
    learnt = TOKENIZER.text(
        [t for t, w in zip(sequence.tokens, sequence.weights, strict=True) if w >= 1]
    )
    assert EXAMPLE.glance in learnt
    assert "which ones?" in learnt
    assert "18:02" not in learnt
    assert " accept" in learnt


def test_messages_left_out_are_summed_up() -> None:
    text = TOKENIZER.text(pack(EXAMPLE, PROMPT, "Zoe asked for tables").tokens)
    assert "thread Ben\n--- earlier: Zoe asked for tables ---\nBen 18:02: 3 chairs" in text


def test_branches_see_the_thread_and_not_each_other() -> None:
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=TOKENIZER.n_vocab, hidden_size=32, intermediate_size=64, num_hidden_layers=2,
        num_attention_heads=2, num_key_value_heads=1, max_position_embeddings=2048,
    )  # fmt: skip
    model = LlamaForCausalLM(config).eval()
    sequence = pack(EXAMPLE, PROMPT)
    batch = collate([sequence, sequence])
    with torch.no_grad():
        together = model.model(
            input_ids=batch.tokens, attention_mask=batch.mask, position_ids=batch.positions
        ).last_hidden_state[1]
        trunk, _ = thread_tokens(PROMPT, EXAMPLE.thread, 1024)
        for number in range(1, max(sequence.branches) + 1):
            where = [i for i, b in enumerate(sequence.branches) if b == number]
            alone = torch.tensor([trunk + [sequence.tokens[i] for i in where]])
            hidden = model.model(input_ids=alone).last_hidden_state[0, len(trunk) :]
            torch.testing.assert_close(together[where], hidden, atol=1e-4, rtol=1e-4)


def test_batches_hold_every_sequence_once() -> None:
    sequences = [pack(EXAMPLE, PROMPT) for _ in range(23)]
    size = len(sequences[0].tokens)
    groups = list(batches(sequences, 3 * size, random.Random(0)))
    assert sum(map(len, groups)) == 23
    assert max(map(len, groups)) == 3
