"""Threads with their targets: one typed record, read from GlanceChat's JSONL files.

Splits go by persona and never by line: a persona's style and cast stand in all its threads.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from device.connectors.jsonl import thread_of
from device.messages import Draft, Thread, Triage


@dataclass(frozen=True, slots=True)
class Example:
    """A thread and what the device should say about it."""

    thread: Thread
    glance: str
    summary: str
    asks: str | None
    triage: Triage
    drafts: tuple[Draft, ...]
    persona: str
    lang: str


@dataclass(frozen=True, slots=True)
class Statements:
    """Statements about one thread, written by hand in pairs: a true one and its false twin."""

    thread_id: str
    kinds: tuple[str, ...]
    true: tuple[str, ...]
    false: tuple[str, ...]


def read_jsonl(path: Path) -> Iterator[dict[str, Any]]:
    """The objects of a JSONL file, gzipped or not. Raises `json.JSONDecodeError`."""
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8") as lines:
        yield from (json.loads(line) for line in lines if line.strip())


def example_of(record: dict[str, Any]) -> Example:
    """One GlanceChat record. Raises `KeyError` or `InputError` where it isn't one."""
    return Example(
        thread=thread_of(record),
        glance=record["glance"],
        summary=record["summary"],
        asks=record["asks"],
        triage=Triage(record["needs_reply"], record["urgency"]),
        drafts=tuple(Draft(r["intent"], r["text"]) for r in record["replies"]),
        persona=record["persona"],
        lang=record["lang"],
    )


def load_examples(files: Iterable[Path]) -> list[Example]:
    """All examples of GlanceChat files, in their order."""
    return [example_of(record) for path in files for record in read_jsonl(path)]


def load_statements(path: Path) -> list[Statements]:
    """A file of hand-written statement pairs (`traps-train.jsonl`)."""
    return [
        Statements(r["id"], tuple(r.get("kinds", ())), tuple(r["true"]), tuple(r["false"]))
        for r in read_jsonl(path)
    ]


def split_glancechat(folder: Path) -> tuple[list[Example], list[Example]]:
    """(training, development) examples of a GlanceChat folder, split by its `splits.json`."""
    development = set(json.loads((folder / "splits.json").read_text())["development"])
    examples = load_examples(sorted(folder.glob("threads-*.jsonl")))
    training = [e for e in examples if e.persona not in development]
    return training, [e for e in examples if e.persona in development]


def open_texts(folder: Path, records_a_set: int) -> Iterator[str]:
    """Message texts of the open training sets, for counting pieces; at most that many records."""
    for path in sorted(folder.glob("*.jsonl.gz")):
        for i, record in enumerate(read_jsonl(path)):
            if i == records_a_set:
                break
            yield from (f" {m['text']}" for m in record.get("thread") or () if m.get("text"))
