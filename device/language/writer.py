"""Glance, summary, asks, triage, drafts: each a suffix to the same cached thread.

1. the thread is brought into the engine; a message already there costs nothing
2. the glance is decoded alone, because the lens waits for it
3. triage and intents are read off the logits of their labels, nothing is generated
4. summary, asks and three drafts are decoded together, in one batch of forks
5. what does not pass `grounding` is decoded once more; what fails again becomes a quote
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from device.language.cache import Cached, ThreadCache
from device.language.engine import Engine, Sampling, Seq
from device.language.grounding import Verdict, check, check_reply
from device.language.judge import Judge
from device.language.prompt import NOTHING_ASKED, Prompt, Task
from device.language.quotes import quoted_ask, quoted_glance, quoted_summary
from device.language.tokenizer import Tokenizer
from device.messages import (
    GLANCE_CHARS,
    URGENCIES,
    Card,
    Draft,
    Intent,
    Line,
    Thread,
    Triage,
)

Watch = Callable[[str, str, bool], None]
"""(task or intent, the decoded text, whether it may be shown)."""

DRAFTS = 3
GREEDY = Sampling()
AGAIN = Sampling(temperature=0.7, top_k=40, top_p=0.9, seed=1)
"""How a line is decoded once more after it failed its check."""

MOST_TOKENS: dict[str, int] = {"glance": 36, "summary": 80, "asks": 36, "reply": 48}
ROOM = 224
"""Positions kept free behind a thread: the longest task and its answer, twice over."""


@dataclass(frozen=True, slots=True)
class _Job:
    """One text to decode behind a thread."""

    name: str
    """"glance", "summary", "asks", or an intent."""
    asked: list[int]
    most_tokens: int


@dataclass(frozen=True, slots=True)
class _Answer:
    text: str
    ended: bool
    """False where the model was cut off: such a line is never shown."""
    ms: float
    """From the start of its batch to its own end."""


class Writer:
    """Turns threads into cards with one engine, one prompt and one vocabulary."""

    def __init__(
        self,
        engine: Engine,
        prompt: Prompt,
        tokenizer: Tokenizer,
        model: str,
        threads_kept: int = 1,
        watch: Watch | None = None,
    ):
        """`model` is the name that stands on the cards; `threads_kept` threads stay prefilled.

        `watch` is told of every decoded line, shown or not: the exam counts what is refused.
        """
        self._engine = engine
        self._prompt = prompt
        self._tokenizer = tokenizer
        self._model = model
        self._watch = watch
        self._cache = ThreadCache(engine, prompt, threads_kept, ROOM)

    def prefill(self, thread: Thread) -> Cached:
        """Bring the engine up to the thread; call it when a message arrives.

        A thread longer than the context keeps its newest messages, and a summary of the older
        ones in their place. Raises `ValueError` for a thread without messages.
        """
        if not thread.messages:
            raise ValueError(f"thread {thread.id} has no messages")
        cached = self._cache.sync(thread)
        if not cached.dropped:
            return cached
        older = replace(
            thread,
            id=f"{thread.id} (earlier)",
            messages=thread.messages[: cached.dropped],
            unread_from=0,
        )
        earlier = self._line(older, self._cache.sync(older).seq, "summary")
        self._cache.forget(older.id)
        return self._cache.sync(thread, earlier.text)

    def forget(self) -> None:
        """Free every prefilled thread."""
        self._cache.clear()

    def card(self, thread: Thread) -> Card:
        """Everything about one thread. Raises `ValueError` for a thread without messages."""
        clock = _Clock()
        cached = self.prefill(thread)
        clock.lap("prefill")
        glance = self._line(thread, cached.seq, "glance")
        clock.lap("glance")
        triage = self.triage(thread, cached.seq)
        intents = self.intents(thread, cached.seq) if triage.needs_reply else []
        clock.lap("triage")
        summary, asks, drafts, ms = self._rest(thread, cached.seq, intents)
        return Card(
            thread_id=thread.id,
            glance=glance,
            summary=summary,
            asks=asks,
            triage=triage,
            drafts=drafts,
            model=self._model,
            tokens=cached.tokens,
            timings_ms=clock.laps | ms,
        )

    def unchecked(self, thread: Thread, task: Task) -> str:
        """The model's first decoding, whatever it says: for measuring, never for showing."""
        job = self._job(task, thread)
        (answer,) = self._decode(self.prefill(thread).seq, [job], GREEDY)
        return answer.text

    def triage(self, thread: Thread, seq: Seq) -> Triage:
        """Whether a reply is needed and how urgent it is, each by its summed probability."""
        asked, answers = self._prompt.triage(thread)
        scores = self._score(seq, asked, [tokens for _, tokens in answers])
        chance = {t: math.exp(s) for (t, _), s in zip(answers, scores, strict=True)}

        def total(needs_reply: bool | None, urgency: str | None) -> float:
            return sum(
                p
                for t, p in chance.items()
                if needs_reply in (None, t.needs_reply) and urgency in (None, t.urgency)
            )

        return Triage(
            needs_reply=total(True, None) >= total(False, None),
            urgency=max(URGENCIES, key=lambda u: total(None, u)),
        )

    def intents(self, thread: Thread, seq: Seq) -> list[Intent]:
        """All intents, likeliest first."""
        asked, answers = self._prompt.intents(thread)
        scores = self._score(seq, asked, [tokens for _, tokens in answers])
        order = sorted(range(len(scores)), key=scores.__getitem__, reverse=True)
        return [answers[i][0] for i in order]

    def log_odds(self, statement: str, seq: Seq) -> float | None:
        """log P(true) - log P(false) of a statement, in nats, as the model judges it.

        None where the model was never taught to judge.
        """
        asked = self._prompt.check(statement)
        if asked is None:
            return None
        question, true, false = asked
        yes, no = self._score(seq, question, [true, false])
        return yes - no

    def judge(self, statement: str, thread: Thread) -> Verdict:
        """Whether a statement is supported by the thread, by the rules and the model's own word."""
        log_odds = self.log_odds(statement, self.prefill(thread).seq)
        return Judge().judge(statement, thread, log_odds)

    def _score(self, seq: Seq, asked: list[int], answers: Sequence[list[int]]) -> list[float]:
        (fork,) = self._engine.fork(seq, 1)
        try:
            self._engine.extend(fork, asked)
            return self._engine.score(fork, answers)
        finally:
            self._engine.close(fork)

    def _rest(
        self, thread: Thread, seq: Seq, intents: list[Intent]
    ) -> tuple[Line, str | None, tuple[Draft, ...], dict[str, float]]:
        """Summary, asks and drafts in one batch; then, once, whatever failed its check."""
        started = time.perf_counter()
        jobs = [self._job("summary", thread), self._job("asks", thread)]
        jobs += [self._reply(intent, thread) for intent in intents[:DRAFTS]]
        good: dict[str, str] = {}
        ms: dict[str, float] = {}
        for sampling in (GREEDY, AGAIN):
            late = (time.perf_counter() - started) * 1000
            for job, answer in zip(jobs, self._decode(seq, jobs, sampling), strict=True):
                ms[job.name] = late + answer.ms
                if self._holds(job.name, answer, thread, good):
                    good[job.name] = answer.text
            jobs = [job for job in jobs if job.name not in good]
            if not jobs:
                break
        spare = [i for i in intents[DRAFTS : 2 * DRAFTS] if any(j.name in intents for j in jobs)]
        if spare:
            jobs = [self._reply(intent, thread) for intent in spare]
            for job, answer in zip(jobs, self._decode(seq, jobs, GREEDY), strict=True):
                if self._holds(job.name, answer, thread, good):
                    good[job.name] = answer.text
        drafts = tuple(Draft(i, good[i]) for i in intents if i in good)[:DRAFTS]
        summary = Line(good["summary"], "model") if "summary" in good else quoted_summary(thread)
        asks = good.get("asks") or quoted_ask(thread)
        total = (time.perf_counter() - started) * 1000
        laps = {"summary": ms["summary"], "asks": ms["asks"], "replies": total if intents else 0.0}
        return summary, None if asks == NOTHING_ASKED else asks, drafts, laps

    def _line(self, thread: Thread, seq: Seq, task: Task) -> Line:
        """One line by itself: the model's if it holds, else a quote."""
        job = self._job(task, thread)
        for sampling in (GREEDY, AGAIN):
            (answer,) = self._decode(seq, [job], sampling)
            if self._holds(task, answer, thread, {}):
                return Line(answer.text, "model")
        return quoted_glance(thread) if task == "glance" else quoted_summary(thread)

    def _holds(self, name: str, answer: _Answer, thread: Thread, good: dict[str, str]) -> bool:
        """Whether a line may be shown as the model's own."""
        holds = self._may_show(name, answer, thread, good)
        if self._watch is not None:
            self._watch(name, answer.text, holds)
        return holds

    def _may_show(self, name: str, answer: _Answer, thread: Thread, good: dict[str, str]) -> bool:
        if not answer.ended or not answer.text or "\n" in answer.text:
            return False
        if name == "glance" and len(answer.text) > GLANCE_CHARS:
            return False
        if name == "asks" and answer.text == NOTHING_ASKED:
            return True
        if name in MOST_TOKENS:
            return check(answer.text, thread).passes
        if answer.text.casefold() in (text.casefold() for text in good.values()):
            return False
        return check_reply(answer.text, thread).passes

    def _job(self, task: Task, thread: Thread) -> _Job:
        return _Job(task, self._prompt.task(task, thread), MOST_TOKENS[task])

    def _reply(self, intent: Intent, thread: Thread) -> _Job:
        return _Job(intent, self._prompt.reply(intent, thread), MOST_TOKENS["reply"])

    def _decode(self, seq: Seq, jobs: Sequence[_Job], sampling: Sampling) -> list[_Answer]:
        """All jobs in one batch of forks of `seq`."""
        started = time.perf_counter()
        forks = self._engine.fork(seq, len(jobs))
        tokens: list[list[int]] = [[] for _ in jobs]
        ended: list[float | None] = [None] * len(jobs)
        try:
            for fork, job in zip(forks, jobs, strict=True):
                self._engine.extend(fork, job.asked)
            most = [job.most_tokens for job in jobs]
            for step in self._engine.generate(forks, sampling, self._prompt.stop, most):
                for i, token in enumerate(step):
                    if token is not None:
                        tokens[i].append(token)
                    elif ended[i] is None:
                        ended[i] = (time.perf_counter() - started) * 1000
        finally:
            for fork in forks:
                self._engine.close(fork)
        total = (time.perf_counter() - started) * 1000
        return [
            _Answer(
                text=self._tokenizer.decode(some).decode("utf-8", "ignore").strip(),
                ended=len(some) < job.most_tokens,
                ms=total if end is None else end,
            )
            for some, job, end in zip(tokens, jobs, ended, strict=True)
        ]


class _Clock:
    """Milliseconds between laps."""

    def __init__(self) -> None:
        self.laps: dict[str, float] = {}
        self._last = time.perf_counter()

    def lap(self, name: str) -> None:
        now = time.perf_counter()
        self.laps[name] = (now - self._last) * 1000
        self._last = now
