"""The exam for people: the candidates beside each other, every figure, and each model by group.

Intervals are 95 % bootstrap, shown by half their width; the JSON has both ends.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.table import Table

from export.exam_lines import On, Paper
from export.exam_marks import Figure, figures_of, grouped

TITLES: dict[On, str] = {
    "threads": "Threads",
    "long": "Threads behind messages that were read",
    "summaries": "Dialogues with a summary",
}
KINDS = {
    "lang": "language",
    "messages": "messages",
    "persona": "persona",
    "kind": "what is false",
}
LINES = {
    "glance_rouge_l": "glance",
    "summary_rouge_l": "summary",
    "cards_with_invention_pct": "invented %",
    "glance_rouge_l_fall": "glance falls",
    "summary_rouge_l_fall": "summary falls",
}
"""Figure -> its heading where candidates stand beside each other."""
GROUPED = {
    "glance_rouge_l": "glance",
    "summary_rouge_l": "summary",
    "best3_reply_rouge_l": "drafts",
    "needs_reply_f1": "reply F1",
    "pair_accuracy_pct": "pairs %",
    "pair_alone_pct": "alone %",
}
"""The same where a model is shown by group."""


def show(papers: Sequence[Paper], console: Console) -> None:
    """Print all tables."""
    for on, title in TITLES.items():
        some = {p.name: figures_of(p.rows) for p in papers if p.on == on}
        if not some:
            continue
        threads = max(p.threads for p in papers if p.on == on)
        console.print(f"[bold]{title}[/bold]: {threads}, ROUGE-L\n", highlight=False)
        console.print(_table(some, LINES))
        console.print()
        console.print(_every(some))
        console.print()
    for paper in papers:
        if paper.on == "threads" and paper.answers == "shown":
            console.print(f"[bold]{paper.name}[/bold] by group\n", highlight=False)
            for kind, groups in grouped(paper.rows).items():
                found = {group: figures_of(rows) for group, rows in sorted(groups.items())}
                console.print(_table(found, GROUPED, KINDS[kind]))
                console.print()


def _table(
    rows: Mapping[str, Mapping[str, Figure]], columns: Mapping[str, str], what: str = ""
) -> Table:
    """Those of the columns that any row has a figure for."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column(what)
    names = [name for name in columns if any(name in figures for figures in rows.values())]
    for name in names:
        table.add_column(columns[name], justify="right", no_wrap=True)
    for row, figures in rows.items():
        table.add_row(row, *(_with_interval(figures.get(name)) for name in names))
    return table


def _every(candidates: Mapping[str, Mapping[str, Figure]]) -> Table:
    """A figure a row, a candidate a column."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("", no_wrap=True)
    for name in candidates:
        table.add_column(name, justify="right", overflow="fold", min_width=5)
    for name in dict.fromkeys(name for figures in candidates.values() for name in figures):
        values = (figures.get(name) for figures in candidates.values())
        table.add_row(name, *("" if f is None else f"{f.value:.1f}" for f in values))
    return table


def _with_interval(figure: Figure | None) -> str:
    return "" if figure is None else f"{figure.value:.1f} ±{(figure.high - figure.low) / 2:.1f}"
