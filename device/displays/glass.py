"""What the glasses have in common: a scene is fitted, drawn page by page, and answered."""

from __future__ import annotations

import asyncio
import threading
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import TextIO

from device.displays.fit import Page, fit
from device.displays.profiles import Profile
from device.displays.scene import Scene
from device.errors import DisplayError

DARK = Scene("glance", ())


class Glass(ABC):
    """A `Display` of one profile; how a page gets onto it is each glass's own."""

    def __init__(self, profile: Profile):
        self.profile = profile
        self._scene = DARK
        self._pages = fit(DARK, profile)
        self._number = 0
        self._drawing = asyncio.Lock()
        self._heard: asyncio.Queue[str | None] = asyncio.Queue()
        self._closed = False

    @property
    def page(self) -> Page:
        """What stands on the glass."""
        return self._pages[self._number]

    @property
    def pages(self) -> int:
        """How many pages the scene has; `turn` goes from one to the next."""
        return len(self._pages)

    async def show(self, scene: Scene) -> None:
        """Draw the scene's first page. Raises `DisplayError` when the glass can't be reached."""
        if self._closed:
            raise DisplayError(f"{self.profile.name}: the display was closed; start again")
        async with self._drawing:
            self._scene, self._number = scene, 0
            self._pages = fit(scene, self.profile)
            await self._draw(self.page)

    async def turn(self, pages: int) -> bool:
        """Go on by so many pages, back where negative. False where there is none to go to."""
        async with self._drawing:
            if self._closed or not 0 <= self._number + pages < self.pages:
                return False
            self._number += pages
            await self._draw(self.page)
            return True

    def hear(self, utterance: str) -> None:
        """Pass on what the wearer said, typed, or meant by a touch."""
        self._heard.put_nowait(utterance)

    def hear_lines(self, source: TextIO, at_end: Callable[[], None] = lambda: None) -> None:
        """Hear each line of a keyboard or a pipe from now on; `at_end` is called when it ends."""
        loop = asyncio.get_running_loop()

        def read() -> None:
            with suppress(RuntimeError):  # the loop has ended, and with it everybody who listened
                for line in source:
                    if line.strip():
                        loop.call_soon_threadsafe(self.hear, line.strip())
                loop.call_soon_threadsafe(at_end)

        # A thread of its own, since not every file can be waited for.
        threading.Thread(target=read, daemon=True).start()

    async def utterances(self) -> AsyncIterator[str]:
        """What was heard, in its order; ends when the display is closed."""
        while (utterance := await self._heard.get()) is not None:
            yield utterance

    async def close(self) -> None:
        """Darken the glass and let it go. The second call does nothing."""
        if self._closed:
            return
        self._closed = True
        self._heard.put_nowait(None)
        async with self._drawing:
            await self._let_go()

    @abstractmethod
    async def _draw(self, page: Page) -> None:
        """Put a page in place of what is there. Raises `DisplayError`."""

    @abstractmethod
    async def _let_go(self) -> None:
        """Darken the glass and disconnect."""
