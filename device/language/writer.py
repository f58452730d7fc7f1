"""Glance, summary, asks, triage, drafts: each a suffix to the same cached thread.

1. the thread is brought into the engine; a message already there costs nothing
2. the glance is decoded alone, because the lens waits for it, and in one batch with what is new
3. triage is read off the logits of its labels, nothing is generated; with the glance it is told
4. summary, asks, and three drafts where triage wants a reply, are decoded in one batch of forks;
   where only what is asked says that a reply is wanted, the drafts come after
5. all is decoded greedily; of the lines that pass the judge a glance is shown where the model is
   sure of it (`device.language.showing`). Everything else is a quote, at which the lines point
6. a draft that fails its check, or of which the model isn't sure, gives way to a plain reply
   (`device.language.plain_replies`)

Where the sender's own words are known to be better, nothing is decoded (`Work.wants`).

Many threads go through the same steps side by side, so that their texts share batches.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import get_args

from device.language.adapter_choice import Follow
from device.language.cache import Cached, ThreadCache
from device.language.decoder import Answer, Decoder, Job, since
from device.language.engine import Engine, Seq
from device.language.fraud import accuses, is_plain_fraud, may_be_fraud
from device.language.plain_replies import is_mixed, plain_replies
from device.language.prompt import Prompt, Task
from device.language.quotes import quoted_summary
from device.language.showing import LEAST_SURE, LEAST_SURE_DRAFT, draft_passes, line_passes
from device.language.spill import Spill
from device.language.tokenizer import Tokenizer
from device.language.triage import Triager
from device.language.work import DRAFTS, WHOLE, Work
from device.messages import Card, Draft, Intent, Thread

Watch = Callable[[Thread, str, str, bool], None]
"""(thread, task or intent, a text decoded for it, whether that may be shown)."""

FORKS = 12
"""What is decoded in one batch at most: more take longer by as much as they are more."""
MOST_TOKENS: dict[str, int] = {"glance": 36, "summary": 80, "asks": 36, "reply": 48}
ROOM = 224
"""Positions kept free behind a thread: the longest task and its answer, twice over."""


class Writer:
    """Turns threads into cards with one engine, one prompt and one vocabulary."""

    def __init__(
        self,
        engine: Engine,
        prompt: Prompt,
        tokenizer: Tokenizer,
        model: str,
        together: int = 1,
        watch: Watch | None = None,
        adapter: Follow | None = None,
        spill: Spill | None = None,
    ):
        """`model` is the name that stands on the cards.

        Up to `together` threads stay prefilled and are decoded side by side, as far as they fit
        one context; the engine needs `FORKS` more sequences. `watch` is told of every
        decoded line, shown or not: the exam counts what is refused. `adapter` is asked before each
        thread; where its answer changes, what stands in the engine is computed anew. `spill` keeps
        the threads that make room for others.
        """
        self._engine = engine
        self._prompt = prompt
        self._model = model
        self._watch = watch
        self._adapter = adapter
        self._adapted: Path | None = None
        self._together = together
        self._cache = ThreadCache(engine, prompt, together, ROOM, self._sum_up, spill)
        self._triager = Triager(engine, prompt, self._cache)
        self._decoder = Decoder(engine, tokenizer, prompt.stop, FORKS)

    def prefill(self, thread: Thread) -> Cached:
        """Read the thread before anything is asked of it.

        A thread longer than the context keeps its newest messages, and a summary of the older
        ones in their place. Raises `ValueError` for a thread without messages.
        """
        cached = self._sync(thread)
        self._engine.prefill([cached.seq])
        return cached

    def keep_up(self, thread: Thread) -> None:
        """Read on in a thread that is prefilled, before anything is asked of it; else do nothing.

        What was new is read again where it counts as read now: the next message is then all that
        is to be read when it arrives.
        """
        if thread.messages and self._cache.holds(thread.id):
            self.prefill(thread)

    def _sync(self, thread: Thread) -> Cached:
        """The same, but that what is new is only decoded with what is asked of it."""
        if not thread.messages:
            raise ValueError(f"thread {thread.id} has no messages")
        if self._adapter is not None and (path := self._adapter()) != self._adapted:
            self._engine.set_adapter(path)
            self._adapted = path
        return self._cache.sync(thread)

    def clear(self) -> None:
        """Free every prefilled thread."""
        self._cache.clear()

    def forget(self, thread_id: str) -> None:
        """Keep nothing of that thread, neither in the engine nor on disk."""
        self._cache.forget(thread_id)

    def card(self, thread: Thread) -> Card:
        """Everything about one thread. Raises `ValueError` for a thread without messages."""
        *_, card = self.stages(thread)
        return card

    def stages(self, thread: Thread) -> Iterator[Card]:
        """The card as far as it is written: once with glance and triage, and once whole.

        Quotes stand for what is still to come. Other threads may be written in between. Raises
        `ValueError` for a thread without messages.
        """
        [work] = self._begun([thread])
        yield work.card(self._model)
        work.cached = self._sync(thread)  # it may have made room for others meanwhile
        self._rest([work])
        yield work.card(self._model)

    def cards(self, threads: Sequence[Thread]) -> Iterator[Card]:
        """A card a thread, in their order; neighbours are decoded side by side.

        The times of such a card are those it waited, its neighbours' work included. Raises
        `ValueError` for a thread without messages.
        """
        group: list[Thread] = []
        room = 0
        for thread in threads:
            size = self._cache.size(thread)
            twice = any(other.id == thread.id for other in group)  # ids of different files
            if group and (twice or len(group) == self._together or size > room):
                yield from self._side_by_side(group)
                group = []
            room = (room if group else self._cache.limit) - size
            group.append(thread)
        if group:
            yield from self._side_by_side(group)

    def unchecked(self, thread: Thread, task: Task) -> str:
        """The model's first decoding, whatever it says: for measuring, never for showing."""
        job = self._job(task, Work(thread, self._sync(thread), {}))
        [answer] = self._decoder.decode([job])
        return answer.text

    def _sum_up(self, older: Thread, seq: Seq) -> str:
        """One line for messages that no longer fit, checked like any other."""
        work = Work(older, Cached(seq, 0, older), {})
        self._decode([(work, self._job("summary", work))])
        return work.good.get("summary") or quoted_summary(older, work.pointers("summary")).text

    def _side_by_side(self, threads: Sequence[Thread]) -> list[Card]:
        """The cards of threads that fit the engine together."""
        self.clear()  # finished neighbours must not fill the cache
        work = self._begun(threads)
        self._rest(work)
        return [w.card(self._model) for w in work]

    def _begun(self, threads: Sequence[Thread]) -> list[Work]:
        """Read, with their glances and their triage: by that it is told whether a glance may
        interrupt."""
        work = []
        for thread in threads:
            started = time.perf_counter()
            cached = self._sync(thread)
            taught = self._prompt.knows(thread)
            warns = is_plain_fraud(thread)
            work.append(Work(thread, cached, {"prepare": since(started)}, taught, warns=warns))
        self._decode(self._lines(work, "glance"))
        for w in work:
            started = time.perf_counter()
            w.triage = self._triager.triage(w.thread, w.cached.seq)
            w.ms["triage"] = since(started)
        return work

    def _rest(self, work: Sequence[Work]) -> None:
        """Summary, asks, intents and drafts."""
        started = time.perf_counter()
        self._decode([*self._lines(work, "summary", "asks"), *self._replies(work)])
        self._decode(self._replies(work))  # of whom only the asks tell that they want one
        for w in work:
            self._settle(w)
        for w in work:
            w.ms["replies"] = since(started) if w.drafts else 0.0

    def _replies(self, work: Sequence[Work]) -> list[tuple[Work, Job]]:
        """Drafts of the likeliest intents, for whom a reply is wanted and none was begun."""
        jobs = []
        for w in work:
            if w.intents or not (w.needs_reply and w.taught):
                continue
            started = time.perf_counter()
            w.intents = self._triager.intents(w.thread, w.cached.seq)
            w.ms["triage"] += since(started)
            if not is_mixed(w.thread):
                jobs += [(w, self._reply(intent, w)) for intent in w.intents[:DRAFTS]]
        return jobs

    def _settle(self, work: Work) -> None:
        """Three drafts of the likeliest intents for which there is one."""
        for intent in work.intents if work.needs_reply else ():
            if len(work.drafts) == DRAFTS:
                break
            if draft := self._draft(work, intent):
                work.drafts.append(draft)

    def _draft(self, work: Work, intent: Intent) -> Draft | None:
        """The model's own where it is sure of it, else the likeliest plain reply, if any."""
        if own := work.good.get(intent):
            return Draft(intent, own)
        plain = plain_replies(intent, work.thread)
        if not plain:
            return None
        sure = self._decoder.sureness(self._reply(intent, work), plain)
        return Draft(intent, max(zip(sure, plain, strict=True))[1], "plain")

    def _decode(self, jobs: Sequence[tuple[Work, Job]]) -> None:
        """All jobs in shared batches; what may be shown of them is kept."""
        answers = self._decoder.decode([job for _, job in jobs])
        for (w, job), answer in zip(jobs, answers, strict=True):
            w.ms[job.name] = answer.ms
            is_sure = answer.sure >= LEAST_SURE.get(job.name, LEAST_SURE_DRAFT)
            if self._passes(w, job, answer) and is_sure:
                w.good[job.name] = answer.text
            if job.name in WHOLE and answer.text:
                w.said[job.name] = answer.text
                w.warns |= may_be_fraud(w.thread) and accuses(answer.text)
            if job.name == "asks":
                w.hear_asks(answer.text)

    def _passes(self, work: Work, job: Job, answer: Answer) -> bool:
        """Whether a text may be shown as the model's own."""
        name, text, thread = job.name, answer.text, work.cached.read
        if not answer.ended:
            passes = False
        elif name in get_args(Task):
            passes = line_passes(name, text, thread)
        else:
            passes = draft_passes(name, text, thread, [work.good.get(i, "") for i in work.intents])
        if self._watch is not None:
            self._watch(work.thread, name, text, passes)
        return passes

    def _lines(self, work: Sequence[Work], *tasks: Task) -> list[tuple[Work, Job]]:
        return [(w, self._job(task, w)) for w in work for task in tasks if w.wants(task)]

    def _job(self, task: Task, work: Work) -> Job:
        asked = self._prompt.task(task, work.thread)
        return Job(work.cached.seq, task, asked, MOST_TOKENS[task])

    def _reply(self, intent: Intent, work: Work) -> Job:
        asked = self._prompt.reply(intent, work.thread)
        return Job(work.cached.seq, intent, asked, MOST_TOKENS["reply"])
