"""Many clients' updates -> one, without Flower: what is refused and why, the mean, its noise.

Every valid update counts the same: a client that could weigh more could be told apart, and clipping
bounds what one client can do only where its weight is bounded too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from federated import privacy
from federated.adapters import Arrays, plus, problem, sent
from federated.settings import Settings


def split_valid(
    updates: Iterable[tuple[int, Mapping[str, np.ndarray]]],
    shapes: Mapping[str, tuple[int, ...]],
    bound: float,
) -> tuple[list[Arrays], dict[int, str]]:
    """(updates that can be taken, why which client's was refused)."""
    valid: list[Arrays] = []
    refused: dict[int, str] = {}
    for client, update in updates:
        if reason := problem(update, shapes, bound):
            refused[client] = reason
        else:
            valid.append(dict(update))
    return valid, refused


def mean(updates: Sequence[Arrays]) -> Arrays:
    """The mean update, summed in float64, one after the other. Raises `IndexError` for none."""
    sums = {name: np.zeros(value.shape) for name, value in updates[0].items()}
    for update in updates:
        for name, total in sums.items():
            total += update[name]
    return {name: (total / len(updates)).astype(np.float32) for name, total in sums.items()}


def mean_of_products(arrays: Arrays, updates: Sequence[Arrays]) -> Arrays:
    """A and B whose product is nearest to the mean of the clients' own products B A.

    The mean has a rank of up to clients x rank; its truncated SVD is the best that one adapter can
    be (Eckart & Young 1936; FlexLoRA, Bai et al. 2024, arXiv:2402.11505). It is found without the
    (out, in) matrix: with all B side by side = Q R and all A stacked = (P S)^T, the SVD is that of
    the small R S^T. U and V share the singular values' roots, so that neither trains faster.
    """
    clients = [plus(arrays, update) for update in updates]
    found = dict(arrays)
    for name_a in (n for n in arrays if n.endswith(".lora_a")):
        name_b = name_a.removesuffix("a") + "b"
        rank = arrays[name_a].shape[0]
        wide = np.concatenate([c[name_b] for c in clients], axis=1).astype(np.float64)
        tall = np.concatenate([c[name_a] for c in clients], axis=0).astype(np.float64)
        q, r = np.linalg.qr(wide / len(clients))
        p, s = np.linalg.qr(tall.T)
        u, values, v = np.linalg.svd(r @ s.T)
        root = np.sqrt(values[:rank])
        found[name_b] = (q @ u[:, :rank] * root).astype(np.float32)
        found[name_a] = (root[:, None] * (v[:rank] @ p.T)).astype(np.float32)
    return found


def combined(arrays: Arrays, updates: Sequence[Arrays], settings: Settings) -> Arrays:
    """The adapter after a round. Raises `ValueError` for a method that shares nothing."""
    if settings.method == "svd":
        return mean_of_products(arrays, updates)
    if settings.method == "local-only":
        raise ValueError("local-only has no rounds")
    return plus(arrays, mean(updates))


def with_noise(arrays: Arrays, updates: int, settings: Settings) -> Arrays:
    """The adapter of so many updates with the round's noise, where the server adds it."""
    if not settings.noise or settings.noise_at != "server":
        return arrays
    # Not from the seed: noise that others can compute hides nothing.
    draw, deviation = np.random.default_rng(), privacy.deviation(settings, updates)
    return arrays | privacy.noised(sent(arrays, settings), deviation, draw)
