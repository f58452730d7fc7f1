"""Threads that make room for others come back from disk as if they had never left."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from device.cli import main
from device.language.cache import ThreadCache
from device.language.llama_engine import LlamaEngine
from device.language.prompt import ThreadPrompt
from device.language.spill import Spill, spill_folder
from device.messages import Message, Thread
from tests.engines import GGUF, GREEDY, go_on

N_CTX, ROOM = 512, 64


def chat(name: str, n: int = 6, start: int = 0) -> Thread:
    lines = (f"{name} asks for {i} chairs" for i in range(start, n))
    return Thread(name, "Wren", tuple(Message("Ben", line) for line in lines), name)


class Desk:
    """A cache on the tiny model, and how many tokens it had to decode."""

    def __init__(self, spill: Spill | None, capacity: int = 2) -> None:
        self.engine = LlamaEngine(GGUF, n_ctx=N_CTX, n_seqs=capacity + 1, threads=1)
        prompt = ThreadPrompt(self.engine.vocabulary)
        self.cache = ThreadCache(
            self.engine, prompt, capacity, ROOM, lambda thread, seq: "chairs", spill
        )
        self.decoded = 0
        decode = self.engine._context.decode

        def counted(rows: list[object]) -> None:
            self.decoded += len(rows)
            decode(rows)  # type: ignore[arg-type]

        self.engine._context.decode = counted  # type: ignore[assignment,method-assign]

    def said(self, thread: Thread) -> list[int]:
        seq = self.cache.sync(thread).seq
        (fork,) = self.engine.fork(seq, 1)
        (said,) = go_on(self.engine, [fork], 8, GREEDY)
        self.engine.close(fork)
        return said

    def cost(self, thread: Thread) -> int:
        before = self.decoded
        self.engine.prefill([self.cache.sync(thread).seq])
        return self.decoded - before


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data/spilled"


def test_a_thread_comes_back_without_being_read_again(folder: Path) -> None:
    desk = Desk(Spill(folder), capacity=1)
    whole = desk.cost(chat("a"))
    desk.cost(chat("b"))
    assert len(list(folder.iterdir())) == 1
    assert desk.cost(chat("a")) == 0
    desk.cost(chat("b"))
    grown = desk.cost(chat("a", 7))
    assert 0 < grown < whole / 2, "its new message alone"
    assert desk.said(chat("a", 7)) == Desk(None).said(chat("a", 7)), "the same words as fresh"


def test_files_are_the_wearers_alone_and_gone_once_used(folder: Path) -> None:
    desk = Desk(Spill(folder), capacity=1)
    desk.cost(chat("a"))
    desk.cost(chat("b"))
    (file,) = folder.iterdir()
    assert file.stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o777 == 0o700
    assert b"asks" not in file.name.encode()
    desk.cost(chat("a"))
    assert file not in set(folder.iterdir())


def test_the_least_recently_used_one_makes_room(folder: Path) -> None:
    desk = Desk(Spill(folder), capacity=2)
    for name in "abac":
        desk.cost(chat(name))
    assert desk.cost(chat("a")) == 0
    assert len(list(folder.iterdir())) == 1, "b, which was not asked for since"


def test_all_together_take_no_more_cells_than_one_of_full_length(folder: Path) -> None:
    desk = Desk(Spill(folder), capacity=4)
    for name in "abcdabcd":
        desk.cost(chat(name, 12))
        held = [desk.engine.tokens(seq) for seq in desk.cache._seqs.values()]
        assert sum(map(len, held)) <= desk.cache.limit
    assert len(held) < 4, "or else the test is too small"
    long = chat("long", 60)
    assert desk.cache.sync(long).tokens <= desk.cache.limit
    assert len(desk.cache._seqs) == 1


@pytest.mark.parametrize("damage", [b"", b"no sequence", None])
def test_a_damaged_file_is_read_anew(folder: Path, damage: bytes | None) -> None:
    desk = Desk(Spill(folder), capacity=1)
    whole = desk.cost(chat("a"))
    desk.cost(chat("b"))
    (file,) = folder.iterdir()
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(bytes(content) if damage is None else damage)
    assert desk.cost(chat("a")) == whole
    assert not file.exists()
    assert desk.said(chat("a")) == Desk(None).said(chat("a"))


def test_a_message_that_was_changed_meanwhile_is_read_as_it_is_now(folder: Path) -> None:
    desk = Desk(Spill(folder), capacity=1)
    before = chat("a")
    desk.cost(before)
    desk.cost(chat("b"))
    taken_back = replace(before, messages=(*before.messages[:3], *before.messages[4:]))
    assert desk.said(taken_back) == Desk(None).said(taken_back)


def test_a_disk_that_takes_nothing_costs_only_time(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("where a folder should be")
    desk = Desk(Spill(tmp_path / "file"), capacity=1)
    whole = desk.cost(chat("a"))
    desk.cost(chat("b"))
    assert desk.cost(chat("a")) == whole


def test_the_folder_stays_within_its_bytes(folder: Path) -> None:
    once = Desk(Spill(folder), capacity=1)
    once.cost(chat("a"))
    once.cost(chat("b"))
    (file,) = folder.iterdir()
    desk = Desk(Spill(folder, most_bytes=int(2.5 * file.stat().st_size)), capacity=1)
    for name in "abcdef":
        desk.cost(chat(name))
    assert len(list(folder.iterdir())) == 2
    assert desk.cost(chat("e")) == 0, "the newest stay"


def test_wiping_the_inbox_wipes_it(capsys: pytest.CaptureFixture[str]) -> None:
    desk = Desk(Spill(spill_folder()), capacity=1)
    desk.cost(chat("a"))
    desk.cost(chat("b"))
    assert list(spill_folder().iterdir())
    assert main(["inbox", "wipe", "--yes"]) == 0
    assert not spill_folder().exists()
    assert main(["inbox", "wipe", "--yes"]) == 0, "nothing there is fine"
