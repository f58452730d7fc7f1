"""A real Chromium, driven by playwright; each test has profiles of its own in it."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest

from device.displays.scene import Scene
from device.displays.web import WebDisplay
from device.figures import Figures, rows

ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream",
]  # fmt: skip


class Wearer:
    """A display and the pages that its wearer has open."""

    def __init__(self, display: WebDisplay, browser: Any):
        self.display = display
        self.said = display.utterances()
        self._browser = browser

    async def page(self, url: str = "", **options: Any) -> Any:
        """A page that is open and live, in a profile of its own."""
        context = await self._browser.new_context(**{"reduced_motion": "reduce"} | options)
        page = await context.new_page()
        page.set_default_timeout(60_000)  # a busy machine is slow
        page.faults = []
        page.on("pageerror", lambda error: page.faults.append(str(error)))
        page.on("dialog", lambda dialog: page.faults.append(f"dialog: {dialog.message}"))
        await page.goto(url or await self.display.open())
        await page.wait_for_selector("[data-state=live]")
        return page

    async def blank(self, url: str) -> Any:
        """A page that is none of the display's."""
        page = await (await self._browser.new_context()).new_page()
        await page.goto(url)
        return page

    async def sees(self, scene: Scene, **options: Any) -> Any:
        """A live page that has drawn `scene`."""
        page = await self.page(**options)
        await self.display.show(scene)
        assert await page.text_content("#title") == scene.title
        return page


@pytest.fixture(scope="package")
def chromium() -> Iterator[tuple[asyncio.Runner, Any]]:
    """A browser and the loop that it lives in; skips where there is no browser."""
    playwright = pytest.importorskip("playwright.async_api", reason="playwright is not installed")
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        pytest.skip("Chromium is not installed, so that nobody would draw the page")
    with asyncio.Runner() as runner:
        driver = runner.run(playwright.async_playwright().start())
        browser = runner.run(driver.chromium.launch(executable_path=path, args=ARGUMENTS))
        yield runner, browser
        runner.run(browser.close())
        runner.run(driver.stop())


@pytest.fixture
def in_chromium(chromium: tuple[asyncio.Runner, Any]) -> InChromium:
    """Runs a test of the page."""
    runner, browser = chromium

    async def whole(test: Test) -> None:
        display = WebDisplay(port=0, status=lambda: rows(Figures("replay").record()))
        try:
            await test(Wearer(display, browser))
        finally:
            await display.close()
            for profile in browser.contexts:
                await profile.close()

    return lambda test: runner.run(whole(test))


Test = Callable[[Wearer], Awaitable[None]]
InChromium = Callable[[Test], None]
