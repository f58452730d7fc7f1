"""What an exam is made of: threads, pairs of statements about them, dialogues with summaries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

from device.errors import InputError
from export.data import Example, load_examples, numbered, split_glancechat


@dataclass(frozen=True, slots=True)
class Pair:
    """A true statement about a thread and its false twin."""

    example: Example
    true: str
    false: str
    kind: str | None = None
    """What was changed, where the file says it."""


def read_split(folder: Path) -> tuple[list[Example], list[Example]]:
    """(training, development) examples of a data folder. Raises `InputError`."""
    if not (folder / "glancechat" / "splits.json").is_file():
        raise InputError(
            "no glancechat/splits.json in it; name the folder of training data", folder
        )
    return split_glancechat(folder / "glancechat")


def read_threads(path: Path) -> list[Example]:
    """Threads of which something is known. Raises `InputError`."""
    examples = [e for e in load_examples([path]) if e.known or e.drafts]
    if not examples:
        raise InputError("no thread in it that says what a person wrote of it", path)
    return examples


def read_summaries(path: Path) -> list[Example]:
    """Dialogues, or threads, with a summary. Raises `InputError`."""
    examples = [e for e in load_examples([path]) if "summary" in e.known]
    if not examples:
        raise InputError("no summary in it", path)
    return examples


def read_pairs(path: Path, examples: Sequence[Example]) -> list[Pair]:
    """The statements of lines {"id", "true": [...], "false": [...]}, the first with the first.

    Where a line has more of the one than of the other, each true one stands against each false one.
    `kinds`, a list as long, may say what was changed. Lines as `sidelong check` takes them that
    don't have both hold no pair. Raises `InputError`, also for a thread not among `examples`.
    """
    by_id = {e.thread.id: e for e in reversed(examples)}  # of two, the first one
    pairs: list[Pair] = []
    for number, record in numbered(path):
        try:
            pairs += _pairs_of(record, by_id)
        except ValueError as error:
            raise InputError(str(error), path, number) from error
    if not pairs:
        raise InputError('no pair in it; a line is {"id", "true": [...], "false": [...]}', path)
    return pairs


def _pairs_of(record: dict[str, Any], by_id: dict[str, Example]) -> list[Pair]:
    """Raises `ValueError` that says what is wrong."""
    name = record.get("id")
    if not isinstance(name, str):
        raise ValueError("no text as id")
    lists = [record.get(key, []) for key in ("true", "false", "kinds")]
    for key, texts in zip(("true", "false", "kinds"), lists, strict=True):
        if not isinstance(texts, list) or not all(isinstance(t, str) and t.strip() for t in texts):
            raise ValueError(f"{key} must be a list of texts")
    if not {"true", "false", "statements"} & record.keys():
        raise ValueError('neither "true" and "false" nor "statements"')
    true, false, kinds = lists
    if not (true and false):
        return []
    if name not in by_id:
        raise ValueError(f"no thread has the id {name!r}")
    if len(true) != len(false):
        return [Pair(by_id[name], *both) for both in product(true, false)]
    if len(kinds) != len(true):
        kinds = [None] * len(true)
    return [Pair(by_id[name], *each) for each in zip(true, false, kinds, strict=True)]
