"""What ships is made of what may ship, and nothing that is held out is trained on."""

from __future__ import annotations

import dataclasses
import gzip
import itertools
import json
from pathlib import Path

import pytest

from device.errors import InputError
from device.messages import GLANCE_CHARS
from export.data import ALL
from export.duplicates import twins
from export.recipe import FOLDER, assemble, read_recipe, read_set

RECIPE = """
ships = true
[augment]
renamed = 0.5
[[sets]]
name = "glancechat"
files = "glancechat/threads-*.jsonl"
personas = "glancechat/splits.json"
license = "CC-BY-4.0"
use = "targets"
[[sets]]
name = "meetings"
files = "open/meetings.jsonl.gz"
group = "(.*)-q\\\\d+"
use = "dialogues"
"""


def words(seed: int) -> str:
    """Twelve made-up words that no other seed shares."""
    return " ".join(f"w{seed}x{i}" for i in range(12))


def write(path: Path, records: list[dict[str, object]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with gzip.open(path, "wt") as out:
        out.writelines(json.dumps(r) + "\n" for r in records)


@pytest.fixture
def recipe(data: Path) -> str:
    """A recipe of GlanceChat and a set of forty meetings, three questions about each."""
    write(
        data / "open" / "meetings.jsonl.gz",
        [
            {
                "id": f"m{meeting}-q{question}",
                "thread": [{"from": "A", "text": words(meeting), "ts": None}],
                "license": "CC-BY-4.0",
            }
            for meeting, question in itertools.product(range(40), range(3))
        ],
    )
    path = data / "own.toml"
    path.write_text(RECIPE)
    return str(path)


def test_splits_go_by_conversation(data: Path, recipe: str) -> None:
    room = assemble(read_recipe(recipe), data)
    assert {e.persona for e in room.training} == {"a"}
    held_out = {e.persona for e in room.held_out} - {"b"}
    assert held_out
    assert not held_out & {e.persona for e in room.dialogues}
    assert len(room.dialogues) == 3 * (40 - len(held_out))
    assert room.left_out == []
    again = assemble(read_recipe(recipe), data)
    assert [e.thread.id for e in again.held_out] == [e.thread.id for e in room.held_out]
    assert assemble(read_recipe(recipe), data, dialogues_too=False).dialogues == []


def test_at_most_so_many_records(data: Path, recipe: str) -> None:
    Path(recipe).write_text(RECIPE + "most = 10\n")
    dialogues, held_out = read_set(read_recipe(recipe).sets[1], data)
    assert len(dialogues) + len(held_out) == 10
    assert len({e.persona for e in dialogues}) > 3, "spread over the set"


def test_what_is_nearly_held_out_is_left_out(data: Path, recipe: str) -> None:
    room = assemble(read_recipe(recipe), data)
    [held_out] = itertools.islice((e for e in room.held_out if e.persona != "b"), 1)
    text = held_out.thread.messages[0].text
    extra = data / "labels.jsonl"
    copied = {
        "id": "copied", "me": "Anna", "glance": "x", "license": "CC0-1.0",
        "messages": [{"from": "Zoe", "text": f"{text}, ok?"}],
    }  # fmt: skip
    extra.write_text(json.dumps(copied) + "\n")
    again = assemble(read_recipe(recipe), data, [extra])
    assert again.left_out == [{"set": "extra", "id": "copied", "like": held_out.thread.id}]
    assert again.training == room.training


def test_what_ships_takes_no_licence_that_forbids_it(data: Path, recipe: str) -> None:
    path = data / "open" / "meetings.jsonl.gz"
    said = [{"from": "A", "text": "hello", "ts": None}]
    write(path, [{"id": "m", "thread": said, "license": "CC-BY-NC-4.0"}])
    with pytest.raises(InputError, match=r"ships, but m of meetings has CC-BY-NC-4\.0"):
        assemble(read_recipe(recipe), data)
    Path(recipe).write_text(RECIPE.replace("ships = true", "ships = false"))
    assert assemble(read_recipe(recipe), data).dialogues


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("use =", "used =", "used is nothing a recipe can say here"),
        ('use = "targets"', 'use = "all"', 'use must be "targets" or "dialogues"'),
        ("renamed = 0.5", "renamed = 5", "augment.renamed must be a share from 0 to 1, not 5"),
        ("ships = true", "", "ships must say"),
        ("[augment]", "[augment", "no recipe"),
        ('files = "open/meetings.jsonl.gz"', "", "meetings: .*missing.*files"),
    ],
)
def test_a_recipe_that_is_wrong(recipe: str, old: str, new: str, said: str) -> None:
    Path(recipe).write_text(RECIPE.replace(old, new))
    with pytest.raises(InputError, match=f"own.toml: .*{said}"):
        read_recipe(recipe)


def test_a_set_that_is_missing(data: Path) -> None:
    with pytest.raises(InputError, match="no open/casino"):
        assemble(read_recipe("open"), data)


def test_the_recipes_here() -> None:
    assert {path.stem for path in FOLDER.glob("*.toml")} == {"open", "research"}
    ours, research = read_recipe("open"), read_recipe("research")
    assert ours.ships
    assert not research.ships
    assert research.sets[: len(ours.sets)] == ours.sets
    assert research.augment == ours.augment
    assert [s.name for s in ours.sets if not s.files.startswith(("glancechat/", "open/"))] == [
        "own"
    ]


def test_our_own_threads_teach_and_are_not_held_out(tmp_path: Path) -> None:
    [own] = [s for s in read_recipe("open").sets if s.own]
    training, held_out = read_set(own, tmp_path)
    assert held_out == []
    assert len({e.thread.id for e in training}) == len(training) > 1000
    for e in training:
        assert e.known == ALL
        assert len(e.glance) <= GLANCE_CHARS
        assert len(e.drafts) == (3 if e.triage.needs_reply else 0)
        assert len({d.intent for d in e.drafts}) == len(e.drafts)


def test_nothing_leaks_in_the_real_data(real_data: Path) -> None:
    recipe = read_recipe("open")
    few = tuple(s for s in recipe.sets if s.name in ("glancechat", "casino"))
    room = assemble(dataclasses.replace(recipe, sets=few), real_data)
    assert room.training
    assert room.dialogues
    assert all(e.origin.ships for e in (*room.training, *room.dialogues))
    held_out = {(e.origin.set, e.persona) for e in room.held_out}
    for part in (room.training, room.dialogues):
        assert not held_out & {(e.origin.set, e.persona) for e in part}
        threads = (e.thread for e in part)
        assert not list(twins(threads, [e.thread for e in room.held_out]))
