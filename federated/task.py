"""Training and examining one user's adapter in torch, on a CPU, within a bound on memory.

Only the last layers are adapted, so what comes before them is the same at every step, round and
adapter: it is computed once a text and kept (`Prepared.hidden`). A step then costs the adapted
layers and the vocabulary of the answers' tokens alone.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn import functional as F
from transformers import LlamaForCausalLM

from device.language.prompt import ThreadPrompt, thread_tokens
from device.language.tokenizer import JsonTokenizer
from export.pack import Batch, Sequence_, batches, collate
from export.to_gguf import read_config
from federated.adapters import Adapter, Arrays, first_layer, nbytes, places
from federated.settings import Settings
from federated.users import Sent

LIMIT = 128
"""Tokens of a thread before a reply; older messages are left out whole."""
LONGEST = 64
"""Tokens of a reply that are learnt or examined."""
DESKS = 16
"""Users whose kept states one process of a simulation holds; a device has one user."""
DRAFTS_CONTEXT = 512
"""Tokens of all sequences together while drafts are written."""
MB = 1e6


@dataclass(frozen=True, slots=True)
class Prepared:
    """A batch that has passed the layers nobody adapts; B sequences, T tokens, width H."""

    hidden: torch.Tensor
    """(B, T, H) float32"""
    mask: torch.Tensor
    """(B, 1, T, T) bool"""
    positions: torch.Tensor
    """(B, T) int64"""
    rows: torch.Tensor
    """(B, T - 1) bool, True where the next token is one of an answer's"""
    wanted: torch.Tensor
    """(rows,) int64, those next tokens"""


def pack_replies(sent: Sent, prompt: ThreadPrompt, *, limit: int = LIMIT) -> Sequence_:
    """One moment as a sequence in which nothing but the user's own replies has weight.

    The thread, then each reply as a branch behind "reply {intent}", as in `export.pack`.
    """
    trunk, _ = thread_tokens(prompt, sent.thread, limit)
    packed = Sequence_(list(trunk), list(range(len(trunk))), [0] * len(trunk), [0.0] * len(trunk))
    for number, draft in enumerate(sent.replies, start=1):
        asked = prompt.reply(draft.intent, sent.thread)
        answer = answer_tokens(draft.text, prompt)
        size = len(asked) + len(answer)
        packed.tokens.extend([*asked, *answer])
        packed.positions.extend(range(len(trunk), len(trunk) + size))
        packed.branches.extend([number] * size)
        packed.weights.extend([0.0] * len(asked) + [1.0] * len(answer))
    return packed


def answer_tokens(text: str, prompt: ThreadPrompt) -> list[int]:
    """A reply as it is learnt and examined, with its end."""
    return [*prompt.answer(text)[:LONGEST], prompt.end]


