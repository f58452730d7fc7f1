"""What models write about the threads of an exam."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Literal, TypeVar

from rich.console import Console
from rich.progress import track

from device.language.chat_prompt import ChatPrompt, Shot
from device.language.llama_engine import LlamaEngine
from device.language.load import Loaded, Model
from device.language.prompt import Task, thread_tokens
from device.language.writer import Writer
from device.messages import Thread
from export.data import Example
from export.exam_files import Pair
from export.exam_likelihood import Scorer, others_of
from export.exam_lines import Answers, On, Paper, card_marks, groups_of
from export.exam_marks import Marks, Row, mean, share

TOGETHER = 8
"""Threads that are decoded side by side."""
LONG = 200
"""Messages of a long thread."""
LINES = ("glance", "summary")
ANY_LENGTH = 1 << 30

T = TypeVar("T")


class Candidate:
    """One model on its way through the exam."""

    def __init__(self, model: Model, loaded: Loaded, ordinary: frozenset[str]):
        """`loaded` holds `TOGETHER` threads; `ordinary` is `export.metrics.ordinary_words`."""
        self._name = model.name
        self._sha256 = model.sha256
        self._loaded = loaded
        self._ordinary = ordinary
        self._decoded: dict[tuple[Thread, str], tuple[str, bool]] = {}
        self._writer = Writer(
            loaded.engine, loaded.prompt, loaded.tokenizer, model.name, TOGETHER, self._watch
        )
        self._scorer = Scorer(loaded)

    def _watch(self, thread: Thread, name: str, text: str, holds: bool) -> None:
        self._decoded.setdefault((thread, name), (text, holds))

    def cards(
        self, examples: Sequence[Example], on: Literal["threads", "long"] = "threads"
    ) -> tuple[Paper, Paper]:
        """(what the wearer is shown, what the model says at first, unchecked)."""
        shown = self._paper("shown", on)
        first = self._paper("first", on)
        cards = self._writer.cards([example.thread for example in examples])
        for example, card in self._track(zip(examples, cards, strict=True), on, examples):
            thread = example.thread
            # Nothing is decoded where a quote fits whole.
            decoded = {t: d for t in LINES if (d := self._decoded.get((thread, t)))}
            lines = {"glance": card.glance.text, "summary": card.summary.text}
            whole = thread_tokens(self._loaded.prompt, thread, ANY_LENGTH)[0]
            more: Marks = {
                "lines_pass_first_pct": share(sum(ok for _, ok in decoded.values()), len(decoded)),
                "thread_messages": mean(len(thread.messages)),
                "thread_tokens": mean(len(whole)),
            }
            more |= {f"{task}_pass_first_pct": share(ok) for task, (_, ok) in decoded.items()}
            more |= card_marks(example, card, self._ordinary)
            shown.write(example, lines, self._ordinary, more)
            said = lines | {task: text for task, (text, _) in decoded.items()}
            first.write(example, said, self._ordinary)
        self._writer.clear()
        return shown, first

    def long(
        self, examples: Sequence[Example], pool: Sequence[Example], short: Sequence[Row]
    ) -> tuple[Paper, Paper]:
        """The same behind `LONG` messages; `short` are the rows of the same examples as they are.

        `..._fall` says by how many points a figure falls against them.
        """
        papers = self.cards([lengthened(e, pool) for e in examples], "long")
        for long_row, short_row in zip(papers[0].rows, short, strict=True):
            for name in ("glance_rouge_l", "summary_rouge_l"):
                if name in short_row.marks:
                    fall = short_row.marks[name].sums[0] - long_row.marks[name].sums[0]
                    long_row.marks[f"{name}_fall"] = mean(fall)
        return papers

    def likelihoods(self, examples: Sequence[Example], pool: Sequence[Example]) -> Iterator[Row]:
        """Perplexities, and the true reply's place among those of `pool`."""
        for example in self._track(examples, "likelihood", examples):
            marks = self._scorer.answers(example, others_of(example, pool))
            yield Row(groups_of(example), marks)

    def pairs(self, pairs: Sequence[Pair]) -> Iterator[Row]:
        """Whether each true statement is likelier than its twin."""
        yield from map(self._scorer.pair, self._track(pairs, "pairs", pairs))

    def summaries(self, examples: Sequence[Example]) -> Paper:
        """The summaries of dialogues as the model says them at first."""
        paper = self._paper("first", "summaries")
        for example in self._track(examples, "summaries", examples):
            text = self._writer.unchecked(example.thread, "summary")
            paper.write(example, {"summary": text}, self._ordinary)
        self._writer.clear()
        return paper

    def _paper(self, answers: Answers, on: On) -> Paper:
        name = self._name + (", unchecked" if answers == "first" else "")
        return Paper(name, on, answers, self._sha256)

    def _track(self, things: Iterable[T], what: str, counted: Sequence[object]) -> Iterable[T]:
        return watched(things, f"{self._name}, {what}", len(counted))


