"""Records of both kinds become one typed record, and what isn't known stays unknown."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from device.errors import InputError
from export.data import ALL, NOBODY, Origin, example_of, load_examples, record_of
from tests.export.conftest import record

DIALOGUE = {
    "id": "d-1",
    "thread": [
        {"from": "User 1", "text": "is the tap fixed?", "ts": None},
        {"from": "User 2", "text": " ", "ts": None},
        {"from": "User 2", "text": "since noon", "ts": "12:40"},
    ],
    "summary": "The tap is\nfixed.",
    "user": "u7",
    "source": "somewhere@abc",
    "license": "CC-BY-4.0 (text)",
}


def test_a_dialogue() -> None:
    example = example_of(DIALOGUE, Origin("taps"))
    assert [m.text for m in example.thread.messages] == ["is the tap fixed?", "since noon"]
    assert example.thread.me == NOBODY
    assert example.known == {"summary"}
    assert example.summary == "The tap is fixed."
    assert example.persona == "u7"
    assert example.origin == Origin("taps", "CC-BY-4.0 (text)", "somewhere@abc")
    assert example_of(DIALOGUE | {"summary": None}).known == frozenset()


def test_targets_that_a_record_leaves_out_are_not_known() -> None:
    whole = record("a", 3)
    assert example_of(whole).known == ALL
    asks_nothing = example_of(whole | {"asks": None})
    assert asks_nothing.asks is None
    assert asks_nothing.known == ALL
    del whole["asks"], whole["needs_reply"], whole["replies"]
    example = example_of(whole)
    assert example.known == {"glance", "summary"}
    assert example.drafts == ()


def test_a_record_reads_back() -> None:
    example = example_of(record("a", 3), Origin("", "CC0-1.0", "here"))
    assert example_of(record_of(example)) == example


@pytest.mark.parametrize(
    ("license", "ships"),
    [
        ("CC-BY-4.0", True),
        ("MIT (repo); meetings CC-BY-4.0", True),
        ("CC-BY-SA-4.0; posts are public", True),
        ("CC-BY-NC-SA-4.0 (was MIT once)", False),
        ("CC-BY-NC-ND-4.0", False),
        ("summaries CC0-1.0, texts unclear", False),
        ("ODbL-1.0 (database)", False),
        ("no licence in repo", False),
        ("", False),
    ],
)
def test_which_licences_let_a_model_ship(license: str, ships: bool) -> None:
    assert Origin("x", license).ships is ships


@pytest.mark.parametrize("name", ["x.jsonl", "x.jsonl.gz"])
def test_what_is_no_record_says_where(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    opener = gzip.open if name.endswith("gz") else open
    with opener(path, "wt") as out:
        out.write(json.dumps(record("a", 2)) + "\n" + json.dumps({"id": "b", "text": "hm"}) + "\n")
    with pytest.raises(InputError, match=rf"{name}:2: messages must be a list"):
        load_examples([path])
