"""How often `sidelong ask` finds the right message: hit@1, hit@3, correct "nothing found".

    python scripts/ask_figures.py CHATS.jsonl ... --questions QUESTIONS.jsonl [--misses]

A question a line: {"question", "answer"}, where the answer is a part of the right message's text,
or null where no message answers. A table for people, and one line of JSON last.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from device.ask import Found, ask
from device.connectors.files import read_threads
from device.errors import InputError
from device.inbox import Inbox


@dataclass(frozen=True, slots=True)
class Asked:
    """One question, and what came of it."""

    question: str
    answer: str | None
    found: list[Found]
    ms: float

    @property
    def rank(self) -> int | None:
        """Place of the right message, counted from 1; None where it isn't among them."""
        texts = [found.message.text for found in self.found]
        hits = (i for i, text in enumerate(texts, 1) if self.answer and self.answer in text)
        return next(hits, None)


def put(questions: Path, chats: list[Path]) -> list[Asked]:
    """Ask every question of an inbox that holds these chats. Raises `InputError`."""
    asked = []
    with tempfile.TemporaryDirectory() as folder, Inbox(Path(folder, "inbox.sqlite")) as inbox:
        for path in chats:
            for thread in read_threads(path):
                if isinstance(thread, InputError):
                    raise thread
                inbox.ingest("file", thread)
        for line in questions.read_text(encoding="utf-8").splitlines():
            record = json.loads(line)
            started = time.perf_counter()
            found = ask(inbox, record["question"])
            ms = (time.perf_counter() - started) * 1000
            asked.append(Asked(record["question"], record["answer"], found, ms))
    return asked


def figures(asked: list[Asked]) -> dict[str, float]:
    """Counts, and the median time in ms."""
    answered = [a for a in asked if a.answer is not None]
    return {
        "with_answer": len(answered),
        "hit@1": sum(a.rank == 1 for a in answered),
        "hit@3": sum(a.rank is not None for a in answered),
        "without": len(asked) - len(answered),
        "nothing_found": sum(not a.found for a in asked if a.answer is None),
        "median_ms": round(statistics.median(a.ms for a in asked), 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("chats", nargs="+", type=Path)
    parser.add_argument("--questions", type=Path, required=True)
    parser.add_argument("--misses", action="store_true", help="list what came out wrong")
    args = parser.parse_args()
    asked = put(args.questions, args.chats)
    for a in asked if args.misses else ():
        if (a.rank != 1) if a.answer else a.found:
            got = [f"{f.score:.2f} {f.message.sender}: {f.message.text}" for f in a.found]
            print(f"{a.question}\n  wanted: {a.answer or 'nothing'}", *got, sep="\n  ")
    told = figures(asked)
    print(
        f"{told['hit@1']} of {told['with_answer']} found first, {told['hit@3']} among three; "
        f"{told['nothing_found']} of {told['without']} rightly nothing; "
        f"{told['median_ms']} ms a question"
    )
    print(json.dumps(told))


if __name__ == "__main__":
    main()
