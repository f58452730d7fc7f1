"""What a run came to: tables for people, a plot, and one line of JSON.

Perplexity is exp of the mean over users of their nats a token: a user who wrote little counts as
much as one who wrote a lot. A gain is what a user's perplexity falls by, in percent of what it is
without an adapter; a user is hurt where it rises.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict
from itertools import pairwise
from pathlib import Path
from typing import Any

from device.disk import write_atomically
from federated import privacy
from federated.adapters import Arrays, sent
from federated.settings import Settings
from federated.strategy import Round

WAYS = {"none": "no adapter", "local": "local only", "federated": "federated",
        "both": "federated + local", "kept": "what the gate keeps"}  # fmt: skip
KEPT = ("none", "federated", "federated + local")
EXAM = {"best3": "best of three drafts, ROUGE-L", "style": "style distance of the drafts"}
FEW = 20
"""Sent replies below which a user counts as one with few."""
EDGES = (-math.inf, -20, -10, -5, 0, 5, 10, 20, 30, math.inf)
"""Of the histogram of gains, in percent."""


def report_of(
    settings: Settings,
    names: Sequence[str],
    rounds: Sequence[Round],
    figures: Sequence[dict[str, float]],
    arrays: Arrays,
) -> dict[str, Any]:
    """Every figure of a run; `figures` are the clients' own, a row a user that answered."""
    users = [_row(names[int(f["user"])], f) for f in figures]
    gains = [u["gain_hard"] for u in users]
    kept = [u["gain_kept"] for u in users]
    multipliers = [r.multiplier for r in rounds if r.taken]
    shared = sent(arrays, settings) if settings.method != "local-only" else {}
    few = [u for u in users if u["replies"] < FEW]
    report: dict[str, Any] = {
        "users": len(names),
        "examined": len(users),
        "method": settings.method,
        "rounds": len(rounds),
        "rounds_taken": len(multipliers),
        "refused": sum(len(r.refused) for r in rounds),
        "peak_mb": round(max(f["peak-mb"] for f in figures)),
        **{f"ppl_{key}": _ppl(users, way) for key, way in (_WAY | _UNGATED).items()},
        "ppl_few_local": _ppl(few, "local") if few else None,
        "ppl_few_federated_local": _ppl(few, "both") if few else None,
        "few_users": len(few),
        **{
            f"{kind}_{key}": _mean([u[f"{kind}_{way}"] for u in users])
            for kind in EXAM
            for key, way in _WAY.items()
        },
        "hurt_share": round(sum(g < 0 for g in gains) / len(gains), 4),
        "hurt_share_after_gate": round(sum(g < 0 for g in kept) / len(kept), 4),
        "bytes_up_per_client_round": rounds[-1].bytes_up if rounds else 0,
        "bytes_down_per_client_round": rounds[-1].bytes_down if rounds else 0,
        "values": sum(v.size for v in shared.values()),
        "epsilon": privacy.epsilon(multipliers, settings.delta),
        "delta": settings.delta,
        "settings": settings.to_config(),
        "by_user": users,
        "by_round": [asdict(r) for r in rounds],
    }
    report["epsilon_flower"] = _flower(multipliers, len(names), settings.delta)
    report["privacy"] = privacy.statement(settings, report)
    return report


_WAY = {"none": "none", "local": "local", "federated": "federated", "federated_local": "both",
        "kept": "kept"}  # fmt: skip
"""What the report calls a way, and what a client does."""
_UNGATED = {"federated_local_ungated": "hard"}
SUMMARY = (
    "users", "rounds", "seconds", "peak_mb", "ppl_none", "ppl_local", "ppl_federated",
    "ppl_federated_local", "ppl_kept", "best3_none", "best3_federated_local", "style_none",
    "style_federated_local", "hurt_share", "hurt_share_after_gate", "bytes_up_per_client_round",
    "bytes_down_per_client_round", "epsilon", "delta", "method", "refused", "examined", "status",
    "audit",
)  # fmt: skip


def _flower(multipliers: list[float], clients: int, delta: float) -> float | None:
    """Flower's own accountant, where what it stands on is installed."""
    try:
        return privacy.flower_epsilon(multipliers, clients, delta)
    except ImportError:
        return None


def _row(name: str, f: dict[str, float]) -> dict[str, Any]:
    """One user's figures."""

    def gain(way: str) -> float:
        return round(100 * (1 - math.exp(f[f"nll-{way}"] - f["nll-none"])), 2)

    replies = f["train-texts"] + f["gate-texts"] + f["test-texts"]
    return {
        "name": name[:16],
        "replies": int(replies),
        "test_replies": int(f["test-texts"]),
        **{f"nll_{way}": round(f[f"nll-{way}"], 4) for way in (*WAYS, "hard")},
        **{f"gain_{way}": gain(way) for way in ("local", "federated", "both", "hard", "kept")},
        **{f"{kind}_{way}": _rounded(f.get(f"{kind}-{way}")) for kind in EXAM for way in WAYS},
        "kept": KEPT[int(f["kept"])],
        "seconds": round(f["seconds"], 1),
    }


def _ppl(users: Sequence[dict[str, Any]], way: str) -> float:
    return round(math.exp(sum(u[f"nll_{way}"] for u in users) / len(users)), 3)


def _rounded(figure: float | None) -> float | None:
    return None if figure is None else round(figure, 3)


def _mean(figures: Sequence[float | None]) -> float | None:
    """None where no drafts were written."""
    found = [f for f in figures if f is not None]
    return round(sum(found) / len(found), 3) if found else None


