"""What stands on a card, against what a person wrote: lines, triage, replies."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from device.language.judge import Judge
from device.language.quotes import (
    SUMMARY_CHARS,
    quoted_glance,
    quoted_summary,
    shorten,
)
from device.messages import GLANCE_CHARS, URGENCIES, Card, Message, Thread
from device.text import neutralise
from export.data import Example
from export.exam_marks import (
    Mark,
    Marks,
    Row,
    bleu,
    f1,
    figures_of,
    grouped,
    macro_f1,
    mean,
    share,
)
from export.metrics import best_rouge_l, bigrams, facts, plain, rouge, self_rouge_l, unsupported

On = Literal["threads", "long", "summaries"]
Answers = Literal["shown", "first", "baseline"]

LENGTHS = {3: "1-3", 9: "4-9", 24: "10-24"}
"""Most messages -> the group of such threads; longer ones are in LONGER."""
LONGER = "25 or more"
THREE = 3
"""Messages that the baselines LEAD-3 and LONGEST-3 take (Gliwa et al. 2019)."""
_JUDGE = Judge()


@dataclass(slots=True)
class Paper:
    """One candidate's answers as marks; a column of the table."""

    name: str
    on: On = "threads"
    """What it was examined on."""
    answers: Answers = "baseline"
    """What the wearer is shown, what the model says at first, or no model's words."""
    sha256: str | None = None
    """Of the examined file, so that nobody takes these figures for another's."""
    rows: list[Row] = field(default_factory=list)
    inventions: list[str] = field(default_factory=list)
    """Names and numbers that aren't in the thread, letter by letter, for a person to judge: "7" for
    "seven" is no invention."""
    threads: int = 0

    def write(
        self,
        example: Example,
        lines: Mapping[str, str],
        ordinary: Container[str],
        more: Mapping[str, Mark] | None = None,
    ) -> None:
        """Mark lines by "glance" and "summary", and put `more` beside their marks."""
        marks: Marks = {}
        wrong: list[str] = []
        for task, text in lines.items():
            if task in example.known:
                marks |= line_marks(task, getattr(example, task), text, example.thread, ordinary)
                wrong += unsupported(text, example.thread, ordinary)
        marks["cards_with_invention_pct"] = share(bool(wrong))
        self.threads += 1
        self.rows.append(Row(groups_of(example), marks | dict(more or {})))
        if wrong:
            self.inventions.append(f"{example.thread.id} {wrong}: {' | '.join(lines.values())}")

    def json(self) -> dict[str, Any]:
        """Every figure, its interval and the rows behind it, then the same by group.

        {"name", "on", "answers", "sha256", "threads", FIGURE: value, ...,
        "intervals": {FIGURE: [low, high]}, "counts": {FIGURE: n},
        "by": {KIND: {GROUP: {FIGURE: [value, low, high, n]}}}, "inventions"}
        """
        figures = figures_of(self.rows)
        return {
            "name": self.name,
            "on": self.on,
            "answers": self.answers,
            "sha256": self.sha256,
            "threads": self.threads,
            **{name: figure.value for name, figure in figures.items()},
            "intervals": {name: [f.low, f.high] for name, f in figures.items()},
            "counts": {name: f.rows for name, f in figures.items()},
            "by": {
                kind: {group: figures_of(rows) for group, rows in sorted(groups.items())}
                for kind, groups in grouped(self.rows).items()
            },
            "inventions": self.inventions,
        }


def groups_of(example: Example) -> dict[str, str]:
    """Language, as the record says it (English where it doesn't), length, persona if it has one."""
    count = len(example.thread.messages)
    length = next((name for most, name in LENGTHS.items() if count <= most), LONGER)
    groups = {"lang": example.lang, "messages": length}
    if example.persona != example.thread.id:
        groups["persona"] = example.persona
    return groups


def line_marks(task: str, gold: str, text: str, thread: Thread, ordinary: Container[str]) -> Marks:
    """Of one glance or summary.

    ROUGE, BLEU, whether `sidelong check` passes it, its names and numbers against the gold's (a
    precision and a recall over all threads), its length.
    """
    right, said = ({plain(f) for f in facts(t, ordinary)} for t in (gold, text))
    return {
        **{f"{task}_rouge_{kind}": mean(value) for kind, value in rouge(gold, text).items()},
        f"{task}_bleu": bleu(gold, text),
        f"{task}_check_pct": share(_JUDGE.judge(text, thread).passes),
        f"{task}_facts_precision_pct": share(len(right & said), len(said)),
        f"{task}_facts_recall_pct": share(len(right & said), len(right)),
        f"{task}_chars": mean(len(text)),
        f"{task}_words": mean(len(text.split())),
    }


