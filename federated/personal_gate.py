"""Is an adapter kept? Judged by the device's own engine, on the file that it would use.

Two things must hold: the wearer's last answers, which trained nothing, get more likely by more
than chance; and of the model's lines no smaller share passes the check than before. Where lines
suffer, less of the adapter is tried: `STRENGTHS` of its B.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from device.language.llama_engine import LlamaEngine
from device.language.load import Model, load_writer
from device.language.prompt import ThreadPrompt, thread_tokens
from device.messages import INTENTS, Draft, Thread
from federated.personal_verdict import Floats, Verdict, sign_flip_p
from federated.task import DRAFTS_CONTEXT, LIMIT, answer_tokens, perplexity
from federated.users import Sent

STRENGTHS = (1.0, 0.5, 0.25)
TOGETHER = 4
"""Threads whose lines are decoded side by side."""


@contextmanager
def engine_of(model: Model, threads: int, adapter: Path | None = None) -> Iterator[LlamaEngine]:
    """The device's engine with an adapter on it, as long as the block runs."""
    engine = LlamaEngine(
        model.path, n_ctx=DRAFTS_CONTEXT, n_seqs=1, threads=threads, sha256=model.sha256
    )
    try:
        engine.set_adapter(adapter)
        yield engine
    finally:
        engine.shut()


def with_intents(
    engine: LlamaEngine, sents: Iterable[Sent], moved: Callable[[], None]
) -> Iterator[Sent]:
    """Each moment with the intent that the model itself finds likeliest for that answer.

    That is the largest P(intent | thread) P(answer | thread, intent), which one scoring gives: the
    intent stands before the answer in the prompt. `moved` is called for each.
    """
    prompt = ThreadPrompt(engine.vocabulary)
    for sent in sents:
        trunk, _ = thread_tokens(prompt, sent.thread, LIMIT)
        replies = []
        for reply in sent.replies:
            answer = answer_tokens(reply.text, prompt)
            asked = [[*prompt.reply(i, sent.thread), *answer] for i in INTENTS]
            scores = _score(engine, trunk, asked)
            replies.append(Draft(INTENTS[int(np.argmax(scores))], reply.text))
        moved()
        yield dataclasses.replace(sent, replies=tuple(replies))


def likelihoods(engine: LlamaEngine, sents: Sequence[Sent]) -> tuple[Floats, Floats]:
    """(nats, tokens) of each answer: -log P(answer | thread, intent), and its length."""
    prompt = ThreadPrompt(engine.vocabulary)
    nats, tokens = [], []
    for sent in sents:
        trunk, _ = thread_tokens(prompt, sent.thread, LIMIT)
        for reply in sent.replies:
            answer = answer_tokens(reply.text, prompt)
            asked = [*trunk, *prompt.reply(reply.intent, sent.thread)]
            nats.append(-_score(engine, asked, [answer])[0])
            tokens.append(len(answer))
    return np.array(nats), np.array(tokens, float)


def _score(engine: LlamaEngine, trunk: Sequence[int], answers: list[list[int]]) -> list[float]:
    seq = engine.open()
    try:
        engine.extend(seq, trunk)
        return engine.score(seq, answers)
    finally:
        engine.close(seq)


def lines_that_pass(
    model: Model, threads: Sequence[Thread], cores: int, adapter: Path | None
) -> list[bool]:
    """Of each line and draft that the model says about these threads, whether it passes the check.

    Everything that is decoded counts, shown or not, but what is asked: that only points.
    """
    held: list[bool] = []

    def watch(thread: Thread, name: str, text: str, holds: bool) -> None:
        if name != "asks":
            held.append(holds)

    writer = load_writer(
        model, threads=cores, together=TOGETHER, watch=watch, adapter=lambda: adapter
    )
    for _ in writer.cards(threads):
        pass
    return held


def judge(
    model: Model,
    held_out: Sequence[Sent],
    threads: Sequence[Thread],
    cores: int,
    before: Path | None,
    write: Callable[[float], Path],
) -> tuple[Verdict, Path]:
    """(the verdict on the strongest adapter that is kept, or else on the whole one, its file).

    `before` is the adapter in use; `write` makes the file of a strength. Lines are only asked for
    where the answers gain.
    """
    with engine_of(model, cores, before) as engine:
        nats_before, tokens = likelihoods(engine, held_out)
    lines_before: list[bool] | None = None
    found: list[tuple[Verdict, Path]] = []
    for strength in STRENGTHS:
        path = write(strength)
        with engine_of(model, cores, path) as engine:
            nats, _ = likelihoods(engine, held_out)
        verdict = Verdict(
            strength=strength,
            replies=len(nats),
            ppl_before=perplexity(nats_before.sum() / tokens.sum()),
            ppl_after=perplexity(nats.sum() / tokens.sum()),
            p=sign_flip_p(nats_before - nats),
        )
        if verdict.replies_gain:
            if lines_before is None:
                lines_before = lines_that_pass(model, threads, cores, before)
            lines = lines_that_pass(model, threads, cores, path)
            verdict = dataclasses.replace(
                verdict,
                lines_before=len(lines_before),
                passed_before=sum(lines_before),
                lines_after=len(lines),
                passed_after=sum(lines),
            )
        found.append((verdict, path))
        if verdict.keeps:
            return verdict, path
    return found[0]
