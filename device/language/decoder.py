"""Texts decoded behind cached threads: one right behind its thread, several in a fork each."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from device.language.engine import Engine, Sampling, Seq, Token
from device.language.tokenizer import Tokenizer


@dataclass(frozen=True, slots=True)
class Job:
    """One text to decode behind a thread."""

    seq: Seq
    """Where the thread stands in the engine."""
    name: str
    """"glance", "summary", "asks", or an intent."""
    asked: Sequence[Token]
    most_tokens: int


@dataclass(frozen=True, slots=True)
class Answer:
    """What was decoded for a job."""

    text: str
    ended: bool
    """False where the model was cut off: such a line is never shown."""
    ms: float
    """From the start of `decode` to its own end."""
    sure: float
    """The mean log-probability, in nats, of its tokens; 0 where there are none."""


class Decoder:
    """Decodes jobs on one engine, at most `forks` of them in one batch."""

    def __init__(self, engine: Engine, tokenizer: Tokenizer, stop: Collection[Token], forks: int):
        self._engine = engine
        self._tokenizer = tokenizer
        self._stop = stop
        self._forks = forks

    def decode(self, jobs: Sequence[Job]) -> list[Answer]:
        """An answer a job, in their order, each token the likeliest one."""
        started = time.perf_counter()
        answers: list[Answer] = []
        for start in range(0, len(jobs), self._forks):
            answers += self._batch(jobs[start : start + self._forks], started)
        return answers

    def sureness(self, job: Job, texts: Sequence[str]) -> list[float]:
        """The mean log-probability, in nats, of the tokens of each text as an answer to a job."""
        if not texts:
            return []
        tokens = [self._tokenizer.encode(text) for text in texts]
        with extended(self._engine, job.seq, job.asked):
            scores = self._engine.score(job.seq, tokens)
        return [nats / len(some) for nats, some in zip(scores, tokens, strict=True)]

    def _batch(self, jobs: Sequence[Job], started: float) -> list[Answer]:
        tokens: list[list[Token]] = [[] for _ in jobs]
        ended: list[float | None] = [None] * len(jobs)
        most = [job.most_tokens for job in jobs]
        nats = [0.0] * len(jobs)
        with self._asked(jobs) as seqs:
            for step in self._engine.generate(seqs, Sampling(), self._stop, most, nats):
                for i, token in enumerate(step):
                    if token is not None:
                        tokens[i].append(token)
                    elif ended[i] is None:
                        ended[i] = since(started)
        total = since(started)
        return [
            Answer(
                text=self._tokenizer.decode(some).decode("utf-8", "ignore").strip(),
                ended=len(some) < job.most_tokens,
                ms=total if end is None else end,
                sure=total_nats / max(1, len(some)),
            )
            for some, job, end, total_nats in zip(tokens, jobs, ended, nats, strict=True)
        ]

    @contextmanager
    def _asked(self, jobs: Sequence[Job]) -> Iterator[list[Seq]]:
        """A sequence a job, which ends with what is asked."""
        if len(jobs) == 1:
            (job,) = jobs
            with extended(self._engine, job.seq, job.asked):
                yield [job.seq]
            return
        forks: list[Seq] = []
        try:
            for job in jobs:
                forks += self._engine.fork(job.seq, 1)
                self._engine.extend(forks[-1], job.asked)
            yield forks
        finally:
            for fork in forks:
                self._engine.close(fork)


@contextmanager
def extended(engine: Engine, seq: Seq, asked: Sequence[Token]) -> Iterator[None]:
    """The thread's own sequence with a task behind it, and without it again at the end.

    What is still queued of the thread is decoded in one batch with the task; a fork would first
    have it decoded alone.
    """
    length = len(engine.tokens(seq))
    engine.extend(seq, asked)
    try:
        yield
    finally:
        engine.truncate(seq, length)


def since(started: float) -> float:
    """Milliseconds since a `time.perf_counter`."""
    return (time.perf_counter() - started) * 1000
