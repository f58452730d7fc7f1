"""llama.cpp's own sampler chains: tokens are chosen without their logits coming into Python."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import llama_cpp.llama_cpp as llama

from device.language.engine import Sampling

_RANDOM_SEED = 0xFFFFFFFF
"""llama.cpp takes this one as "any seed"; it must never be ours."""


@contextmanager
def chains(sampling: Sampling, n: int, n_vocab: int, last: int) -> Iterator[list[Any]]:
    """n chains: penalty over the `last` tokens chosen, top-k, top-p, temperature, choice."""
    made: list[Any] = []
    try:
        for i in range(n):
            chain = llama.llama_sampler_chain_init(llama.llama_sampler_chain_default_params())
            made.append(chain)
            for link in _links(sampling, sampling.seed + i, n_vocab, last):
                llama.llama_sampler_chain_add(chain, link)
        yield made
    finally:
        for chain in made:
            llama.llama_sampler_free(chain)


def _links(sampling: Sampling, seed: int, n_vocab: int, last: int) -> Iterator[Any]:
    if sampling.repeat_penalty != 1.0:
        yield llama.llama_sampler_init_penalties(n_vocab, last, sampling.repeat_penalty, 0.0, 0.0)
    if sampling.temperature <= 0:
        yield llama.llama_sampler_init_greedy()
        return
    yield llama.llama_sampler_init_top_k(sampling.top_k)
    yield llama.llama_sampler_init_top_p(sampling.top_p, 1)
    yield llama.llama_sampler_init_temp(sampling.temperature)
    yield llama.llama_sampler_init_dist(seed % _RANDOM_SEED)