def histogram(gains: Sequence[float]) -> list[tuple[str, int]]:
    """(interval, users) for each interval of `EDGES`."""
    counts = []
    for low, high in pairwise(EDGES):
        label = f"{'below' if low == -math.inf else f'{low:+g} to'} {high:+g} %"
        if high == math.inf:
            label = f"above {low:+g} %"
        counts.append((label, sum(low <= g < high for g in gains)))
    return counts


def write_report(folder: Path, report: dict[str, Any]) -> None:
    """`report.json` and `report.png`."""
    draw(report, folder / "report.png")
    write(folder, report)


def write(folder: Path, report: dict[str, Any]) -> None:
    """`report.json`, whole or not at all."""
    write_atomically(folder / "report.json", json.dumps(report, indent=1))


def draw(report: dict[str, Any], path: Path) -> None:
    """Perplexity by user for every way, and who gains how much."""
    from matplotlib.figure import Figure

    users = report["by_user"]
    figure = Figure(figsize=(12, 4.2), layout="tight")
    left, right = figure.subplots(1, 2, width_ratios=(2, 1))
    for i, (way, label) in enumerate(list(WAYS.items())[:4]):
        heights = [math.exp(u[f"nll_{way}"]) for u in users]
        left.bar([x + 0.2 * i for x in range(len(users))], heights, 0.2, label=label)
    left.set_yscale("log")
    left.set_xticks(
        [x + 0.3 for x in range(len(users))],
        [f"{u['name'][:11]}\n{u['replies']}" for u in users],
        fontsize=6,
    )
    left.set_ylabel("perplexity of the last replies (log)")
    left.legend(fontsize=7)
    left.set_title(f"{report['method']}, {report['rounds']} rounds; below: name, own replies")
    labels, counts = zip(*histogram([u["gain_hard"] for u in users]), strict=True)
    after = [n for _, n in histogram([u["gain_kept"] for u in users])]
    right.barh([y - 0.2 for y in range(len(labels))], counts, 0.4, label="without the gate")
    right.barh([y + 0.2 for y in range(len(labels))], after, 0.4, label="after the gate")
    right.set_yticks(range(len(labels)), labels, fontsize=7)
    right.set_xlabel("users")
    right.legend(fontsize=7)
    right.set_title("gain in perplexity")
    figure.savefig(path, dpi=110)


def lines(report: dict[str, Any]) -> list[str]:
    """The report for people."""
    titles = ("no adapter", "local", "federated", "fed + local", "kept")
    head = f"{'':18}{'replies':>8}" + "".join(f"{t:>13}" for t in titles)
    out = [f"perplexity of the last replies\n{head}   the gate keeps"]
    for u in report["by_user"]:
        cells = "".join(f"{math.exp(u[f'nll_{way}']):13.1f}" for way in WAYS)
        out.append(f"{u['name']:18}{u['replies']:8}{cells}   {u['kept']}")
    out.append(f"{'all':26}" + "".join(f"{report[f'ppl_{key}']:13.1f}" for key in _WAY))
    for kind, title in EXAM.items():
        if report[f"{kind}_none"] is None:  # drafts=0
            continue
        out.append(f"{title}\n{head}")
        for u in report["by_user"]:
            cells = "".join(f"{u[f'{kind}_{way}']:13.2f}" for way in WAYS)
            out.append(f"{u['name']:18}{u['replies']:8}{cells}")
        out.append(f"{'all':26}" + "".join(f"{report[f'{kind}_{key}']:13.2f}" for key in _WAY))
    out.append("gain in perplexity, users (after the gate):")
    hard = histogram([u["gain_hard"] for u in report["by_user"]])
    after = histogram([u["gain_kept"] for u in report["by_user"]])
    for (label, count), (_, kept) in zip(hard, after, strict=True):
        out.append(f"  {label:>14} {'#' * count}{'' if count else '-'} ({kept})")
    if silent := report["users"] - report["examined"]:
        out.append(f"not examined: {silent} of {report['users']} users, whose clients failed or "
                   "had no time; raise timeout=")  # fmt: skip
    for r in report["by_round"]:
        refused = "; ".join(r["refused"].values()) or "none"
        out.append(
            f"round {r['number']}: {r['taken']} of {r['asked']} updates, "
            f"{r['seconds']:.0f} s; refused: {refused}"
        )
    few = "no user has fewer"
    if report["few_users"]:
        few = (
            f"local {report['ppl_few_local']}, federated + local "
            f"{report['ppl_few_federated_local']} ({report['few_users']} users)"
        )
    out += [
        f"perplexity of users with fewer than {FEW} replies: {few}",
        f"hurt: {report['hurt_share']:.0%} of the users without the gate, "
        f"{report['hurt_share_after_gate']:.0%} after it",
        f"a client and round: {report['bytes_up_per_client_round']:,} bytes up, "
        f"{report['bytes_down_per_client_round']:,} down",
        f"{report['seconds']:.0f} s, {report['peak_mb']} MB a process at most (bound told before: "
        f"{report['memory_bound_mb']} MB)",
        f"privacy: {report['privacy']}",
    ]
    if (
        report["rounds_taken"]
        and report["epsilon"] is not None
        and report["epsilon_flower"] is not None
    ):
        out.append(f"epsilon by Flower's RdpAccountant: {report['epsilon_flower']:.4f}, "
                   f"by our own sum: {report['epsilon']:.4f}")  # fmt: skip
    return out


def summary(report: dict[str, Any]) -> str:
    """One line of JSON with the main figures.

    `status` and `audit` are there where the run is known to have ended, and was audited.
    """
    return json.dumps({key: report[key] for key in SUMMARY if key in report})
