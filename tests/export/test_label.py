"""Dialogues become a wearer's threads, and of their cards only what passes is kept."""

from __future__ import annotations

import dataclasses
import json
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from device.language.prompt import NOTHING_ASKED
from device.messages import Draft
from export import label
from export.data import ALL, NOBODY, Example, example_of, load_examples
from export.label import LENGTHS, Heard, as_wearer, done_before, labelled
from tests.export.conftest import TINY

NAMES = ["Basil", "Clement", "Orla", "Petra"]


def dialogue(*said: tuple[str, str]) -> Example:
    thread = [{"from": who, "text": text, "ts": None} for who, text in said]
    return example_of({"id": "d", "thread": thread, "license": "CC0-1.0", "source": "here"})


LONG = dialogue(*((f"Person {1 + i % 2}", f"line {i}") for i in range(40)))


def test_somebody_wears_the_glasses() -> None:
    lengths = set()
    for seed in range(60):
        found = as_wearer(LONG, NAMES, random.Random(seed))
        assert found is not None
        thread = found.thread
        lengths.add(len(thread.messages))
        senders = {m.sender for m in thread.messages}
        assert senders <= set(NAMES)
        assert thread.messages[-1].sender != thread.me != NOBODY
        assert all(m.sender != thread.me for m in thread.unread)
        assert 0 <= thread.unread_from < len(thread.messages)
        times = [m.time for m in thread.messages]
        assert all(times)
        assert times == sorted(times)  # type: ignore[type-var]
        assert found.known == frozenset()
        assert found.origin == LONG.origin
    assert min(lengths) >= LENGTHS[0][0]
    assert max(lengths) <= LENGTHS[-1][1]


def test_one_who_speaks_alone_has_a_wearer_to_speak_to() -> None:
    found = as_wearer(dialogue(("User", "set an alarm for 6")), NAMES, random.Random(0))
    assert found is not None
    assert found.thread.messages[0].sender in NAMES
    assert found.thread.me == "Robin"


def test_stand_ins_are_renamed_in_what_is_said() -> None:
    chat = dialogue(("#Person1#", "I am A"), ("#Person2#", "hello #Person1#"))
    for seed in range(20):
        found = as_wearer(chat, NAMES, random.Random(seed))
        assert found is not None
        assert "#" not in "".join(m.text + m.sender for m in found.thread.messages)


def test_letters_are_no_chats() -> None:
    assert as_wearer(dialogue(("Zoe", "word " * 200)), NAMES, random.Random(0)) is None


def test_only_what_passes_is_kept() -> None:
    whole = dialogue(("Zoe", "7 crates came, not 8"), ("Zoe", "sign by 6pm?"))
    example = dataclasses.replace(whole, known=frozenset())
    heard: Heard = {
        "glance": ("7 crates came", True),
        "summary": ("Zoe: sign by 6pm", True),
        "asks": ("whether you can sign by 6pm", False),
        "accept": ("will do", True),
        "decline": ("I'm in Oslo", False),
    }
    kept = labelled(example, heard)
    assert kept is not None
    assert kept.known == ALL - {"triage"}
    assert kept.asks == "whether you can sign by 6pm", "which the device only quotes"
    assert kept.drafts == (Draft("accept", "will do"),)

    half = labelled(example, heard | {"glance": ("9 crates", False), "asks": ("by 9pm?", False)})
    assert half is not None
    assert (half.glance, half.known) == ("", {"summary"})
    quiet = labelled(example, heard | {"asks": (NOTHING_ASKED, True)})
    assert quiet is not None
    assert "asks" in quiet.known
    assert quiet.asks is None
    assert labelled(example, {"glance": ("9 crates", False), "accept": ("ok", True)}) is None


def test_the_command_goes_on_where_it_was(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a made-up line for every thread: the tiny model itself says nothing that passes."""
    said = [{"from": "Zoe", "text": "7 crates came", "ts": None}]
    records = [{"id": f"d{i}", "thread": said, "license": "MIT"} for i in range(6)]
    (data / "d.jsonl").write_text("".join(json.dumps(r) + "\n" for r in records))
    sets = (
        '[[sets]]\nname = "glancechat"\nfiles = "glancechat/threads-*.jsonl"\nuse = "targets"\n'
        'personas = "glancechat/splits.json"\nlicense = "CC-BY-4.0"\n'
        '[[sets]]\nname = "d"\nfiles = "d.jsonl"\nuse = "dialogues"\n'
    )
    (data / "own.toml").write_text("ships = true\n" + sets)

    def watched(self: label.Labeller, examples: list[Example]) -> Iterator[Example]:
        for example in examples:
            found = labelled(example, {"glance": ("7 crates", True)})
            assert found is not None
            yield found

    monkeypatch.setattr(label.Labeller, "__call__", watched)
    out = tmp_path / "work" / "labels.jsonl"
    options = ["--model", str(TINY / "tiny.gguf"), "--data", str(data), "--out", str(out)]
    options += ["--recipe", str(data / "own.toml"), "--together", "1"]

    monkeypatch.setattr("sys.argv", ["label", *options, "--limit", "2"])
    label.main()
    first = out.read_text()
    assert len(first.splitlines()) == 2
    out.write_text(first + '{"id": "d9+0-1", "broken')
    assert len(done_before(out)) == 2

    monkeypatch.setattr("sys.argv", ["label", *options])
    label.main()
    assert out.read_text().startswith(first)
    examples = load_examples([out])
    assert len({e.thread.id for e in examples}) == len(examples) == 6
    assert all("glance" in e.known for e in examples)
    assert all(e.origin.license == "MIT" for e in examples)
