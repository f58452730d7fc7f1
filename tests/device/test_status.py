"""The status of a run: what `sidelong run --status` says."""

from __future__ import annotations

import asyncio
import subprocess

import pytest

from device.card_queue import Written, quoted_card
from device.commands import run
from device.commands.run import status_path
from device.figures import Figures, read_figures, rows
from device.messages import Message, Thread


def test_the_status_says_why_no_glance_was_timed() -> None:
    figures = Figures()
    assert dict(rows(figures.record()))["message to glance"] == "no glance was shown at once yet"
    figures.held = 3
    assert "; 3 waited until you were free" in dict(rows(figures.record()))["message to glance"]
    figures.glance_ms.append(150)
    said = dict(rows(figures.record()))["message to glance"]
    assert said == "median 150 ms, 95 % 150 ms, longest 150 ms"


def test_the_status_of_a_run_that_was_killed() -> None:
    ended = subprocess.Popen(["true"])
    ended.wait()
    record = Figures(started="2026-01-02T03:04").record()
    assert rows(record)[0] == ("running since", "2026-01-02 03:04")
    assert rows(record | {"pid": ended.pid})[0] == (
        "ran",
        "from 2026-01-02 03:04 until it was cut off",
    )


def test_a_glance_whose_card_is_not_whole_yet_is_one_in_all_figures() -> None:
    figures = Figures()
    thread = Thread("t", "Anna", (Message("Ben", "bring 3 chairs?"),))
    figures.wrote(Written(quoted_card(thread), thread, None, "glance"))
    assert (figures.cards, dict(rows(figures.record()))["glances that are quotes"]) == (0, "100%")


def test_the_status_is_that_of_now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "STATUS_SECONDS", 0.01)

    async def test() -> None:
        figures, counted = Figures(), asyncio.Event()
        keeping = asyncio.create_task(run._keep_status(lambda: figures, counted))
        for sent in range(1, 4):
            figures.sent = sent
            counted.set()
            async with asyncio.timeout(30):
                while not status_path().exists() or read_figures(status_path())["sent"] != sent:
                    await asyncio.sleep(0.01)
        keeping.cancel()

    asyncio.run(test())
