"""Brilliant's Halo on its maker's emulator, which runs the real Lua; Frame's commands beside it."""

from __future__ import annotations

import asyncio
import math
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from halo_emulator import EmulatorBrilliantMsg, HaloEmulator
from numpy.typing import NDArray

from device.displays.brilliant import COLOURS, Brilliant
from device.displays.profiles import FRAME, HALO
from device.displays.scene import Row, Scene
from device.errors import DisplayError
from tests.device.displays.test_conformance import TEXTS

CARD = Scene(
    "card",
    (Row("see you at 9:30", "model", "1"), Row("bring chairs", "quote"), Row("sent", "notice")),
    "Ben",
    "1, later",
)
DARK = Scene("card", ())


@pytest.fixture
def emulator() -> Iterator[HaloEmulator]:
    with HaloEmulator(print_handler=None) as emulator:
        emulator.connect()
        yield emulator


def picture(emulator: HaloEmulator) -> NDArray[np.uint8]:
    """The framebuffer: rows, columns, RGB."""
    return np.asarray(emulator.get_framebuffer().convert("RGB"))


def shown(emulator: HaloEmulator, *scenes: Scene) -> NDArray[np.uint8]:
    """What stands on the canvas after the scenes."""

    async def show() -> None:
        glass = Brilliant(EmulatorBrilliantMsg(emulator))
        for scene in scenes:
            await glass.show(scene)

    asyncio.run(show())
    return picture(emulator)


def test_each_line_is_lit_in_its_colour(emulator: HaloEmulator) -> None:
    lit = shown(emulator, CARD)
    for number, kind in enumerate(("title", "model", "quote", "notice", "hint")):
        top = (256 - 5 * HALO.line_height) // 2 + number * HALO.line_height
        line = lit[top : top + HALO.line_height].reshape(-1, 3)
        colours = {tuple(map(int, c)) for c in line if c.any()}
        assert colours == {tuple(COLOURS[kind].to_bytes(3, "big"))}  # type: ignore[index]


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize("tier", ["glance", "card", "reader"])
def test_all_that_is_lit_is_seen_through_the_round_lens(
    emulator: HaloEmulator, tier: Any, name: str
) -> None:
    lit = shown(emulator, Scene(tier, (Row(TEXTS[name] or "-", "quote"),), TEXTS[name], "later"))
    points = np.argwhere(lit.any(axis=2))
    assert len(points)
    assert max(math.hypot(x - 127.5, y - 127.5) for y, x in points) <= 128


def test_a_scene_replaces_the_one_before(emulator: HaloEmulator) -> None:
    glance = Scene("glance", (Row("ok", "model"),))
    assert (shown(emulator, CARD, glance) == shown(emulator, glance)).all()
    assert not shown(emulator, CARD, DARK).any()


def test_a_text_is_no_lua(emulator: HaloEmulator) -> None:
    attack = '"..error("ran").."\\"..error("ran")--'
    assert shown(emulator, Scene("card", (Row(attack, "quote"),))).any()


def test_closing_darkens(emulator: HaloEmulator) -> None:
    async def close() -> None:
        glass = Brilliant(EmulatorBrilliantMsg(emulator))
        await glass.show(CARD)
        await glass.close()

    asyncio.run(close())
    assert not picture(emulator).any()


class Recorder:
    """A link that keeps what is run, or fails."""

    def __init__(self, fails: bool = False):
        self.run: list[str] = []
        self.fails = fails

    async def send_lua(self, string: str, /, *, await_print: bool = False) -> None:
        if self.fails:
            raise ConnectionError("Not connected to a device")
        assert await_print == ("print" in string)
        self.run.append(string)

    async def disconnect(self) -> None:
        self.run.append("disconnected")


def test_frame_draws_unseen_and_then_shows() -> None:
    link = Recorder()

    async def show() -> None:
        glass = Brilliant(link, FRAME)
        await glass.show(Scene("glance", (Row("Zoë: ok", "model"),)))
        await glass.show(DARK)
        await glass.close()

    asyncio.run(show())
    dark = ['frame.display.bitmap(1,1,4,2,15,"\\xFF")', "frame.display.show();print(0)"]
    assert link.run == [
        "frame.display.power_save(false)",
        'frame.display.text("<> Zoë: ok",1,171)',
        "frame.display.show();print(0)",
        *dark,
        *dark,
        "disconnected",
    ]


@pytest.mark.parametrize("profile", [HALO, FRAME], ids=lambda p: p.name)
def test_a_command_fits_a_packet(profile: Any) -> None:
    """The smaller of the two, Frame's, holds some 240 bytes."""
    link = Recorder()
    rows = tuple(Row(text * 200, "quote") for text in ('"', "i\\", "ì", "'", TEXTS["mixed"]))
    asyncio.run(Brilliant(link, profile).show(Scene("reader", rows, '"' * 300, "\\" * 300)))
    assert max(len(command.encode()) for command in link.run) <= 236


def test_it_says_what_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DisplayError, match="Halo: the glasses don't answer"):
        asyncio.run(Brilliant(Recorder(fails=True)).show(CARD))
    monkeypatch.setitem(sys.modules, "brilliant_ble", None)
    with pytest.raises(DisplayError, match="pip install brilliant-ble"):
        asyncio.run(Brilliant.connect())