def watched(things: Iterable[T], what: str, total: int) -> Iterable[T]:
    """The same, with a bar on standard error."""
    return track(things, what, total, console=Console(stderr=True), transient=True)


def lengthened(example: Example, pool: Sequence[Example]) -> Example:
    """The example behind so many messages, all read, that it has `LONG`.

    They are those of other threads of `pool`, whole threads in an order by chance, the wearer's own
    persona first; whoever wears the glasses there is the wearer here. A small pool gives fewer.
    """
    thread = example.thread
    others = [e for e in pool if e.thread.id != thread.id]
    random.Random(thread.id).shuffle(others)
    others.sort(key=lambda e: e.persona != example.persona)
    missing = max(0, LONG - len(thread.messages))
    read = [
        replace(m, sender=thread.me if m.sender == other.thread.me else m.sender)
        for other in others
        for m in other.thread.messages
    ][:missing]
    whole = replace(
        thread, messages=(*read, *thread.messages), unread_from=len(read) + thread.unread_from
    )
    return replace(example, thread=whole)


def untuned_base(
    examples: Sequence[Example], shots: Sequence[Example], ordinary: frozenset[str]
) -> Paper:
    """The untuned base with three worked examples through its chat template, one task a time."""
    from export.vocabulary import BASE_FILE, base_folder  # only here: it brings PyTorch

    engine = LlamaEngine(base_folder() / BASE_FILE, n_ctx=4096)
    vocabulary = engine.vocabulary
    template = engine.metadata()["tokenizer.chat_template"]
    lines: dict[Task, list[str]] = {}
    gold: dict[Task, Callable[[Example], str]] = {
        "glance": lambda e: e.glance,
        "summary": lambda e: e.summary,
    }
    for task, answer in gold.items():
        examples_shown = [Shot(e.thread, task, answer(e)) for e in shots]
        prompt = ChatPrompt(vocabulary, template, examples_shown, vocabulary.ends())
        writer = Writer(engine, prompt, vocabulary, "base")
        # One id for all threads: the worked examples before them are prefilled once.
        lines[task] = [
            writer.unchecked(replace(e.thread, id=task), task)
            for e in watched(examples, f"base, {task}", len(examples))
        ]
        writer.clear()
    paper = Paper("untuned base, 3 examples")
    for example, glance, summary in zip(examples, lines["glance"], lines["summary"], strict=True):
        paper.write(example, {"glance": glance, "summary": summary}, ordinary)
    return paper


def choose_shots(training: Sequence[Example]) -> list[Example]:
    """Three short training threads of three personas, two with an ask and one without."""
    short = [e for e in training if len(e.thread.messages) <= 4 and e.lang == "en"]
    asking = [e for e in short if e.asks]
    telling = [e for e in short if not e.asks]
    return [asking[0], telling[len(telling) // 2], asking[-1]]
