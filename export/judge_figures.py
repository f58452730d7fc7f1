"""Precision and recall of the grounding judge on hand-made traps, kind by kind.

    python -m export.judge_figures --data GLANCECHAT --traps FILE [--json]

Three columns beside each other: the hard rules alone, the judge, and a baseline that sees the
statement without its thread (naive Bayes over words and word pairs of traps-train.jsonl). What the
baseline catches is a habit of whoever wrote the traps and not grounding.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from device.language.grounding import check
from device.language.judge import Judge
from device.language.words import words
from device.messages import Thread
from export.data import Statements, load_statements, split_glancechat

Score = Callable[[str, Thread], bool]


@dataclass(frozen=True, slots=True)
class Figures:
    """What one judge did with the traps of one kind."""

    kind: str
    pairs: int
    true_passed: int
    false_caught: int

    @property
    def precision(self) -> float | None:
        """Share of the failed statements that are false; None where none failed."""
        failed = self.false_caught + self.pairs - self.true_passed
        return self.false_caught / failed if failed else None

    @property
    def recall(self) -> float:
        """Share of the false statements that failed."""
        return self.false_caught / self.pairs


class StatementAlone:
    """Naive Bayes over the words and word pairs of a statement; it never sees a thread."""

    def __init__(self, records: Iterable[Statements], pass_rate: float = 0.9):
        records = list(records)
        self._counts = self._count(records)
        # each record is scored by the counts of all others, to set an honest threshold
        scores = sorted(
            self._score(text, self._minus(self._count([record])))
            for record in records
            for text in record.true
        )
        self._threshold = scores[int((1 - pass_rate) * len(scores))]

    def passes(self, statement: str, leave_out: Statements | None = None) -> bool:
        """Whether it would pass, by counts that leave one record out where asked."""
        counts = self._counts if leave_out is None else self._minus(self._count([leave_out]))
        return self._score(statement, counts) >= self._threshold

    def _minus(self, other: dict[bool, Counter[str]]) -> dict[bool, Counter[str]]:
        return {truth: self._counts[truth] - other[truth] for truth in (True, False)}

    @classmethod
    def _count(cls, records: Iterable[Statements]) -> dict[bool, Counter[str]]:
        counts: dict[bool, Counter[str]] = {True: Counter(), False: Counter()}
        for record in records:
            for truth, texts in ((True, record.true), (False, record.false)):
                for text in texts:
                    counts[truth].update(cls._parts(text))
        return counts

    @staticmethod
    def _parts(text: str) -> list[str]:
        said = words(text)
        return said + [f"{a} {b}" for a, b in pairwise(said)]

    @classmethod
    def _score(cls, text: str, counts: dict[bool, Counter[str]]) -> float:
        return sum(
            math.log((counts[True][p] + 1) / (counts[False][p] + 1)) for p in set(cls._parts(text))
        )


def measure(
    records: Iterable[Statements], threads: dict[str, Thread], passes: Score
) -> list[Figures]:
    """The figures of one judge by kind, all kinds last. Raises `KeyError` for a missing thread."""
    pairs: Counter[str] = Counter()
    passed: Counter[str] = Counter()
    caught: Counter[str] = Counter()
    for record in records:
        thread = threads[record.thread_id]
        for kind, true, false in zip(record.kinds, record.true, record.false, strict=True):
            right, wrong = passes(true, thread), not passes(false, thread)
            for name in (kind, "all"):
                pairs[name] += 1
                passed[name] += right
                caught[name] += wrong
    order = sorted(pairs, key=lambda k: (k == "all", k))
    return [Figures(k, pairs[k], passed[k], caught[k]) for k in order]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="the GlanceChat folder")
    parser.add_argument("--traps", type=Path, required=True, help="traps-dev.jsonl, or your own")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    training, development = split_glancechat(args.data)
    threads = {e.thread.id: e.thread for e in [*training, *development]}
    records = load_statements(args.traps)
    seen = load_statements(args.data / "traps-train.jsonl")
    alone = StatementAlone(seen)
    own = {record.thread_id: record for record in seen}
    judge = Judge()
    spent: list[float] = []

    def judged(statement: str, thread: Thread) -> bool:
        started = time.perf_counter()
        passes = judge.judge(statement, thread).passes
        spent.append(1000 * (time.perf_counter() - started))
        return passes

    judges: dict[str, Score] = {
        "hard rules": lambda s, t: check(s, t).passes,
        "judge": judged,
        "statement alone": lambda s, t: alone.passes(s, own.get(t.id)),
    }
    tables = {name: measure(records, threads, passes) for name, passes in judges.items()}
    if args.json:
        print(json.dumps({
            name: {
                f.kind: {
                    "pairs": f.pairs,
                    "true_passed": round(f.true_passed / f.pairs, 4),
                    "false_caught": round(f.recall, 4),
                    "precision": None if f.precision is None else round(f.precision, 4),
                }
                for f in table
            }
            for name, table in tables.items()
        }))  # fmt: skip
        return
    print(f"{'true passed / false caught':28s}" + "".join(f"{name:>20s}" for name in tables))
    for rows in zip(*tables.values(), strict=True):
        cells = [f"{f.true_passed / f.pairs:.0%} / {f.recall:.0%}" for f in rows]
        print(f"{rows[0].kind:20s}{rows[0].pairs:8d}" + "".join(f"{cell:>20s}" for cell in cells))
    print(f"the judge took {statistics.median(spent):.1f} ms a statement (median)")


if __name__ == "__main__":
    main()
