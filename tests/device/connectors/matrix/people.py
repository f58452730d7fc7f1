"""Somebody else on the server, with a client that is nio's own and not ours."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from nio import AsyncClient, AsyncClientConfig
from nio.store import SqliteStore

from device.connectors.connector import Arrival
from device.connectors.matrix import MatrixConnector
from device.connectors.matrix_session import log_in
from tests.synapse import Homeserver

PASSWORD = "correct horse"
WAIT = 60
"""Seconds after which something awaited counts as never coming; nothing takes as long."""


class Friend:
    """Ben, say."""

    def __init__(self, client: AsyncClient):
        self.client = client

    async def sync(self) -> Any:
        """One sync, and what keys need."""
        client = self.client
        response = await client.sync(timeout=500, full_state=not client.next_batch)
        if client.should_upload_keys:
            await client.keys_upload()
        if client.should_query_keys:
            await client.keys_query()
        if client.should_claim_keys:
            await client.keys_claim(client.get_users_for_key_claiming())
        await client.send_to_device_messages()
        return response

    async def room(self, other: str, encrypted: bool, **kwargs: Any) -> str:
        """A new room with `other` invited."""
        state = []
        if encrypted:
            content = {"algorithm": "m.megolm.v1.aes-sha2"}
            state = [{"type": "m.room.encryption", "state_key": "", "content": content}]
        made = await self.client.room_create(invite=[other], initial_state=state, **kwargs)
        await self.sync()
        return str(made.room_id)

    async def say(self, room: str, text: str, **content: Any) -> str:
        """Send a message; its id."""
        return await self.send(room, {"msgtype": "m.text", "body": text, **content})

    async def send(self, room: str, content: dict[str, Any], kind: str = "m.room.message") -> str:
        await self.sync()
        sent = await self.client.room_send(room, kind, content, ignore_unverified_devices=True)
        return str(sent.event_id)

    async def hears(self, room: str, count: int = 1) -> list[Any]:
        """The next messages of others in a room, decrypted."""
        heard: list[Any] = []
        async with asyncio.timeout(WAIT):
            while len(heard) < count:
                joined = (await self.sync()).rooms.join.get(room)
                heard += [
                    event
                    for event in (joined.timeline.events if joined else ())
                    if event.sender != self.client.user_id
                    and event.source["type"] in ("m.room.message", "m.room.encrypted")
                ]
        return heard


@asynccontextmanager
async def friend(server: Homeserver, user: str, folder: Path) -> AsyncIterator[Friend]:
    """Log somebody in with a client of their own."""
    folder.mkdir()
    config = AsyncClientConfig(store=SqliteStore, store_name="keys")
    client = AsyncClient(server.url, user, store_path=str(folder), config=config)
    await client.login(PASSWORD, device_name="phone")
    them = Friend(client)
    await them.sync()
    await client.keys_upload() if client.should_upload_keys else None
    try:
        yield them
    finally:
        await client.close()
        client.store.database.close()


@asynccontextmanager
async def wearer(server: Homeserver, user: str, folder: Path) -> AsyncIterator[MatrixConnector]:
    """Anna with her glasses; logs in where that wasn't done before."""
    if not (folder / "account.json").exists():
        await log_in(folder, user, PASSWORD, server=server.url)
    connector = MatrixConnector.open(folder)
    try:
        yield connector
    finally:
        await connector.close()


async def accept_invitation(connector: MatrixConnector, room: str) -> None:
    """What the wearer does on their phone."""
    await connector._client.join(room)
    await connector._connect()
    async with asyncio.timeout(WAIT):
        while room not in connector._client.rooms:
            await asyncio.sleep(0.05)


@asynccontextmanager
async def meeting(
    server: Homeserver, folder: Path, elsewhere: Path, anna: str, ben: str, encrypted: bool
) -> AsyncIterator[tuple[MatrixConnector, Friend, str]]:
    """Anna with her glasses, Ben, and a new room of his that both are in."""
    async with (
        wearer(server, anna, folder) as glasses,
        friend(server, ben, elsewhere / "ben") as them,
    ):
        room = await them.room(anna, encrypted)
        await accept_invitation(glasses, room)
        yield glasses, them, room


async def next_arrival(arrivals: AsyncIterator[Arrival]) -> Arrival:
    async with asyncio.timeout(WAIT):
        return await anext(arrivals)
