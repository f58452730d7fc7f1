"""The wearer with Sidelong, and a phone next to it on loopback."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from device.connectors.connector import Arrival
from device.connectors.kdeconnect import KdeConnect
from device.connectors.kdeconnect_account import Account
from device.connectors.kdeconnect_journal import STATE, Journal
from device.connectors.kdeconnect_lan import Lan
from device.connectors.kdeconnect_packets import Identity
from tests.device.connectors.kdeconnect.phone import Phone, free_udp_port

WAIT = 30
HOST = "127.0.0.1"


class Wearer:
    """Says yes to everything, unless told otherwise."""

    def __init__(self, same: bool = True):
        self.same = same
        self.never_wants = False
        self.keys: list[str] = []

    async def wants(self, device: Identity) -> bool:
        if self.never_wants:
            await asyncio.Event().wait()
        return True

    async def shown(self, device: Identity, key: str) -> None:
        self.keys.append(key)

    async def sees_same(self, device: Identity, key: str) -> bool:
        self.keys.append(key)
        return self.same


@asynccontextmanager
async def on_lan(account: Account) -> AsyncIterator[Lan]:
    """Sidelong, ready to pair."""
    lan = Lan(account, True, host=HOST, port=free_udp_port())
    await lan.start()
    try:
        yield lan
    finally:
        await lan.close()


def trust(account: Account, phone: Phone) -> None:
    """What a pairing leaves behind."""
    identity = Identity(phone.device, phone.name, "phone", phone.version)
    account.add(identity, phone.der, HOST)


async def connects(phone: Phone, connector: KdeConnect) -> None:
    """The phone connects, once Sidelong listens, and shows what it has."""
    async with asyncio.timeout(WAIT):
        while not connector._lan.tcp_port:
            await asyncio.sleep(0.01)
    await asyncio.to_thread(phone.connect, HOST, connector._lan.tcp_port)
    asked = await asyncio.to_thread(phone.serve)
    assert asked["body"] == {"request": True}


class Glasses:
    """A connector at work, and what came."""

    def __init__(self, connector: KdeConnect, phone: Phone):
        self.connector = connector
        self.phone = phone
        self._arrivals = connector.arrivals()

    @property
    def port(self) -> int:
        return self.connector._lan.tcp_port

    async def start(self) -> None:
        """Listen; the phone connects and shows what it has."""
        self._first = asyncio.ensure_future(anext(self._arrivals))
        await self.reconnect()

    async def reconnect(self) -> None:
        await connects(self.phone, self.connector)

    async def next(self, acknowledged: bool = True) -> Arrival:
        """The next message. Raises `TimeoutError`."""
        async with asyncio.timeout(WAIT):
            arrival = await self._first
        self._first = asyncio.ensure_future(anext(self._arrivals))
        if acknowledged:
            await self.connector.acknowledge(arrival)
        return arrival

    async def shows(self, key: str = "1", **fields: Any) -> Arrival:
        """The phone shows a notification, Ben's "hi" unless `fields` say otherwise; what arrives
        next."""
        await self.do("post", key, **fields or {"title": "Ben", "text": "hi"})
        return await self.next()

    async def nothing(self) -> None:
        """Nothing more came: a last message comes next, and is the next that arrives."""
        arrival = await self.shows("last", title="Tom", text="the last")
        assert arrival.message.text == "the last"
        await self.do("remove", "last")
        await self.until(lambda: self.connector._news.of(arrival.conversation) is None)

    async def do(self, what: str, *args: Any, **fields: Any) -> Any:
        """The phone does something, in a thread."""
        return await asyncio.to_thread(lambda: getattr(self.phone, what)(*args, **fields))

    async def until(self, condition: Any) -> None:
        async with asyncio.timeout(WAIT):
            while not condition():
                await asyncio.sleep(0.01)

    async def close(self) -> None:
        self._first.cancel()
        await asyncio.gather(self._first, return_exceptions=True)
        await self.connector.close()


@asynccontextmanager
async def glasses(
    folder: Path, phone: Phone, apps: Collection[str] = (), me: str = "me"
) -> AsyncIterator[Glasses]:
    """Sidelong with a paired phone that is connected."""
    account = Account(folder)
    if account.phone(phone.device) is None:
        trust(account, phone)
    journal = Journal(folder / STATE)
    connector = KdeConnect(account, journal, apps, me, host=HOST, port=free_udp_port())
    them = Glasses(connector, phone)
    try:
        await them.start()
        yield them
    finally:
        phone.close()
        await them.close()
