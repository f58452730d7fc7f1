"""What a sequence samples is its own affair: its seed decides, and no neighbour."""

from __future__ import annotations

from device.language.engine import Engine, Sampling
from tests.engines import go_on, started, words

SEED = 5


def hot(seed: int) -> Sampling:
    return Sampling(1.5, top_k=0, top_p=1.0, seed=seed)


def test_alone_as_beside_others(engine: Engine) -> None:
    prompts = [words(12, seed=i) for i in range(4)]
    together = go_on(engine, [started(engine, p) for p in prompts], 10, hot(SEED))
    for i, (prompt, said) in enumerate(zip(prompts, together, strict=True)):
        seq = started(engine, prompt)
        assert go_on(engine, [seq], 10, hot(SEED + i)) == [said]
        engine.close(seq)


def test_the_same_prompt_by_the_same_seed_says_the_same(engine: Engine) -> None:
    base = started(engine, words(12))
    one, two, three = go_on(engine, engine.fork(base, 3), 10, hot(SEED))
    assert one != two != three != one
    assert go_on(engine, engine.fork(base, 3), 10, hot(SEED + 1))[:2] == [two, three]
