"""Hostile words and hostile pages get nowhere."""

from __future__ import annotations

import asyncio

import pytest

from device.displays.scene import Row, Scene
from device.messages import Message, Thread
from tests.device.displays.web.conftest import InChromium, Wearer
from tests.device.displays.web.scenes import GLANCE, texts

HOSTILE = (
    "<script>alert(1)</script><img src=x onerror=alert(2)>&lt;b&gt; "
    "\x1b[31m\u202eevil\u202c javascript:alert(3)"
)
INERT = "<script>alert(1)</script><img src=x onerror=alert(2)>&lt;b&gt; evil javascript:alert(3)"


def test_hostile_words_are_text_and_nothing_else(in_chromium: InChromium) -> None:
    thread = Thread("x", "Anna", (Message(HOSTILE, HOSTILE),), HOSTILE, is_group=True)
    rows = (Row(HOSTILE, "quote", HOSTILE), Row(HOSTILE, "notice"), Row(HOSTILE, "model", "1"))
    script = (
        "document.body.append(Object.assign(document.createElement('script'), {text: 'x = 1'}))"
    )

    async def test(wearer: Wearer) -> None:
        page = await wearer.page()
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        await wearer.display.show(Scene("card", rows, HOSTILE, HOSTILE, thread))
        for place in ("#title", "#chat-name", ".sender", ".bubble .words", "#rows .text"):
            assert set(await texts(page, place)) == {INERT}, place
        assert await page.locator("main").locator("script, img, a, b, iframe").count() == 0
        assert await page.title() == "Sidelong"
        assert asked == []
        # Even a mistake of the page's own could not make markup of a text.
        for mistake in ("document.body.innerHTML = '<b>'", script):
            with pytest.raises(Exception, match=r"TrustedHTML|TrustedScript"):
                await page.evaluate(f"() => {{ {mistake} }}")
        assert page.faults == []

    in_chromium(test)


def test_the_page_asks_nobody_else(in_chromium: InChromium) -> None:
    async def test(wearer: Wearer) -> None:
        url = await wearer.display.open()
        page = await wearer.sees(GLANCE)
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.on("websocket", lambda live: asked.append(live.url.replace("ws:", "http:")))
        await page.reload()
        await page.wait_for_selector("[data-state=live]")
        assert {link.removeprefix(url) for link in asked} >= {"", "page.css", "page.js", "live"}
        assert all(link.startswith(url) for link in asked)

    in_chromium(test)


def test_another_page_of_the_browser_cannot_connect(in_chromium: InChromium) -> None:
    attempt = """url => new Promise((tell) => {
        const live = new WebSocket(url);
        live.onopen = () => tell("open");
        live.onerror = () => tell("refused");
    })"""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 2\r\n\r\nhi")
        await writer.drain()
        writer.close()

    async def test(wearer: Wearer) -> None:
        address = (await wearer.display.open()).replace("http", "ws") + "live"
        own = await wearer.page()
        assert await own.evaluate(attempt, address) == "open"
        async with await asyncio.start_server(serve, "127.0.0.1", 0) as other:
            port = other.sockets[0].getsockname()[1]
            stranger = await wearer.blank(f"http://127.0.0.1:{port}/")
            assert await stranger.evaluate(attempt, address) == "refused"

    in_chromium(test)