def card_marks(example: Example, card: Card, ordinary: Container[str]) -> Marks:
    """Of all on a card beyond the texts of its two lines."""
    marks: Marks = {
        "glance_quoted_pct": share(card.glance.source == "quote"),
        "summary_quoted_pct": share(card.summary.source == "quote"),
    }
    if "asks" in example.known:
        marks["asks_found_f1"] = f1(example.asks is not None, card.asks is not None)
        if example.asks is not None and card.asks is not None:
            found = rouge(example.asks, card.asks.text)
            marks |= {f"asks_rouge_{kind}": mean(value) for kind, value in found.items()}
    if "triage" in example.known:
        true, said = example.triage, card.triage
        marks |= {
            "triage_accuracy": share(true == said),
            "needs_reply_accuracy": share(true.needs_reply == said.needs_reply),
            "needs_reply_f1": f1(true.needs_reply, said.needs_reply),
            "no_reply_f1": f1(not true.needs_reply, not said.needs_reply),
            "urgency_accuracy": share(true.urgency == said.urgency),
            "urgency_macro_f1": macro_f1(true.urgency, said.urgency, URGENCIES),
        }
    return marks | reply_marks(example, card, ordinary)


def reply_marks(example: Example, card: Card, ordinary: Container[str]) -> Marks:
    """Of the drafts on a card; none where the model says that no reply is needed."""
    if not card.triage.needs_reply:
        return {}
    texts = [d.text for d in card.drafts]
    wrong = sum(bool(unsupported(text, example.thread, ordinary)) for text in texts)
    intents = {d.intent for d in card.drafts}
    marks: Marks = {
        "three_drafts_pct": share(len(intents) == 3),
        "drafts_with_invention_pct": share(wrong, len(texts)),
        "reply_distinct_2_pct": share(*bigrams(texts)),
    }
    if len(texts) > 1:
        marks["reply_self_rouge_l"] = mean(self_rouge_l(texts))
    if example.drafts:
        wanted = {d.intent for d in example.drafts}
        marks["best3_reply_rouge_l"] = mean(best_rouge_l([d.text for d in example.drafts], texts))
        marks["intent_match_pct"] = share(len(intents & wanted), len(intents))
    return marks


def own_words(
    examples: Sequence[Example], ordinary: Container[str], on: On = "threads"
) -> list[Paper]:
    """Without any model: the senders' words, and what the device shows where the model fails."""
    longest_one, quoted, lead, longest = papers = [
        Paper(name, on)
        for name in ("longest new message", "quotes as shown", "LEAD-3", "LONGEST-3")
    ]
    for example in examples:
        thread = example.thread
        new = thread.news or thread.messages[-1:]
        text = neutralise(max(new, key=lambda m: len(m.text)).text)
        leading, weighty = three(thread)
        quotes = {"glance": quoted_glance(thread).text, "summary": quoted_summary(thread).text}
        longest_one.write(example, _cut(text, shorten(text, SUMMARY_CHARS)), ordinary)
        quoted.write(example, quotes, ordinary)
        lead.write(example, _cut(leading, leading), ordinary)
        longest.write(example, _cut(weighty, weighty), ordinary)
    return papers


def _cut(text: str, summary: str) -> dict[str, str]:
    return {"glance": shorten(text, GLANCE_CHARS), "summary": summary}


def three(thread: Thread) -> tuple[str, str]:
    """The first three new messages, and the three longest ones in their order, as one line."""
    news = thread.news or thread.messages[-1:]
    longest = sorted(range(len(news)), key=lambda i: len(news[i].text), reverse=True)[:THREE]
    return _lines(news[:THREE]), _lines([news[i] for i in sorted(longest)])


def _lines(messages: Sequence[Message]) -> str:
    return " ".join(f"{neutralise(m.sender)}: {neutralise(m.text)}" for m in messages)
