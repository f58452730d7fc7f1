"""What a model holds likely, without writing anything.

- perplexity of what a person wrote, task by task
- the true reply among `OTHERS` that answered other threads, by nats a token
- of a true statement and its false twin, the one that is likelier as a summary; and the same
  without the thread, which is what the statements give away by themselves
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from device.language.load import Loaded
from device.language.prompt import thread_tokens
from device.language.writer import ROOM
from device.messages import Thread
from export.data import Example
from export.exam_files import Pair
from export.exam_lines import groups_of
from export.exam_marks import Mark, Marks, Row, mean, perplexity, share

OTHERS = 19
"""Replies that the true one stands among."""

Ask = Callable[[list[int], Sequence[str]], list[tuple[float, int]]]
"""(tokens that ask, answers) -> for each its log-probability in nats and its tokens, its end left
out."""


class Scorer:
    """Asks one model about threads."""

    def __init__(self, loaded: Loaded):
        self._engine = loaded.engine
        self._prompt = loaded.prompt
        self._tokenizer = loaded.tokenizer

    @contextmanager
    def reading(self, thread: Thread) -> Iterator[Ask]:
        """The thread in the engine, its oldest messages left out where they don't fit."""
        engine = self._engine
        seq = engine.open()

        def ask(asked: list[int], answers: Sequence[str]) -> list[tuple[float, int]]:
            tokens = [self._tokenizer.encode(answer) for answer in answers]
            some = max(1, ROOM // max(map(len, tokens)))  # behind a thread that fills its context
            (fork,) = engine.fork(seq, 1)
            try:
                engine.extend(fork, asked)
                scores = [
                    score
                    for start in range(0, len(tokens), some)
                    for score in engine.score(fork, tokens[start : start + some])
                ]
            finally:
                engine.close(fork)
            return list(zip(scores, map(len, tokens), strict=True))

        try:
            engine.extend(seq, thread_tokens(self._prompt, thread, engine.n_ctx - ROOM)[0])
            engine.prefill([seq])
            yield ask
        finally:
            engine.close(seq)

    def answers(self, example: Example, others: Sequence[str]) -> Marks:
        """Perplexities, and the place of the true reply, if there is one, among `others`."""
        marks: Marks = {}
        with self.reading(example.thread) as ask:
            for task in ("glance", "summary", "asks"):
                gold = getattr(example, task)
                if task in example.known and gold:
                    ((nats, count),) = ask(self._prompt.task(task, example.thread), [gold])
                    marks[f"{task}_perplexity"] = Mark((-nats, count), perplexity)
            drafts = [draft for draft in example.drafts if draft.text.strip()]
            replies = [
                ask(
                    self._prompt.reply(draft.intent, example.thread),
                    [draft.text] if i else [draft.text, *others],
                )
                for i, draft in enumerate(drafts)
            ]
        if replies:
            nats = sum(reply[0][0] for reply in replies)
            marks["reply_perplexity"] = Mark((-nats, sum(r[0][1] for r in replies)), perplexity)
            if len(replies[0]) > 1:
                marks |= _ranking([nats / count for nats, count in replies[0]])
        return marks

    def pair(self, pair: Pair) -> Row:
        """Whether the true statement is likelier than its twin, with the thread and without."""
        thread = pair.example.thread
        marks: Marks = {}
        for name, read in (
            ("pair_accuracy_pct", thread),
            ("pair_alone_pct", replace(thread, messages=(), unread_from=0)),
        ):
            with self.reading(read) as ask:
                asked = self._prompt.task("summary", thread)
                (true, _), (false, _) = ask(asked, [pair.true, pair.false])
            marks[name] = share(true > false)
        return Row(groups_of(pair.example) | ({"kind": pair.kind} if pair.kind else {}), marks)


def others_of(example: Example, examples: Sequence[Example]) -> list[str]:
    """`OTHERS` replies to other threads, the same for every model; none where there are too few."""
    own = {draft.text for draft in example.drafts}
    pool = sorted({e.drafts[0].text for e in examples if e.drafts and e.drafts[0].text} - own)
    if len(pool) < OTHERS:
        return []
    return random.Random(example.thread.id).sample(pool, OTHERS)


def _ranking(likelihoods: Sequence[float]) -> Marks:
    """Of the first one among all; one as likely stands before it."""
    rank = 1 + sum(other >= likelihoods[0] for other in likelihoods[1:])
    return {
        "reply_recall_at_1_pct": share(rank == 1),
        "reply_recall_at_3_pct": share(rank <= 3),
        "reply_mrr": mean(100 / rank),
    }
