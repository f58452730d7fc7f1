"""The exam: what a model writes about threads it has never seen, against what a person wrote.

    python -m export.exam --model FILE --data DIR [--baselines] [--limit N] [--json]
    python -m export.exam --model FILE --threads T.jsonl [--json]
    python -m export.exam --data DIR --baselines [--baseline-step N] [--json]

`--data` examines on the development personas of GlanceChat; `--threads` on any file in its format.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from device.disk import sha256_of
from device.language.chat_prompt import ChatPrompt, Shot
from device.language.llama_engine import LlamaEngine
from device.language.load import Model, load_writer
from device.language.prompt import Task
from device.language.quotes import (
    SUMMARY_CHARS,
    quoted_glance,
    quoted_summary,
    shorten,
    weightiest,
)
from device.language.writer import Writer
from device.messages import GLANCE_CHARS, Card, Thread
from device.text import neutralise
from export.data import Example, load_examples, split_glancechat
from export.metrics import (
    best_rouge_l,
    f1,
    interval,
    macro_f1,
    ordinary_words,
    rouge_l,
    unsupported,
)
from export.vocabulary import BASE_FILE, base_folder

TOGETHER = 8
"""Threads that are decoded side by side."""


@dataclass(slots=True)
class Paper:
    """One candidate's answers, as figures a thread; the row of a table."""

    name: str
    ordinary: frozenset[str]
    """Words that open a sentence without being a name (`export.metrics.ordinary_words`)."""
    glance: list[float] = field(default_factory=list)
    summary: list[float] = field(default_factory=list)
    invented: list[float] = field(default_factory=list)
    """1 where a shown line has a name or number that isn't in the thread, letter by letter."""
    inventions: list[str] = field(default_factory=list)
    """What those were, for a person to judge: "7" for "seven" is no invention."""
    more: dict[str, float] = field(default_factory=dict)
    sha256: str | None = None
    """Of the examined file, so that nobody takes these figures for another's."""

    def write(self, example: Example, glance: str, summary: str) -> None:
        """Mark one glance and one summary."""
        self.glance.append(rouge_l(example.glance, glance))
        self.summary.append(rouge_l(example.summary, summary))
        wrong = [
            word
            for text in (glance, summary)
            for word in unsupported(text, example.thread, self.ordinary)
        ]
        self.invented.append(float(bool(wrong)))
        if wrong:
            self.inventions.append(f"{example.thread.id} {wrong}: {glance} | {summary}")

    def figures(self) -> dict[str, Any]:
        """Means, with the intervals of the two main ones."""
        return {
            "name": self.name,
            "sha256": self.sha256,
            "threads": len(self.glance),
            "glance_rouge_l": round(float(np.mean(self.glance)), 2),
            "glance_interval": [round(v, 2) for v in interval(self.glance)],
            "summary_rouge_l": round(float(np.mean(self.summary)), 2),
            "summary_interval": [round(v, 2) for v in interval(self.summary)],
            "cards_with_invention_pct": round(100 * float(np.mean(self.invented)), 2),
            **{key: round(value, 2) for key, value in self.more.items()},
            "inventions": self.inventions,
        }


def examine(
    model: Model, examples: Sequence[Example], ordinary: frozenset[str]
) -> tuple[Paper, Paper]:
    """(what the wearer is shown, what the model says at first, unchecked)."""
    lines: dict[tuple[str, str], tuple[str, bool]] = {}

    def watch(thread: Thread, name: str, text: str, holds: bool) -> None:
        lines.setdefault((thread.id, name), (text, holds))

    writer = load_writer(model, together=TOGETHER, watch=watch)
    shown, first = Paper(model.name, ordinary), Paper(f"{model.name}, unchecked", ordinary)
    shown.sha256 = first.sha256 = model.sha256
    cards: list[Card] = []
    held = []
    answers = writer.cards([example.thread for example in examples])
    watched = track(
        answers, model.name, len(examples), console=Console(stderr=True), transient=True
    )
    for example, card in zip(examples, watched, strict=True):
        cards.append(card)
        shown.write(example, card.glance.text, card.summary.text)
        decoded = {
            task: lines[example.thread.id, task]
            for task in ("glance", "summary")
            if (example.thread.id, task) in lines  # not where a quote fits whole
        }
        said = {task: text for task, (text, _) in decoded.items()}
        glance, summary = (
            said.get("glance", card.glance.text),
            said.get("summary", card.summary.text),
        )
        first.write(example, glance, summary)
        held += [holds for _, holds in decoded.values()]
    shown.more = card_figures(examples, cards, ordinary) | {
        "lines_pass_first_pct": 100 * float(np.mean(held or [False])),
    }
    return shown, first


