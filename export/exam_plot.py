"""The exam as a picture: candidates beside each other, and the model by group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure as Picture

from export.exam_lines import Paper
from export.exam_marks import Figure, figures_of, grouped

BARS = {
    "glance_rouge_l": ("glance", "#1b7f5c"),
    "summary_rouge_l": ("summary", "#8ec5b0"),
}
"""Figure -> its name in the legend and its colour."""
KINDS = ("lang", "messages")
"""What the model is shown by; personas are too many for bars."""


def draw(papers: Sequence[Paper], path: Path) -> None:
    """Write a PNG of ROUGE-L; lines on the bars are 95 % bootstrap intervals."""
    left = {p.name: figures_of(p.rows) for p in papers if p.on == "threads"}
    left |= {f"{p.name}, long": figures_of(p.rows) for p in papers if p.on == "long"}
    left |= {f"{p.name}, dialogues": figures_of(p.rows) for p in papers if p.on == "summaries"}
    shown = next((p for p in papers if p.on == "threads" and p.answers == "shown"), None)
    by = grouped(shown.rows) if shown else {}
    right = {
        f"{group}{' messages' if kind == 'messages' else ''}": figures_of(rows)
        for kind in KINDS
        for group, rows in sorted(by.get(kind, {}).items())
    }
    most = max(len(left), len(right))
    picture = Picture(figsize=(12 if right else 7, 1.6 + 0.4 * most), layout="constrained")
    panels = picture.subplots(1, 2 if right else 1, squeeze=False)[0]
    _bars(panels[0], left, "ROUGE-L by candidate", most)
    if shown and right:
        _bars(panels[1], right, f"{shown.name} by language and length", most)
    picture.legend(*panels[0].get_legend_handles_labels(), loc="outside upper right", ncols=2)
    picture.savefig(path, dpi=110, format="png")


def _bars(axes: Axes, rows: Mapping[str, Mapping[str, Figure]], title: str, room: int) -> None:
    """Bars as thick as in a panel of `room` rows."""
    height = 0.8 / len(BARS)
    for i, (name, (label, colour)) in enumerate(BARS.items()):
        found = [(y, f[name]) for y, f in enumerate(rows.values()) if name in f]
        places = [y + (i - (len(BARS) - 1) / 2) * height for y, _ in found]
        values = [f.value for _, f in found]
        spread = (
            [f.value - f.low for _, f in found],
            [f.high - f.value for _, f in found],
        )
        axes.barh(places, values, 0.9 * height, xerr=spread, color=colour, label=label)
        for place, (_, f) in zip(places, found, strict=True):
            axes.annotate(
                f"{f.value:.1f}", (f.high, place), (4, 0), textcoords="offset points",
                va="center", fontsize=8,
            )  # fmt: skip
    axes.set_yticks(range(len(rows)), list(rows))
    axes.set_ylim(room - 0.5, -0.5)
    axes.set_xlim(
        0, 1.15 * max((f.high for r in rows.values() for n, f in r.items() if n in BARS), default=1)
    )
    axes.set_xlabel("ROUGE-L")
    axes.set_title(title, fontsize=10)
    axes.grid(axis="x", alpha=0.3)
    axes.set_axisbelow(True)
