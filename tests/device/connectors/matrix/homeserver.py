"""A homeserver that says what a test tells it to, for what a real one can't be made to say."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiohttp import web

from device.connectors.matrix import MatrixConnector
from device.connectors.matrix_account import Account, save_account
from tests.device.connectors.matrix.people import next_arrival

ME = "@anna:localhost"
ROOM = "!room:localhost"

Answer = Callable[[web.Request], web.Response | None]


def ok(**body: Any) -> web.Response:
    return web.json_response(body)


def message(id: str, text: str, sender: str = "@ben:localhost") -> dict[str, Any]:
    return event(id, "m.room.message", {"msgtype": "m.text", "body": text}, sender)


def event(id: str, kind: str, content: object, sender: str = "@ben:localhost") -> dict[str, Any]:
    stamp = 1_750_000_000_000
    return {
        "event_id": id, "type": kind, "content": content, "sender": sender,
        "origin_server_ts": stamp,
    }  # fmt: skip


def member(user: str, name: str) -> dict[str, Any]:
    content = {"membership": "join", "displayname": name}
    return {**event(f"$member-{user}", "m.room.member", content, user), "state_key": user}


class FakeHomeserver:
    """Answers syncs from `syncs`, one after another, and everything else as if all were well."""

    def __init__(self) -> None:
        self.syncs: list[Any] = []
        """Timelines of one room, or whole bodies. The first is asked for at login."""
        self.state: list[Any] = [member(ME, "Anna"), member("@ben:localhost", "Ben")]
        self.answer: Answer = lambda request: None
        """What answers before the rest does."""
        self.seen: list[str] = []
        """"METHOD path", of every request but syncs."""
        self.since: list[str | None] = []

    async def sync(self, request: web.Request) -> web.Response:
        since = request.query.get("since")
        self.since.append(since)
        number = int(since.removeprefix("t")) if since else 0
        if number >= len(self.syncs):
            await asyncio.Event().wait()  # no news, until the client goes away
        body = self.syncs[number]
        if isinstance(body, list):
            room = {"timeline": {"events": body}, "state": {"events": self.state}}
            body = {"rooms": {"join": {ROOM: room}}}
        return ok(**{"next_batch": f"t{number + 1}", **body})

    async def handle(self, request: web.Request) -> web.Response:
        path = request.path.removeprefix("/_matrix/client/v3/")
        if (said := self.answer(request)) is not None:
            return said
        if path == "sync":
            return await self.sync(request)
        self.seen.append(f"{request.method} {path}")
        if path == "keys/upload":
            return ok(one_time_key_counts={"signed_curve25519": 50})
        if path == "keys/query":
            return ok(device_keys={}, failures={})
        if "/send/" in path or "/redact/" in path:
            return ok(event_id="$sent")
        return ok()


@asynccontextmanager
async def faked(
    server: FakeHomeserver, folder: Path
) -> AsyncIterator[tuple[MatrixConnector, Account]]:
    """A connector of Anna's, logged in at `server`."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", server.handle)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    address = runner.addresses[0]
    url = f"http://{address[0]}:{address[1]}"
    account = Account(url, ME, "GLASSES", "secret token", "Anna", "pickle")
    save_account(folder, account)
    connector = MatrixConnector.open(folder)
    try:
        yield connector, account
    finally:
        await connector.close()
        await runner.cleanup()


async def texts(connector: MatrixConnector, until: str) -> list[str]:
    """What arrives up to a text."""
    found: list[str] = []
    arrivals = connector.arrivals()
    while not found or found[-1] != until:
        found.append((await next_arrival(arrivals)).message.text)
    return found
