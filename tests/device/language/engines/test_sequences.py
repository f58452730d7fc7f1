"""Sequences of one engine: shared, cut, continued, ended, and independent of each other."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import pytest

from device.language.engine import Engine
from tests.engines import GREEDY, N_CTX, N_SEQS, fresh, go_on, row, started, words


def test_forks_are_independent(engine: Engine) -> None:
    base = words(20)
    parent = started(engine, base)
    a, b, c = engine.fork(parent, 3)
    engine.extend(a, [5, 6])
    engine.truncate(b, 4)
    assert [engine.tokens(s) for s in (parent, a, b, c)] == [
        tuple(base), (*base, 5, 6), tuple(base[:4]), tuple(base),
    ]  # fmt: skip
    said = go_on(engine, [a, b, c, parent])
    assert said == [fresh(engine, t) for t in ([*base, 5, 6], base[:4], base, base)]
    engine.close(parent)
    engine.truncate(a, 20)
    assert go_on(engine, [a]) == [said[2]]


def test_a_fork_of_a_queue(engine: Engine) -> None:
    (fork,) = engine.fork(started(engine, words(9)), 1)
    (empty,) = engine.fork(engine.open(), 1)
    assert engine.tokens(empty) == ()
    engine.extend(empty, words(9))
    assert go_on(engine, [fork]) == go_on(engine, [empty])


@pytest.mark.parametrize("length", [0, 1, 12, 29, 30])
def test_truncated_then_extended_is_as_fresh(engine: Engine, length: int) -> None:
    tokens = words(30)
    seq = started(engine, tokens)
    go_on(engine, [seq])
    engine.truncate(seq, length)
    assert engine.tokens(seq) == tuple(tokens[:length])
    engine.extend(seq, [7, 8, 9])
    assert go_on(engine, [seq]) == [fresh(engine, [*tokens[:length], 7, 8, 9])]


def test_pieces_are_as_the_whole(engine: Engine) -> None:
    tokens = words(40)
    seq = engine.open()
    for start in range(0, 40, 7):
        engine.extend(seq, tokens[start : start + 7])
        engine.prefill([seq, seq])
    assert go_on(engine, [seq]) == [fresh(engine, tokens)]


def test_together_is_as_one_by_one(engine: Engine) -> None:
    prompts = [words(n, seed=n) for n in (3, 40, 17, 1)]
    alone = [fresh(engine, p, n) for p, n in zip(prompts, (5, 9, 0, 20), strict=True)]
    seqs = [started(engine, p) for p in prompts]
    assert go_on(engine, seqs, [5, 9, 0, 20]) == alone
    for seq, prompt, said in zip(seqs, prompts, alone, strict=True):
        assert engine.tokens(seq) == (*prompt, *said)
    assert go_on(engine, seqs) == [
        fresh(engine, p + a) for p, a in zip(prompts, alone, strict=True)
    ]


def test_scoring_changes_nothing(engine: Engine) -> None:
    tokens = words(25)
    seq = started(engine, tokens)
    while True:
        try:
            engine.open()
        except RuntimeError:
            break
    scores = engine.score(seq, [[4], [4, 5, 6], [4, 5, 7], [8, 9]])
    assert engine.score(seq, [[8, 9]]) == pytest.approx(scores[3:], abs=1e-3)
    assert engine.score(seq, [[4, 5, 7], [4, 5, 7]]) == pytest.approx([scores[2]] * 2, abs=1e-3)
    assert engine.score(seq, []) == []
    assert engine.tokens(seq) == tuple(tokens)
    engine.close(next(s for s in range(N_SEQS) if s != seq))
    assert go_on(engine, [seq]) == [fresh(engine, tokens)]
    assert sum(map(math.exp, row(engine, seq))) == pytest.approx(1)


# --- ends ---


def test_stop_tokens_are_neither_said_nor_kept(engine: Engine) -> None:
    tokens = words(12)
    said = fresh(engine, tokens, 8)
    cut = said.index(said[4])
    seq, other = started(engine, tokens), started(engine, words(5, seed=5))
    assert go_on(engine, [seq, other], 8, stop=[said[4]])[0] == said[:cut]
    assert engine.tokens(seq) == (*tokens, *said[:cut])
    assert go_on(engine, [seq], 8 - cut) == [said[cut:]]
    assert go_on(engine, [seq], 8, stop=range(512)) == [[]]


def test_the_context_ends(engine: Engine) -> None:
    seq = started(engine, words(N_CTX - 3))
    other = started(engine, words(5))
    assert [len(s) for s in go_on(engine, [seq, other], 6)] == [3, 6]
    assert go_on(engine, [seq], 6) == [[]]
    with pytest.raises(ValueError, match=f"{N_CTX + 1} tokens"):
        engine.extend(seq, [5])
    assert len(engine.tokens(seq)) == N_CTX
    engine.truncate(seq, N_CTX - 1)
    assert len(go_on(engine, [seq], 6)[0]) == 1


def test_an_iterator_closed_early(engine: Engine) -> None:
    tokens = words(10)
    said = fresh(engine, tokens)
    seq, other = started(engine, tokens), started(engine, words(4))
    steps = engine.generate([seq, other], GREEDY, (), 8)
    for _ in range(3):
        next(steps)
    steps.close()
    assert engine.tokens(seq) == (*tokens, *said[:3])
    assert go_on(engine, [seq], 5) == [said[3:]]


def test_other_work_between_steps(engine: Engine) -> None:
    tokens = words(10)
    seq, other = started(engine, tokens), started(engine, words(30, seed=3))
    said = []
    for step in engine.generate([seq], GREEDY, (), 8):
        said.append(step[0])
        go_on(engine, [other], 1)
        engine.score(seq, [[5, 6]])
    assert said == fresh(engine, tokens)
    steps = engine.generate([seq, other], GREEDY, (), 20)
    next(steps)
    engine.truncate(seq, 10)
    engine.extend(seq, [9, 9])
    assert [step[0] for step in steps][:8] == fresh(engine, [*tokens, 9, 9])


@pytest.mark.parametrize("reopened", [False, True])
@pytest.mark.parametrize("after", [0, 1, 3])
def test_one_that_is_closed_meanwhile(engine: Engine, after: int, reopened: bool) -> None:
    tokens = words(10)
    said = fresh(engine, tokens, after)
    seq, other = started(engine, tokens), started(engine, words(4))
    steps = engine.generate([seq, other], GREEDY, (), 8)
    for _ in range(after):
        next(steps)
    engine.close(other)
    if reopened:
        assert started(engine, words(6)) == other
    with pytest.raises(KeyError):
        next(steps)
    assert list(steps) == []
    assert engine.tokens(seq) == (*tokens, *said)
    assert go_on(engine, [seq], 3) == [fresh(engine, [*tokens, *said], 3)]
    if reopened:
        assert go_on(engine, [other], 3) == [fresh(engine, words(6), 3)]


def test_one_that_has_ended_may_be_closed(engine: Engine) -> None:
    tokens = words(10)
    seq, other = started(engine, tokens), started(engine, words(4))
    steps = engine.generate([seq, other], GREEDY, (), [5, 1])
    said = [next(steps)[0]]
    engine.close(other)
    assert said + [step[0] for step in steps] == fresh(engine, tokens, 5)


# --- calls that are refused ---


@pytest.mark.parametrize(
    "act",
    [
        lambda e: e.close(7),
        lambda e: e.tokens(7),
        lambda e: e.extend(7, [3]),
        lambda e: e.prefill([7]),
        lambda e: e.fork(7, 1),
        lambda e: e.truncate(7, 0),
        lambda e: e.generate([7], GREEDY, (), 1),
        lambda e: e.score(7, [[3]]),
        lambda e: e.save(7, Path("never")),
    ],
)
def test_a_sequence_that_is_not_open(engine: Engine, act: Callable[[Engine], object]) -> None:
    started(engine, [1, 2, 3])
    with pytest.raises(KeyError):
        act(engine)


@pytest.mark.parametrize(
    "act",
    [
        lambda e, s: e.extend(s, [512]),
        lambda e, s: e.extend(s, [-1]),
        lambda e, s: e.truncate(s, 4),
        lambda e, s: e.truncate(s, -1),
        lambda e, s: e.score(s, [[]]),
        lambda e, s: e.score(s, [[3, 512]]),
        lambda e, s: e.score(s, [[-1]]),
        lambda e, s: e.score(s, [[3] * N_CTX]),
        lambda e, s: e.score(e.open(), [[3]]),
        lambda e, s: e.generate([s, e.open()], GREEDY, (), 1),
        lambda e, s: e.generate([s, s], GREEDY, (), 1),
        lambda e, s: e.generate([s], GREEDY, (), [1, 1]),
    ],
)
def test_values_out_of_range(engine: Engine, act: Callable[[Engine, int], object]) -> None:
    seq = started(engine, [1, 2, 3])
    with pytest.raises(ValueError, match=r"."):
        act(engine, seq)
    assert engine.tokens(seq) == (1, 2, 3)
    assert go_on(engine, [seq]) == [fresh(engine, [1, 2, 3])]


def test_all_sequences_taken(engine: Engine) -> None:
    seq = started(engine, [1, 2])
    with pytest.raises(RuntimeError, match="sequences"):
        engine.fork(seq, N_SEQS)
    assert len(engine.fork(seq, N_SEQS - 1)) == N_SEQS - 1
    with pytest.raises(RuntimeError, match="sequences"):
        engine.open()


def test_how_likely_was_what_is_said(engine: Engine) -> None:
    tokens = words(10)
    seqs = [started(engine, tokens), started(engine, words(30, seed=3))]
    nats = [0.0, 0.0]
    steps = list(engine.generate(seqs, GREEDY, (), [4, 2], nats))
    for i, seq in enumerate(seqs):
        said = [step[i] for step in steps if step[i] is not None]
        engine.truncate(seq, len(engine.tokens(seq)) - len(said))
        assert nats[i] == pytest.approx(engine.score(seq, [said])[0], abs=1e-2)
