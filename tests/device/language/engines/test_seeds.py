"""What a sequence samples is its own affair: its seed decides, and no neighbour."""

from __future__ import annotations

import pytest

from device.language.engine import Engine, Sampling
from tests.engines import go_on, started, words

SEEDS = (5, 1, 5, 9)


def hot(*seeds: int) -> Sampling:
    return Sampling(1.5, top_k=0, top_p=1.0, seed=seeds)


def test_alone_as_beside_others(engine: Engine) -> None:
    prompts = [words(12, seed=i) for i in range(4)]
    together = go_on(engine, [started(engine, p) for p in prompts], 10, hot(*SEEDS))
    for prompt, seed, said in zip(prompts, SEEDS, together, strict=True):
        seq = started(engine, prompt)
        assert go_on(engine, [seq], 10, hot(seed)) == [said]
        engine.close(seq)
    backwards = [started(engine, p) for p in reversed(prompts)]
    assert go_on(engine, backwards, 10, hot(*reversed(SEEDS))) == together[::-1]


def test_the_same_prompt_by_the_same_seed_says_the_same(engine: Engine) -> None:
    forks = engine.fork(started(engine, words(12)), 3)
    one, two, three = go_on(engine, forks, 10, hot(7, 7, 8))
    assert one == two != three


def test_one_number_gives_each_its_own(engine: Engine) -> None:
    base = started(engine, words(12))
    counted = go_on(engine, engine.fork(base, 3), 10, Sampling(1.5, 0, 1.0, seed=7))
    assert counted == go_on(engine, engine.fork(base, 3), 10, hot(7, 8, 9))


def test_a_seed_for_each(engine: Engine) -> None:
    forks = engine.fork(started(engine, words(12)), 2)
    with pytest.raises(IndexError):
        go_on(engine, forks, 3, hot(1))
