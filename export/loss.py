"""What training lowers: the cross-entropy of what was written, or the distance to a teacher."""

from __future__ import annotations

import torch
from torch.nn import functional as F
from transformers import LlamaForCausalLM

from export.pack import Batch


def logits_of(model: LlamaForCausalLM, batch: Batch) -> torch.Tensor:
    """(rows, n_vocab) logits, only where a token has weight.

    The vocabulary costs as much as three layers.
    """
    hidden = model.model(
        input_ids=batch.tokens,
        attention_mask=batch.mask,
        position_ids=batch.positions,
        use_cache=False,
    ).last_hidden_state
    return F.linear(hidden[:, :-1][batch.weights[:, 1:] > 0], model.lm_head.weight).float()


def divergence(logits: torch.Tensor, wanted: torch.Tensor, temperature: float) -> torch.Tensor:
    """(rows,) T^2 KL(teacher || student) in nats, both softened by the temperature T.

    T^2 keeps the gradient's size as T grows (Hinton et al. 2015, arXiv:1503.02531, section 2.1).
    """
    ours = (logits / temperature).log_softmax(-1)
    theirs = (wanted / temperature).log_softmax(-1)
    kl = F.kl_div(ours, theirs, reduction="none", log_target=True).sum(-1)
    return temperature**2 * kl


def loss_of(
    model: LlamaForCausalLM,
    batch: Batch,
    teacher: LlamaForCausalLM | None = None,
    temperature: float = 1.0,
    labels: float = 0.0,
) -> tuple[torch.Tensor, torch.Tensor]:
    """(weighted mean loss in nats, cross-entropy of the answers' tokens alone).

    The loss is the cross-entropy of what was written; with a teacher it counts `labels` in 0..1,
    and the divergence from the teacher the rest. The second is NaN for a batch without answers.
    """
    # The token after the thread's last is a branch's first, so a branch's own first token
    # would be predicted from another branch's end; its weight is always 0.
    rows = batch.weights[:, 1:] > 0
    weights = batch.weights[:, 1:][rows]
    logits = logits_of(model, batch)
    written = losses = F.cross_entropy(logits, batch.tokens[:, 1:][rows], reduction="none")
    if teacher is not None:
        with torch.no_grad():
            wanted = logits_of(teacher, batch)
        losses = labels * written + (1 - labels) * divergence(logits, wanted, temperature)
    return (losses * weights).sum() / weights.sum(), written[weights >= 1].mean().detach()
