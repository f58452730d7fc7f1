"""Any order of calls, on each engine."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from device.language.llama_engine import LlamaEngine
from device.language.onnx_engine import OnnxEngine
from tests.engines import (
    ADAPTER,
    GREEDY,
    N_CTX,
    N_SEQS,
    NEAR,
    close_all,
    llama,
    onnx,
    row,
    started,
    words,
)


class Calls(RuleBasedStateMachine):
    """Random calls against books kept in lists, and a second engine that recomputes everything."""

    make: Callable[[], LlamaEngine | OnnxEngine]
    engines: tuple[LlamaEngine | OnnxEngine, LlamaEngine | OnnxEngine] | None = None

    def __init__(self) -> None:
        super().__init__()
        kind = type(self)
        if kind.engines is None:
            kind.engines = (kind.make(), kind.make())
        self.engine, self.naive = kind.engines
        for engine in kind.engines:
            engine.set_adapter(None)
            close_all(engine)
        self.books: dict[int, list[int]] = {}

    def pick(self, data: st.DataObject, *, filled: bool = False) -> int:
        return data.draw(st.sampled_from([s for s, t in self.books.items() if t or not filled]))

    def filled(self) -> bool:
        return any(self.books.values())

    @precondition(lambda self: len(self.books) < N_SEQS)
    @rule(length=st.integers(0, 20), seed=st.integers(0, 9))
    def open(self, length: int, seed: int) -> None:
        tokens = words(20, seed)[:length]
        self.books[started(self.engine, tokens)] = tokens

    @precondition(lambda self: self.books)
    @rule(data=st.data(), tokens=st.lists(st.integers(0, 511), max_size=12))
    def extend(self, data: st.DataObject, tokens: list[int]) -> None:
        seq = self.pick(data)
        if len(self.books[seq]) + len(tokens) <= N_CTX:
            self.engine.extend(seq, tokens)
            self.books[seq] += tokens

    @precondition(lambda self: self.books)
    @rule(data=st.data())
    def prefill(self, data: st.DataObject) -> None:
        self.engine.prefill(data.draw(st.lists(st.sampled_from(sorted(self.books)))))

    @precondition(lambda self: 0 < len(self.books) < N_SEQS)
    @rule(data=st.data(), n=st.integers(0, 3))
    def fork(self, data: st.DataObject, n: int) -> None:
        seq = self.pick(data)
        for fork in self.engine.fork(seq, min(n, N_SEQS - len(self.books))):
            assert fork not in self.books
            self.books[fork] = list(self.books[seq])

    @precondition(lambda self: self.books)
    @rule(data=st.data(), part=st.floats(0, 1))
    def truncate(self, data: st.DataObject, part: float) -> None:
        seq = self.pick(data)
        length = int(part * len(self.books[seq]))
        self.engine.truncate(seq, length)
        del self.books[seq][length:]

    @precondition(lambda self: self.books)
    @rule(data=st.data())
    def close(self, data: st.DataObject) -> None:
        seq = self.pick(data)
        self.engine.close(seq)
        del self.books[seq]

    @precondition(filled)
    @rule(data=st.data(), early=st.integers(1, 8))
    def generate(self, data: st.DataObject, early: int) -> None:
        ready = [s for s, tokens in self.books.items() if tokens]
        seqs = data.draw(st.lists(st.sampled_from(ready), unique=True, min_size=1))
        most = data.draw(st.lists(st.integers(0, 4), min_size=len(seqs), max_size=len(seqs)))
        steps = self.engine.generate(seqs, GREEDY, (), most)
        for _, step in zip(range(early), steps, strict=False):
            for seq, token in zip(seqs, step, strict=True):
                if token is not None:
                    self.likeliest(self.books[seq], token)
                    self.books[seq].append(token)
        steps.close()

    def likeliest(self, tokens: list[int], token: int) -> None:
        logs = self.fresh_row(tokens)
        assert logs[token] >= max(logs) - NEAR

    def fresh_row(self, tokens: list[int]) -> list[float]:
        seq = started(self.naive, tokens)
        logs = row(self.naive, seq)
        self.naive.close(seq)
        return logs

    @precondition(filled)
    @rule(data=st.data(), c=st.lists(st.integers(0, 511), min_size=1, max_size=4))
    def score(self, data: st.DataObject, c: list[int]) -> None:
        seq = self.pick(data, filled=True)
        tokens = self.books[seq]
        if len(tokens) + len(c) <= N_CTX:
            both = self.engine.score(seq, [c, c[:1]])
            naive = [self.fresh_row(tokens + c[:i])[t] for i, t in enumerate(c)]
            assert both == pytest.approx([sum(naive), naive[0]], abs=NEAR)

    @precondition(lambda self: 0 < len(self.books) < N_SEQS)
    @rule(data=st.data())
    def save_and_load(self, data: st.DataObject) -> None:
        seq = self.pick(data)
        with tempfile.TemporaryDirectory() as folder:
            self.engine.save(seq, Path(folder) / "thread")
            loaded = self.engine.load(Path(folder) / "thread")
        assert loaded not in self.books
        self.books[loaded] = list(self.books[seq])

    @rule(on=st.booleans())
    def adapt(self, on: bool) -> None:
        if isinstance(self.engine, LlamaEngine):
            self.engine.set_adapter(ADAPTER if on else None)
            self.naive.set_adapter(ADAPTER if on else None)

    @invariant()
    def books_agree(self) -> None:
        for seq, tokens in self.books.items():
            assert self.engine.tokens(seq) == tuple(tokens)


class LlamaCalls(Calls):
    make = staticmethod(llama)


class OnnxCalls(Calls):
    make = staticmethod(onnx)


for calls in (LlamaCalls, OnnxCalls):
    calls.TestCase.settings = settings(
        max_examples=15,
        stateful_step_count=20,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
TestLlamaCalls = LlamaCalls.TestCase
TestOnnxCalls = OnnxCalls.TestCase
