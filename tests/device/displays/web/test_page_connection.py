"""A display that stops, a wire that is cut: the page says so, and comes back by itself."""

from __future__ import annotations

import asyncio
from urllib.parse import urlsplit

from device.displays.web import WebDisplay
from tests.device.displays.web.conftest import InChromium, Wearer
from tests.device.displays.web.scenes import DRAFTS, GLANCE, texts, told


def test_a_page_outlives_the_display_and_finds_the_next(in_chromium: InChromium) -> None:
    async def test(wearer: Wearer) -> None:
        page = await wearer.sees(GLANCE)
        port = urlsplit(await wearer.display.open()).port
        await wearer.display.close()
        await told(page, "#state", "Sidelong has stopped")
        assert await texts(page, "#rows li") == await texts(page, ".bubble") == []
        await page.keyboard.type("kept")
        await page.keyboard.press("Enter")
        assert await page.input_value("#utterance") == "kept"
        again = WebDisplay(port=port or 0)
        try:
            await again.show(DRAFTS)
            await told(page, "#title", "Reply to Ben")
            await told(page, "#state", "Live")
            await page.keyboard.press("Enter")
            assert await anext(again.utterances()) == "kept"
        finally:
            await again.close()

    in_chromium(test)


def test_a_lost_connection_is_seen_and_comes_back(in_chromium: InChromium) -> None:
    wires: list[asyncio.StreamWriter] = []

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(2**16):
            writer.write(data)
        writer.close()

    async def test(wearer: Wearer) -> None:
        parts = urlsplit(await wearer.display.open())

        async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            back, out = await asyncio.open_connection("127.0.0.1", parts.port)
            wires.append(writer)
            await asyncio.gather(pump(reader, out), pump(back, writer), return_exceptions=True)

        async with await asyncio.start_server(relay, "127.0.0.1", 0) as cable:
            port = cable.sockets[0].getsockname()[1]
            page = await wearer.page(f"http://127.0.0.1:{port}{parts.path}")
            await wearer.display.show(GLANCE)
            await page.evaluate(
                "() => new MutationObserver(() => (window.seen ??= []).push("
                "document.body.dataset.state)).observe(document.body, {attributes: true})"
            )
            for wire in wires:
                wire.transport.abort()
            await page.wait_for_function("() => window.seen?.join() === 'lost,live'")
            assert await texts(page, "#rows .text") == ["Ben asks for 3 chairs."]

    in_chromium(test)
