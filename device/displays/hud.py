"""The glass in a terminal: a screen of its own where there is one, plain lines on a pipe."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Sequence
from typing import TextIO

from device.displays.fit import Page, fit
from device.displays.glass import Glass
from device.displays.hud_screen import Screen
from device.displays.profiles import TERMINAL, Profile
from device.displays.scene import Scene


class TerminalHud(Glass):
    """A frame on the screen and a line to type in; or, where either end is no terminal, text out
    and an utterance a line in.

    Ctrl-C and Ctrl-D end what is heard, and so does the end of a pipe; `close` gives the screen
    back. Page-up and page-down turn pages.
    """

    def __init__(self, source: TextIO | None = None, target: TextIO | None = None):
        """`source` and `target` stand for standard input and output."""
        super().__init__(TERMINAL)
        source, target = source or sys.stdin, target or sys.stdout
        whole = source.isatty() and target.isatty()
        self._face: Screen | _Lines = Screen(self) if whole else _Lines(self, source, target)

    @property
    def scene(self) -> Scene:
        """What was last shown."""
        return self._scene

    def resize(self, profile: Profile) -> None:
        """Lay the scene out for a terminal of another size, without drawing it."""
        if profile != self.profile:
            self.profile = profile
            self._pages = fit(self._scene, profile)
            self._number = min(self._number, self.pages - 1)

    def hang_up(self) -> None:
        """End what is heard; what is shown stays."""
        self._heard.put_nowait(None)

    async def utterances(self) -> AsyncIterator[str]:
        """What is typed, one utterance a line."""
        self._face.open()
        async for utterance in super().utterances():
            yield utterance

    async def _draw(self, page: Page) -> None:
        await self._face.draw(self._pages)

    async def _let_go(self) -> None:
        await self._face.close()


class _Lines:
    """Pages written one after the other, an empty line behind each."""

    def __init__(self, hud: TerminalHud, source: TextIO, target: TextIO):
        self._hud = hud
        self._source = source
        self._target = target
        self._reads = False

    def open(self) -> None:
        """Begin to read, once."""
        if not self._reads:
            self._reads = True
            self._hud.hear_lines(self._source, self._hud.hang_up)

    async def draw(self, pages: Sequence[Page]) -> None:
        """Write all pages: nobody turns them on a pipe."""
        for page in pages:
            if page.lines:
                print(*(line.text for line in page.lines), "", sep="\n", file=self._target)
        self._target.flush()

    async def close(self) -> None:
        """Nothing to give back; the reader ends with its pipe or with the process."""
