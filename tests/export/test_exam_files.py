"""What an exam is put to: files nobody has seen, and files that are none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from device.errors import InputError
from export.data import example_of
from export.exam_files import read_pairs, read_split, read_summaries, read_threads
from tests.export.conftest import record

EXAMPLES = [example_of(record("a", n)) for n in (2, 3)]


def written(folder: Path, *records: Any) -> Path:
    path = folder / "file.jsonl"
    path.write_text("\n".join(r if isinstance(r, str) else json.dumps(r) for r in records))
    return path


def test_pairs_go_by_place(tmp_path: Path) -> None:
    line = {"id": "a-02", "true": ["A.", "B."], "false": ["a.", "b."], "kinds": ["time", "name"]}
    pairs = read_pairs(written(tmp_path, line), EXAMPLES)
    assert [(p.example.thread.id, p.true, p.false, p.kind) for p in pairs] == [
        ("a-02", "A.", "a.", "time"),
        ("a-02", "B.", "b.", "name"),
    ]


def test_lists_of_other_lengths_and_no_kinds(tmp_path: Path) -> None:
    unequal = {"id": "a-02", "true": ["A."], "false": ["a.", "b."]}
    unsaid = {"id": "a-03", "statements": ["A."]}
    pairs = read_pairs(written(tmp_path, unequal, "", unsaid), EXAMPLES)
    assert [(p.true, p.false, p.kind) for p in pairs] == [("A.", "a.", None), ("A.", "b.", None)]


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("{", ":2: not JSON"),
        ("[1]", ":2: a line must hold one JSON object"),
        ({"true": []}, ":2: no text as id"),
        ({"id": "a-02", "true": [1], "false": []}, ":2: true must be a list of texts"),
        ({"id": "a-02", "true": ["A."], "false": "b"}, ":2: false must be a list of texts"),
        ({"id": "a-02"}, ':2: neither "true" and "false"'),
        ({"id": "b-09", "true": ["A."], "false": ["B."]}, ":2: no thread has the id 'b-09'"),
    ],
)
def test_lines_that_hold_no_statements(tmp_path: Path, line: Any, problem: str) -> None:
    with pytest.raises(InputError, match=f"file.jsonl{problem}"):
        read_pairs(written(tmp_path, "", line), EXAMPLES)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"glance": 3}, "glance must be a text"),
        ({"asks": ["x"]}, "asks must be a text or null"),
        ({"needs_reply": "yes"}, "needs_reply must be true or false"),
        ({"urgency": "urgent"}, "urgency must be one of low, normal, high"),
        ({"replies": ["sure"]}, "replies must be a list of"),
        ({"replies": [{"intent": "shout", "text": "sure"}]}, "replies must be a list of"),
        ({"messages": []}, "messages is empty"),
    ],
)
def test_targets_of_another_type(tmp_path: Path, changes: dict[str, Any], problem: str) -> None:
    with pytest.raises(InputError, match=f"file.jsonl:1: {problem}"):
        read_threads(written(tmp_path, record("a", 2) | changes))


def test_nothing_to_examine_on(tmp_path: Path) -> None:
    bare = {"id": "t", "me": "Anna", "messages": [{"from": "Ben", "text": "hi"}]}
    with pytest.raises(InputError, match="no thread in it that says"):
        read_threads(written(tmp_path, bare))
    with pytest.raises(InputError, match="no summary in it"):
        read_summaries(written(tmp_path, bare))
    with pytest.raises(InputError, match="no pair in it"):
        read_pairs(written(tmp_path, ""), EXAMPLES)
    with pytest.raises(InputError, match="there is no such file"):
        read_threads(tmp_path / "none.jsonl")
    with pytest.raises(InputError, match=r"no glancechat/splits.json in it"):
        read_split(tmp_path)
    (tmp_path / "broken.jsonl.gz").write_bytes(b"no gzip")
    with pytest.raises(InputError, match="can't be read behind line 0"):
        read_summaries(tmp_path / "broken.jsonl.gz")
