"""Who may read what is sent, and what comes without a key: against a real Synapse."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from device.connectors import matrix_news
from device.connectors.matrix_events import UNREADABLE
from device.connectors.matrix_session import log_in
from device.connectors.matrix_trust import known_devices, trust
from device.errors import ConnectorError
from tests.device.connectors.matrix.people import (
    PASSWORD,
    WAIT,
    Friend,
    friend,
    meeting,
    next_arrival,
)
from tests.synapse import Homeserver


def test_a_new_device_of_somebody_known_stops_the_send_until_it_is_trusted(
    homeserver: Homeserver, folder: Path, tmp_path: Path, anna: str, ben: str
) -> None:
    async def talk() -> None:
        async with meeting(homeserver, folder, tmp_path, anna, ben, True) as (glasses, them, room):
            await glasses.send(room, "to the phone", "k1")
            await them.hears(room)
            async with friend(homeserver, ben, tmp_path / "new") as new:
                await known_devices(glasses._client, ben)
                with pytest.raises(ConnectorError, match=f"not sent: {ben} has a new device"):
                    await glasses.send(room, "to whom?", "k2")
                key = new.client.olm.account.identity_keys["ed25519"]
                device = new.client.device_id
                with pytest.raises(ConnectorError, match="not what was given"):
                    await trust(glasses._client, ben, device, key[::-1])
                await trust(glasses._client, ben, device, f"{key[:4]} {key[4:]}")
                await glasses.send(room, "to both", "k3")
                for phone in (them, new):
                    *_, heard = await heard_in(phone, room, "to both")
                    assert heard.body == "to both"

    asyncio.run(talk())


async def heard_in(phone: Friend, room: str, text: str) -> list[Any]:
    """All that a client hears up to `text`."""
    heard: list[Any] = []
    async with asyncio.timeout(WAIT):
        while not heard or getattr(heard[-1], "body", None) != text:
            heard += await phone.hears(room)
    return heard


def test_only_verified_refuses_everybody_else(
    homeserver: Homeserver, folder: Path, tmp_path: Path, anna: str, ben: str
) -> None:
    async def talk() -> None:
        await log_in(folder, anna, PASSWORD, server=homeserver.url, only_verified=True)
        async with meeting(homeserver, folder, tmp_path, anna, ben, True) as (glasses, _, room):
            with pytest.raises(ConnectorError, match="a device that is not verified"):
                await glasses.send(room, "hello", "k")

    asyncio.run(talk())


def test_a_message_without_a_key_is_said_to_be_one_and_replaced_when_the_key_comes(
    homeserver: Homeserver,
    folder: Path,
    tmp_path: Path,
    anna: str,
    ben: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(matrix_news, "KEY_SECONDS", 0.0)

    async def talk() -> None:
        async with meeting(homeserver, folder, tmp_path, anna, ben, True) as (glasses, them, room):
            await them.sync()
            client = them.client
            # The key is made, and nobody gets it.
            client.olm.create_outbound_group_session(room)
            session = client.olm.outbound_group_sessions[room]
            key = session.session_key
            session.shared = True
            said = await them.say(room, "psst")
            arrivals = glasses.arrivals()
            arrival = await next_arrival(arrivals)
            assert (arrival.message.id, arrival.message.text) == (said, UNREADABLE)
            glasses._client.olm.create_group_session(
                client.olm.account.identity_keys["curve25519"],
                client.olm.account.identity_keys["ed25519"],
                room,
                session.id,
                key,
            )
            await them.say(room, "heard?")
            late = await next_arrival(arrivals)
            assert (late.replaces, late.message.text) == (said, "psst")
            assert (await next_arrival(arrivals)).message.text == "heard?"

    asyncio.run(talk())
