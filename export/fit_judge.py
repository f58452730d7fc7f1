"""Fit the judge's weights and write them to device/language/judge_weights.py.

    python -m export.fit_judge --data GLANCECHAT

Logistic regression (L2, Newton's method) over traps-train.jsonl and corruptions of the training
personas' own lines, cross-validated by thread. traps-dev.jsonl is for `export.judge_figures`: it
measures and is never fitted.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from device.language.claims import FEATURES, features
from device.language.grounding import check
from device.messages import Thread
from export.corrupt import checks
from export.data import Example, load_statements, split_glancechat
from export.metrics import auc

Array = NDArray[np.float64]
TRAP_WEIGHT = 10.0
"""How many corrupted lines one hand-made trap counts for."""
PASS_RATE = 0.92
"""The share of the true statements that the threshold lets pass; the hard rules fail a few more."""
RIDGE = 3.0
FOLDS = 10
OUTPUT = Path("device/language/judge_weights.py")


def fit(x: Array, y: Array, weight: Array, ridge: float = RIDGE) -> Array:
    """Bias and weights (features + 1) of an L2 logistic regression, by Newton's method.

    `x`: statements x features; `y`: 1 for true. Features are standardised while fitting and the
    weights brought back, so `ridge` means the same for each; the bias isn't penalised.
    """
    mean, scale = x.mean(axis=0), x.std(axis=0) + 1e-9
    z = np.hstack([np.ones((len(x), 1)), (x - mean) / scale])
    penalty = np.full(z.shape[1], ridge)
    penalty[0] = 1e-6
    beta = np.zeros(z.shape[1])
    for _ in range(30):
        p = 1 / (1 + np.exp(-np.clip(z @ beta, -30, 30)))
        gradient = z.T @ (weight * (y - p)) - penalty * beta
        hessian = (z * (weight * p * (1 - p))[:, None]).T @ z + np.diag(penalty)
        step = np.linalg.solve(hessian, gradient)
        beta += step
        if np.abs(step).max() < 1e-8:
            break
    slopes = beta[1:] / scale
    return np.concatenate([[beta[0] - slopes @ mean], slopes])


def folds(ids: Sequence[str], count: int = FOLDS) -> NDArray[np.int64]:
    """A fold for each statement, the same for all statements of one thread."""
    order = sorted(set(ids))
    random.Random(0).shuffle(order)
    fold = {thread: i % count for i, thread in enumerate(order)}
    return np.array([fold[i] for i in ids])


def cross_validated(
    x: Array, y: Array, weight: Array, ids: Sequence[str], ridge: float = RIDGE
) -> Array:
    """Each statement's log-odds by weights that saw nothing of its thread."""
    fold = folds(ids)
    out = np.zeros(len(x))
    for i in range(FOLDS):
        seen = fold != i
        beta = fit(x[seen], y[seen], weight[seen], ridge)
        out[~seen] = beta[0] + x[~seen] @ beta[1:]
    return out


def threshold_for(scores: Array, true: NDArray[np.bool_], rate: float = PASS_RATE) -> float:
    """The log-odds that `rate` of the true statements reach."""
    return float(np.quantile(scores[true], 1 - rate))


def matrix(statements: Iterable[tuple[str, Thread]]) -> Array:
    """statements x features, in the order of `FEATURES`."""
    rows = [features(text, thread) for text, thread in statements]
    return np.array([[row[name] for name in FEATURES] for row in rows])


def corrupted(examples: Iterable[Example], pairs: int) -> list[tuple[str, Thread, bool]]:
    """The examples' own lines, each with its false twin; the same on every run."""
    rng = random.Random(1)
    return [(s, e.thread, truth) for e in examples for s, truth in checks(e, rng, pairs)]


def sigmoid(value: float) -> float:
    return float(1 / (1 + np.exp(-value)))


def write(beta: Array, threshold: float) -> None:
    """The weights as the module that the judge imports."""
    lines = [
        '"""Written by `python -m export.fit_judge`; not by hand."""',
        "",
        f"BIAS = {beta[0]:.4f}",
        "WEIGHTS = {",
        *(f'    "{name}": {value:.4f},' for name, value in zip(FEATURES, beta[1:], strict=True)),
        "}",
        f"THRESHOLD = {threshold:.4f}",
    ]
    OUTPUT.write_text("\n".join(lines) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="the GlanceChat folder")
    args = parser.parse_args()
    training, _ = split_glancechat(args.data)
    threads = {e.thread.id: e.thread for e in training}
    traps = [
        (text, threads[record.thread_id], truth)
        for record in load_statements(args.data / "traps-train.jsonl")
        for truth, texts in ((True, record.true), (False, record.false))
        for text in texts
    ]
    traps = [(s, t, y) for s, t, y in traps if check(s, t).passes]
    lines = [(s, t, y) for s, t, y in corrupted(training, 2) if check(s, t).passes]
    items = [*traps, *lines]
    trap = np.arange(len(items)) < len(traps)
    x = matrix((s, t) for s, t, _ in items)
    y = np.array([float(truth) for _, _, truth in items])
    weight = np.where(trap, TRAP_WEIGHT, 1.0)
    scores = cross_validated(x, y, weight, [t.id for _, t, _ in items])
    cut = threshold_for(scores[trap], y[trap] == 1)
    for name, part in (("traps", trap), ("corrupted lines", ~trap)):
        true, false = part & (y == 1), part & (y == 0)
        print(
            f"{name}, cross-validated: {np.mean(scores[true] >= cut):.1%} of {true.sum()} true "
            f"passed, {np.mean(scores[false] < cut):.1%} of {false.sum()} false caught, "
            f"AUC {auc(scores[true], scores[false]):.3f}"
        )
    beta = fit(x, y, weight)
    write(beta, sigmoid(cut))
    print(f"wrote {OUTPUT}")


if __name__ == "__main__":
    main()
