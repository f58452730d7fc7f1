"""Stand-ins for an open page and for any other program that asks the display."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Origin

from device.displays.web import WebDisplay


def run(test: Callable[[WebDisplay], Awaitable[None]], **options: Any) -> None:
    """`test` with a display of its own on a free port, open and in the end closed."""

    async def whole() -> None:
        display = WebDisplay(**{"port": 0} | options)
        await display.open()
        try:
            await test(display)
        finally:
            await display.close()

    asyncio.run(whole())


@asynccontextmanager
async def page(url: str, origin: str | None = "") -> AsyncIterator[ClientConnection]:
    """What an open page is to the display: a websocket from the page's own origin."""
    parts = urlsplit(url)
    own = f"{parts.scheme}://{parts.netloc}"
    wanted = None if origin is None else Origin(origin or own)
    async with connect(f"ws://{parts.netloc}{parts.path}live", origin=wanted, proxy=None) as live:
        yield live


async def state(live: ClientConnection) -> dict[str, Any]:
    """The next state that the display tells a page."""
    told: dict[str, Any] = json.loads(await live.recv())
    return told


async def drawn(live: ClientConnection) -> dict[str, Any]:
    """The next state, acknowledged."""
    told = await state(live)
    await live.send(json.dumps({"drawn": told["number"]}))
    return told


async def get(url: str, path: str | None = None, host: str | None = None) -> tuple[int, str, str]:
    """Status, headers and body of a plain request, as any program could write it."""
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    asked = parts.path if path is None else path
    writer.write(f"GET {asked} HTTP/1.1\r\nHost: {host or parts.netloc}\r\n\r\n".encode())
    answer = (await reader.read()).decode()
    writer.close()
    head, _, body = answer.partition("\r\n\r\n")
    return int(head.split()[1]), head, body
