"""The figures as a picture: first token as a thread grows, and the same glance by others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure as Picture
from matplotlib.ticker import LogLocator, StrMethodFormatter

from scripts.bench.stats import Samples, spread

OURS, OTHERS = "#1b7f5c", "#8a8f98"


def draw(
    path: Path, samples: Samples, histories: Sequence[int], peers: Mapping[str, str], title: str
) -> None:
    """Write a PNG; bars and points are medians, lines on them the quartiles."""
    picture = Picture(figsize=(11, 4.6), layout="constrained")
    picture.suptitle(title, fontsize=11)
    left, right = picture.subplots(1, 2)
    _growth(left, samples, histories)
    _ways(right, samples, peers)
    picture.savefig(path, dpi=110)


def _growth(axes: Axes, samples: Samples, histories: Sequence[int]) -> None:
    for prefix, name, colour in (
        ("plain", "plain llama_cpp.Llama", OTHERS),
        ("llama", "Sidelong", OURS),
    ):
        points = [
            (n, spread(values))
            for n in histories
            if (values := samples.get(f"{prefix}@{n}.ttft_ms"))
        ]
        if points:
            medians = [s.median for _, s in points]
            below = [s.median - s.low for _, s in points]
            above = [s.high - s.median for _, s in points]
            axes.errorbar(
                [n for n, _ in points], medians, (below, above), marker="o", capsize=3,
                color=colour, label=name,
            )  # fmt: skip
    axes.set(xscale="log", yscale="log", xlabel="tokens of history", ylabel="ms")
    axes.set_xticks(histories, [f"{n:,}" for n in histories])
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axes.minorticks_off()
    axes.set_title("Last message → first token of the glance", fontsize=10)
    axes.grid(alpha=0.3)
    axes.legend(frameon=False)


def _ways(axes: Axes, samples: Samples, peers: Mapping[str, str]) -> None:
    shown = [(name, prefix) for prefix, name in peers.items() if f"{prefix}.glance_ms" in samples]
    for place, (name, prefix) in enumerate(reversed(shown)):
        s = spread(samples[f"{prefix}.glance_ms"])
        axes.barh(
            place, s.median, color=OURS if name.startswith("Sidelong") else OTHERS, height=0.6
        )
        axes.plot([s.low, s.high], [place, place], color="black", linewidth=1.2)
        axes.annotate(
            f"{s.median:,.0f}", (s.high, place), (5, 0), textcoords="offset points", va="center",
            fontsize=8,
        )  # fmt: skip
    axes.set_yticks(range(len(shown)), [name for name, _ in reversed(shown)])
    axes.set(xlabel="ms")
    axes.margins(x=0.15)
    axes.set_title("Last message → glance (Sidelong: shown; others: written)", fontsize=10)
    axes.grid(axis="x", alpha=0.3)
