"""How long a scene takes until it stands on each glass: python -m scripts.display_figures

The texts of the conformance suite (scripts, emoji, floods, one without a space) in every tier, each
shown once on the display itself: Halo on its maker's emulator, the page in Chromium, Frame and G1
up to their radio, which is the wearer's. A table for people, and one line of JSON last.
"""

from __future__ import annotations

import asyncio
import io
import json
import shutil
import statistics
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, redirect_stdout

from halo_emulator import EmulatorBrilliantMsg, HaloEmulator
from playwright.async_api import async_playwright

from device.displays.brilliant import Brilliant
from device.displays.even_g1 import Arm, EvenG1
from device.displays.hud import TerminalHud
from device.displays.profiles import FRAME, HALO
from device.displays.scene import Display, Row, Scene
from device.displays.web import WebDisplay
from tests.device.displays.test_conformance import TEXTS, TIERS


class Nobody:
    """A radio without glasses."""

    async def write(self, arm: Arm, packet: bytes) -> None:
        """Gone."""

    async def send_lua(self, string: str, /, *, await_print: bool = False) -> None:
        """Gone."""

    async def close(self) -> None:
        """Nothing was open."""

    async def disconnect(self) -> None:
        """Nothing was open."""


@asynccontextmanager
async def in_chromium() -> AsyncIterator[Display]:
    """The page, open in a browser."""
    display = WebDisplay(port=0)
    async with async_playwright() as driver:
        browser = await driver.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        page = await browser.new_page()
        await page.goto(await display.open())
        await page.wait_for_selector("[data-state=live]")
        yield display
        await display.close()
        await browser.close()


def scenes() -> Iterator[Scene]:
    """Each text in each tier."""
    for tier in TIERS:
        for name, text in TEXTS.items():
            yield Scene(tier, (Row(text, "quote", "1"),), name, "reply, later")


async def times(display: Display) -> list[float]:
    """Milliseconds of each scene."""
    taken = []
    for scene in scenes():
        started = time.perf_counter()
        await display.show(scene)
        taken.append((time.perf_counter() - started) * 1000)
    return taken


async def main() -> None:
    figures: dict[str, dict[str, float]] = {}

    async def measure(name: str, display: Display) -> None:
        taken = sorted(await times(display))
        p95 = taken[int(0.95 * len(taken))]
        figures[name] = {"p50": round(statistics.median(taken), 1), "p95": round(p95, 1)}

    await measure("terminal", TerminalHud(io.StringIO(), io.StringIO()))
    with redirect_stdout(io.StringIO()):  # it prints its address
        async with in_chromium() as page:
            await measure("browser (Chromium)", page)
    with HaloEmulator(print_handler=lambda text: None) as emulator:
        emulator.connect()
        await measure("Brilliant Halo (emulator)", Brilliant(EmulatorBrilliantMsg(emulator), HALO))
    await measure("Brilliant Frame (no radio)", Brilliant(Nobody(), FRAME))
    await measure("Even G1 (no radio)", EvenG1(Nobody()))
    for name, taken in figures.items():
        print(f"{name:28} median {taken['p50']:6.1f} ms, 95 % {taken['p95']:6.1f} ms")
    print(json.dumps(figures))


if __name__ == "__main__":
    asyncio.run(main())
