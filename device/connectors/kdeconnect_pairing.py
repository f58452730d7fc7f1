"""Pairing with a phone: both sides show the same eight characters, and a person compares them.

Either side asks. What is trusted afterwards is the certificate that the connection was made with;
the characters are a hash of both devices' keys, so that they differ where somebody stands between.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Protocol

from device.connectors.kdeconnect_account import Account, Phone, public_key
from device.connectors.kdeconnect_link import Link
from device.connectors.kdeconnect_packets import PAIR, Identity, Packet, verification_key
from device.errors import ConnectorError

ANSWER_SECONDS = 30.0
"""How long a request counts, by convention."""
CLOCKS_SECONDS = 1800
"""By how much the clocks may differ; so old may a request be."""


class Person(Protocol):
    """The wearer, who decides."""

    async def wants(self, device: Identity) -> bool:
        """Whether to ask that device to pair."""

    async def shown(self, device: Identity, key: str) -> None:
        """The device was asked and shows `key`, if nobody stands between."""

    async def sees_same(self, device: Identity, key: str) -> bool:
        """Whether the device's own screen shows `key`."""


async def pair(link: Link, account: Account, person: Person) -> Phone | None:
    """Pair with the device at the other end; None where the wearer doesn't want it.

    Raises `ConnectorError` where it didn't come to that: refused, too late, gone, other clocks.
    """
    packets = link.packets()
    wanted = asyncio.ensure_future(person.wants(link.identity))
    said = asyncio.ensure_future(_next(packets))
    try:
        await asyncio.wait((wanted, said), return_when=asyncio.FIRST_COMPLETED)
        if said.done():  # the phone was quicker
            wanted.cancel()
            await asyncio.gather(wanted, return_exceptions=True)
            return await _answered(link, account, person, said.result(), packets)
        if not wanted.result():
            return None
        return await _requested(link, account, person, said)
    except (OSError, TimeoutError) as error:
        raise ConnectorError(f"{_named(link)} gave no answer in time; try again") from error
    finally:
        for task in (wanted, said):
            task.cancel()
        await asyncio.gather(wanted, said, return_exceptions=True)


async def _requested(
    link: Link, account: Account, person: Person, said: asyncio.Future[Packet]
) -> Phone:
    """Ask the phone; then the wearer, whether it really was that phone that agreed."""
    now = int(time.time())
    key = _key(link, account, now)
    await link.send(PAIR, pair=True, timestamp=now)
    await person.shown(link.identity, key)
    async with asyncio.timeout(ANSWER_SECONDS):
        answer = await said
    if not answer.says("pair"):
        raise ConnectorError(f"{_named(link)} refused")
    if not await person.sees_same(link.identity, key):
        await link.send(PAIR, pair=False)
        raise ConnectorError("not paired: somebody may stand between the two devices")
    return account.add(link.identity, link.der, link.address)


async def _answered(
    link: Link, account: Account, person: Person, asked: Packet, packets: AsyncIterator[Packet]
) -> Phone | None:
    """The phone asked: the wearer compares, and agrees or not."""
    if not asked.says("pair"):
        raise ConnectorError(f"{_named(link)} thought better of it")
    stamp = asked.whole("timestamp")
    if link.identity.version >= 8 and abs(stamp - time.time()) > CLOCKS_SECONDS:
        await link.send(PAIR, pair=False)
        raise ConnectorError(f"the clocks of {_named(link)} and this device differ; set them")
    same = asyncio.ensure_future(person.sees_same(link.identity, _key(link, account, stamp)))
    gone = asyncio.ensure_future(_next(packets))
    try:
        done, _ = await asyncio.wait(
            (same, gone), timeout=ANSWER_SECONDS, return_when=asyncio.FIRST_COMPLETED
        )
        if same not in done:
            if gone not in done:
                await link.send(PAIR, pair=False)
            raise ConnectorError(f"{_named(link)} doesn't wait any more; ask again")
        if not same.result():
            await link.send(PAIR, pair=False)
            return None
        phone = account.add(link.identity, link.der, link.address)
        await link.send(PAIR, pair=True)
        return phone
    finally:
        for task in (same, gone):
            task.cancel()
        await asyncio.gather(same, gone, return_exceptions=True)


async def _next(packets: AsyncIterator[Packet]) -> Packet:
    """The next pair packet. Others of a device that isn't paired don't count. Raises
    `ConnectionError` where the device is gone."""
    async for packet in packets:
        if packet.type == PAIR:
            return packet
    raise ConnectionResetError("the device is gone")


def _key(link: Link, account: Account, timestamp: int) -> str:
    own, other = public_key(account.der), public_key(link.der)
    return verification_key(own, other, link.identity.version, timestamp)


def _named(link: Link) -> str:
    return f'"{link.identity.name}"'