class Bench:
    """The model with one adapter on it, whose values are swapped for every user and purpose."""

    def __init__(self, settings: Settings):
        """Raises `OSError` or `ValueError` where `settings.model` is no checkpoint for this."""
        folder = settings.path("model")
        self.config = read_config(folder)
        self.prompt = ThreadPrompt(JsonTokenizer(folder / "tokenizer.json"))
        self.first = first_layer(self.config, settings)
        model = LlamaForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
        self.adapter = Adapter(model, places(self.config, settings), settings)
        self._model = model
        self._settings = settings

    @torch.no_grad()
    def prepare(self, sents: Sequence[Sent], rng: random.Random) -> list[Prepared]:
        """Texts as batches of at most `batch_tokens` padded tokens, past the frozen layers."""
        sequences = [pack_replies(sent, self.prompt) for sent in sents]
        groups = batches(sequences, self._settings.batch_tokens, rng)
        return [self._frozen(collate(group)) for group in groups]

    def _frozen(self, batch: Batch) -> Prepared:
        llama = self._model.model
        hidden = llama.embed_tokens(batch.tokens)
        hidden = self._layers(hidden, batch.mask, batch.positions, 0, self.first)
        rows = batch.weights[:, 1:] > 0
        return Prepared(hidden, batch.mask, batch.positions, rows, batch.tokens[:, 1:][rows])

    def _layers(
        self,
        hidden: torch.Tensor,
        mask: torch.Tensor,
        positions: torch.Tensor,
        start: int,
        end: int,
    ) -> torch.Tensor:
        """(B, T, H) -> (B, T, H) through layers start..end-1."""
        llama = self._model.model
        turned = llama.rotary_emb(hidden, positions)
        for layer in llama.layers[start:end]:
            hidden = layer(
                hidden, attention_mask=mask, position_ids=positions, position_embeddings=turned
            )
        return hidden

    def loss(self, batch: Prepared) -> torch.Tensor:
        """() summed cross-entropy of the answers' tokens in nats."""
        end = len(self._model.model.layers)
        hidden = self._layers(batch.hidden, batch.mask, batch.positions, self.first, end)
        hidden = self._model.model.norm(hidden[:, :-1][batch.rows])
        logits = F.linear(hidden, self._model.lm_head.weight)
        return F.cross_entropy(logits, batch.wanted, reduction="sum")

    @torch.no_grad()
    def nll(self, arrays: Arrays, prepared: Sequence[Prepared]) -> float:
        """Mean cross-entropy in nats a token of the answers under this adapter."""
        self.adapter.write(arrays)
        tokens = sum(len(b.wanted) for b in prepared)
        return sum(float(self.loss(b)) for b in prepared) / max(1, tokens)

    def train(
        self,
        arrays: Arrays,
        prepared: Sequence[Prepared],
        steps: int,
        rng: random.Random,
        *,
        every: int | None = None,
    ) -> Iterator[Arrays]:
        """The adapter after every `every` steps of AdamW (all of them, where that is None).

        A constant rate after a tenth of warm-up; batches come in a new order every pass.
        """
        self.adapter.write(arrays)
        trained = self.adapter.trained()
        optimizer = torch.optim.AdamW(trained, lr=self._settings.lr, weight_decay=0.0)
        order: list[Prepared] = []
        for step in range(1, steps + 1):
            if not order:
                order = rng.sample(list(prepared), len(prepared))
            batch = order.pop()
            for group in optimizer.param_groups:
                group["lr"] = self._settings.lr * min(1.0, step / max(1, steps // 10))
            (self.loss(batch) / len(batch.wanted)).backward()
            torch.nn.utils.clip_grad_norm_(trained, 1.0)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            if step == steps or (every and step % every == 0):
                yield self.adapter.read()


def memory_bound(config: dict[str, Any], settings: Settings, arrays: Arrays, tokens: int) -> float:
    """MB that a process of clients needs at most: what is known of the model, and 25 % on top.

    Python with torch, transformers and Ray; the weights; the kept states of `tokens` tokens a user;
    for one batch the adapted layers' activations (about 12 widths and 4 FFN widths a token, and the
    attention's two T x T matrices a head) and three copies of the answers' logits (half a batch's
    tokens at most); adapter, gradient, AdamW's two moments, and four adapters that are compared;
    where drafts are written, the device's own model, mapped and repacked, and its logits.

    `config` is the model's config.json. Raises `OSError` where drafts are wanted of a model that
    isn't there.
    """
    width, ffn = config["hidden_size"], config["intermediate_size"]
    layers, heads = config["num_hidden_layers"], config["num_attention_heads"]
    vocabulary = config["vocab_size"]
    matrices = layers * (3 * width * ffn + 4 * width * width)
    weights = 4 * (matrices + vocabulary * width)
    adapted = min(layers, settings.layers)
    batch = max(settings.batch_tokens, LIMIT + 3 * LONGEST)
    activations = 4 * batch * adapted * (12 * width + 4 * ffn + 2 * heads * batch)
    logits = 4 * 3 * (batch // 2) * vocabulary
    states = 4 * tokens * width * min(settings.users, DESKS)
    total: float = weights + activations + logits + states + 8 * nbytes(arrays)
    if settings.drafts:
        total += 2 * settings.path("gguf").stat().st_size + 4 * DRAFTS_CONTEXT * vocabulary
    return 600 + 1.25 * total / MB


def perplexity(nll: float) -> float:
    """exp of a mean cross-entropy in nats a token; infinite where that overflows."""
    return math.exp(nll) if nll < 700 else math.inf
