"""A display that is all of them at once, and looks whether what they show is clean.

Each scene goes to the terminal HUD, to the web display over a real websocket, and to the fitting of
every profile.
"""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, redirect_stdout
from typing import Any

from wcwidth import wcswidth
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Origin

from device.displays.fit import fit
from device.displays.hud import TerminalHud
from device.displays.profiles import PROFILES, TERMINAL, terminal
from device.displays.scene import Scene
from device.displays.web import WebDisplay
from tests.conformance import controls, fits, is_clean, is_marked
from tests.lives import Glass

GLASSES = (*PROFILES, terminal(40, 12))
TRUST = frozenset("◇❝")
"""Signs that only Sidelong may draw."""


class Watching(Glass):
    """What the wearer looks at; `dirty` says what was wrong with it."""

    def __init__(self, web: WebDisplay, page: ClientConnection):
        super().__init__()
        self.dirty: list[str] = []
        self._web = web
        self._page = page
        self._terminal = io.StringIO()
        self._hud = TerminalHud(io.StringIO(), self._terminal)

    async def show(self, scene: Scene) -> None:
        for profile in GLASSES:
            pages = fit(scene, profile)
            if not fits(pages, scene.tier, profile):
                self.dirty.append(f"{profile.name}: overflows")
            if not is_clean(pages):
                self.dirty.append(f"{profile.name}: controls")
            if scene.rows and not is_marked(pages, scene, profile):
                self.dirty.append(f"{profile.name}: a line without its mark")
        await self._hud.show(scene)
        self._look_at_terminal()
        await self._look_at_page(scene)
        await super().show(scene)

    def _look_at_terminal(self) -> None:
        lines = self._terminal.getvalue().split("\n")
        self._terminal.seek(0)
        self._terminal.truncate()
        if any(controls(line) for line in lines):
            self.dirty.append("hud: controls")
        if any(wcswidth(line) > TERMINAL.width for line in lines):
            self.dirty.append("hud: overflows")

    async def _look_at_page(self, scene: Scene) -> None:
        showing = asyncio.create_task(self._web.show(scene))
        frame = await self._page.recv()
        await self._page.send(json.dumps({"drawn": json.loads(frame)["number"]}))
        await showing
        for text in _texts(json.loads(frame)["scene"]):
            # The browser draws what no font has as a box; it must not act on anything.
            if controls(text) - {"Co", "Cn"}:
                self.dirty.append("web: controls")
            if TRUST & set(text):
                self.dirty.append("web: a mark in a text")


@asynccontextmanager
async def watching() -> AsyncIterator[Watching]:
    """With a page open."""
    web = WebDisplay(port=0, token="hostile-" * 5)
    try:
        with redirect_stdout(io.StringIO()):  # it prints its address
            url = await web.open()
        origin = Origin(url.removesuffix("/hostile-" + "hostile-" * 4 + "/"))
        async with connect(
            f"{url.replace('http', 'ws', 1)}live", origin=origin, proxy=None, max_size=None
        ) as page:
            await page.recv()
            yield Watching(web, page)
    finally:
        await web.close()


def _texts(part: Any) -> Iterator[str]:
    """All strings of a record."""
    if isinstance(part, str):
        yield part
    elif isinstance(part, dict):
        for value in part.values():
            yield from _texts(value)
    elif isinstance(part, list):
        for value in part:
            yield from _texts(value)