def card_figures(
    examples: Sequence[Example], cards: Sequence[Card], ordinary: frozenset[str]
) -> dict[str, float]:
    """Figures beyond the two lines, in percent."""
    needs = [e.triage.needs_reply for e in examples]
    said = [c.triage.needs_reply for c in cards]
    asked = [e.asks is not None for e in examples]
    replied = [
        best_rouge_l([d.text for d in e.drafts], [d.text for d in c.drafts])
        for e, c in zip(examples, cards, strict=True)
        if e.drafts and c.triage.needs_reply
    ]
    invented = [
        float(bool(unsupported(d.text, e.thread, ordinary)))
        for e, c in zip(examples, cards, strict=True)
        for d in c.drafts
    ]
    asks = [
        rouge_l(e.asks, c.asks.text)
        for e, c in zip(examples, cards, strict=True)
        if e.asks is not None and c.asks is not None
    ]
    three = [len(c.drafts) == 3 for c in cards if c.triage.needs_reply]
    return {
        "glance_quoted_pct": 100 * float(np.mean([c.glance.source == "quote" for c in cards])),
        "summary_quoted_pct": 100 * float(np.mean([c.summary.source == "quote" for c in cards])),
        "asks_found_f1": f1(asked, [c.asks is not None for c in cards]),
        "asks_rouge_l": float(np.mean(asks or [0.0])),
        "needs_reply_accuracy": 100
        * float(np.mean([n == s for n, s in zip(needs, said, strict=True)])),
        "needs_reply_f1": f1(needs, said),
        "no_reply_f1": f1([not n for n in needs], [not s for s in said]),
        "urgency_macro_f1": macro_f1(
            [e.triage.urgency for e in examples], [c.triage.urgency for c in cards]
        ),
        "best3_reply_rouge_l": float(np.mean(replied or [0.0])),
        "replies_threads": float(len(replied)),
        "three_drafts_pct": 100 * float(np.mean(three or [False])),
        "drafts_with_invention_pct": 100 * float(np.mean(invented or [0.0])),
    }


def own_words(examples: Sequence[Example], ordinary: frozenset[str]) -> tuple[Paper, Paper]:
    """(the longest new message, shortened; what the device shows where the model fails)."""
    plain, quoted = Paper("longest new message", ordinary), Paper("quotes as shown", ordinary)
    for example in examples:
        thread = example.thread
        text = neutralise(weightiest(thread).text)
        plain.write(example, shorten(text, GLANCE_CHARS), shorten(text, SUMMARY_CHARS))
        quoted.write(example, quoted_glance(thread).text, quoted_summary(thread).text)
    return plain, quoted


def untuned_base(
    examples: Sequence[Example], shots: Sequence[Example], ordinary: frozenset[str]
) -> Paper:
    """The untuned base with three worked examples through its chat template, one task a time."""
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
            for e in track(examples, f"base, {task}", console=Console(stderr=True), transient=True)
        ]
        writer.forget()
    paper = Paper("untuned base, 3 examples", ordinary)
    for example, glance, summary in zip(examples, lines["glance"], lines["summary"], strict=True):
        paper.write(example, glance, summary)
    return paper


def choose_shots(training: Sequence[Example]) -> list[Example]:
    """Three short training threads of three personas, two with an ask and one without."""
    short = [e for e in training if len(e.thread.messages) <= 4 and e.lang == "en"]
    asking = [e for e in short if e.asks]
    telling = [e for e in short if not e.asks]
    return [asking[0], telling[len(telling) // 2], asking[-1]]


def table_of(papers: Sequence[Paper]) -> Table:
    """The main figures, a row a candidate."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in ("", "glance ROUGE-L", "summary ROUGE-L", "cards with an invention"):
        table.add_column(column, justify="left" if not column else "right")
    for paper in papers:
        f = paper.figures()
        table.add_row(
            paper.name,
            "{:.1f} ({:.1f}-{:.1f})".format(f["glance_rouge_l"], *f["glance_interval"]),
            "{:.1f} ({:.1f}-{:.1f})".format(f["summary_rouge_l"], *f["summary_interval"]),
            f"{f['cards_with_invention_pct']:.1f} %",
        )
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, help="a GGUF file; without it, baselines alone")
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--data", type=Path, help="folder with glancechat/")
    source.add_argument("--threads", type=Path, help="a JSONL file in GlanceChat's format")
    parser.add_argument("--baselines", action="store_true", help="untuned base too (needs --data)")
    parser.add_argument(
        "--baseline-step", type=int, default=1, help="the untuned base on every n-th thread only"
    )
    parser.add_argument("--limit", type=int, help="so many threads only, spread evenly")
    parser.add_argument("--json", action="store_true", help="one line of JSON instead of tables")
    args = parser.parse_args()

    training: list[Example] = []
    if args.data:
        training, examples = split_glancechat(args.data / "glancechat")
    else:
        examples = load_examples([args.threads])
    in_all = len(examples)
    ordinary = ordinary_words((*training, *examples))
    if args.limit:
        examples = examples[:: max(1, len(examples) // args.limit)][: args.limit]
    papers = [*own_words(examples, ordinary)]
    if args.baselines and training:
        shots = choose_shots(training)
        papers.append(untuned_base(examples[:: args.baseline_step], shots, ordinary))
    if args.model:
        model = Model(args.model.stem, args.model, sha256_of(args.model))
        papers += examine(model, examples, ordinary)
    figures = [paper.figures() | {"threads_in_all": in_all} for paper in papers]
    if args.json:
        json.dump(figures, sys.stdout)
        print()
        return
    console = Console()
    console.print(table_of(papers))
    for paper in papers:
        for key, value in paper.more.items():
            console.print(f"  {key:26} {value:.2f}", highlight=False)


if __name__ == "__main__":
    main()
