"""The connector against a server that misbehaves, limits, or is not there."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from device.connectors import matrix_client
from device.connectors.matrix import MatrixConnector
from device.connectors.matrix_client import client_for
from device.errors import ConnectorError
from tests.device.connectors.matrix.homeserver import (
    ME,
    ROOM,
    FakeHomeserver,
    event,
    faked,
    member,
    message,
    ok,
    texts,
)
from tests.device.connectors.matrix.people import next_arrival


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Every pause that was made, in seconds; none takes any."""
    made: list[float] = []
    sleep = asyncio.sleep

    async def note(seconds: float, result: Any = None) -> None:
        if seconds:
            made.append(seconds)
        await sleep(0)

    monkeypatch.setattr(asyncio, "sleep", note)
    return made


def run(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(work)


@pytest.mark.parametrize(
    ("answer", "wait"),
    [
        (
            web.json_response(
                {"errcode": "M_LIMIT_EXCEEDED", "error": "slower", "retry_after_ms": 2500},
                status=429,
            ),
            2.5,
        ),
        (
            web.json_response(
                {"errcode": "M_LIMIT_EXCEEDED", "error": "slower"},
                status=429,
                headers={"Retry-After": "7"},
            ),
            7.0,
        ),
    ],
)
def test_a_rate_limit_is_waited_for(
    answer: web.Response, wait: float, folder: Path, waits: list[float]
) -> None:
    server = FakeHomeserver()
    server.syncs = [[]]
    limits = 1
    keys = []

    def limit(request: web.Request) -> web.Response | None:
        nonlocal limits
        if "/send/" not in request.path:
            return None
        keys.append(request.path.rpartition("/")[2])
        limits -= 1
        return answer if limits >= 0 else None

    server.answer = limit

    async def talk() -> None:
        async with faked(server, folder) as (connector, _):
            receipt = await connector.send(ROOM, "hello", "the key")
            assert receipt.message_id == "$sent"

    run(talk())
    assert wait in waits
    assert keys == ["the key", "the key"]


def test_a_server_that_limits_for_ever_is_no_endless_wait(folder: Path, waits: list[float]) -> None:
    server = FakeHomeserver()
    server.syncs = [[]]
    server.answer = lambda request: (
        web.json_response(
            {"errcode": "M_LIMIT_EXCEEDED", "error": "slower", "retry_after_ms": 10}, status=429
        )
        if "/send/" in request.path
        else None
    )

    async def talk() -> None:
        async with faked(server, folder) as (connector, _):
            with pytest.raises(ConnectorError, match="the Matrix server says 'slower'"):
                await connector.send(ROOM, "hello", "the key")

    run(talk())


def test_a_server_in_trouble_is_asked_with_the_same_key(folder: Path, waits: list[float]) -> None:
    server = FakeHomeserver()
    server.syncs = [[]]
    keys = []

    def trouble(request: web.Request) -> web.Response | None:
        if "/send/" not in request.path:
            return None
        keys.append(request.path.rpartition("/")[2])
        return web.Response(status=502, text="bad gateway") if len(keys) < 3 else None

    server.answer = trouble

    async def talk() -> None:
        async with faked(server, folder) as (connector, _):
            assert (await connector.send(ROOM, "hello", "k")).message_id == "$sent"
            keys.clear()
            server.answer = lambda request: (
                web.Response(status=502) if "/send/" in request.path else None
            )
            with pytest.raises(TimeoutError):  # not known, so not a ConnectorError
                await connector.send(ROOM, "hello", "k2")

    run(talk())
    assert set(matrix_client.RETRY_SECONDS) <= set(waits)


def test_an_encrypted_room_gets_no_plain_text_whatever_the_server_says(folder: Path) -> None:
    encryption = {"algorithm": "m.megolm.v1.aes-sha2"}
    server = FakeHomeserver()
    server.syncs = [[], [{**event("$e", "m.room.encryption", encryption), "state_key": ""}]]
    server.syncs.append([message("$1", "go")])
    bodies = []

    async def talk() -> None:
        async with faked(server, folder) as (connector, _):
            await texts(connector, "go")
        # After a restart the server leaves the encryption out of the room's state.
        server.syncs.append([message("$2", "again")])
        async with faked(server, folder) as (connector, account):
            await texts(connector, "again")
            assert account.homeserver
            server.answer = note
            await connector.send(ROOM, "secret plan", "k")

    def note(request: web.Request) -> web.Response | None:
        if "/joined_members" in request.path:
            return ok(joined={ME: {}, "@ben:localhost": {}})
        if "/send/" in request.path:
            bodies.append(request.path)
        return None

    run(talk())
    assert bodies
    assert all("m.room.encrypted" in path for path in bodies)


def test_nobody_passes_for_the_wearer(folder: Path) -> None:
    server = FakeHomeserver()
    eve = "@eve:localhost"
    server.state = [member(ME, "Anna"), member(eve, " ANNA ")]
    server.syncs = [
        [],
        [
            message("$1", "I, Anna, agree", eve),
            message("$2", "no", ME),
            event(
                "$3",
                "m.room.redaction",
                {"redacts": "$2"},
                eve,
            ),
        ],
    ]

    async def talk() -> None:
        async with faked(server, folder) as (connector, _):
            arrivals = connector.arrivals()
            false, true = [await next_arrival(arrivals) for _ in range(2)]
            assert false.message.sender == f" ANNA  ({eve})"
            assert true.message.sender == connector.me == "Anna"

    run(talk())


def test_what_was_acknowledged_before_a_restart_is_not_asked_for(folder: Path) -> None:
    server = FakeHomeserver()
    server.syncs = [[], [message("$1", "one"), message("$2", "two")], [message("$3", "three")]]

    async def talk() -> None:
        async with faked(server, folder) as (connector, _):
            arrivals = connector.arrivals()
            first = await next_arrival(arrivals)
            await connector.acknowledge(first)
        server.since.clear()
        async with faked(server, folder) as (connector, _):
            assert await texts(connector, "three") == ["two", "three"]
        assert server.since[0] == "t1"

    run(talk())


def test_a_room_one_is_not_in(folder: Path) -> None:
    server = FakeHomeserver()
    server.syncs = [[]]

    async def talk() -> None:
        async with faked(server, folder) as (connector, _):
            with pytest.raises(ConnectorError, match="you are in no Matrix room !other"):
                await connector.send("!other:localhost", "hello", "k")

    run(talk())


def test_no_server_there(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("device.connectors.matrix.CONNECT_SECONDS", 0.0)
    server = FakeHomeserver()
    server.answer = lambda request: web.Response(status=503)

    async def talk() -> None:
        async with faked(server, folder) as (connector, _):
            with pytest.raises(ConnectorError, match="can't be reached"):
                await connector.send(ROOM, "hello", "k")
            await connector.close()
            await connector.close()
            assert [arrival async for arrival in connector.arrivals()] == []

    run(talk())


def test_keys_that_cannot_be_read(folder: Path) -> None:
    server = FakeHomeserver()

    async def talk() -> None:
        async with faked(server, folder) as (_, account):
            pass
        (folder / "keys.sqlite").write_bytes(b"damaged" * 1000)
        with pytest.raises(ConnectorError, match=r"keys\.sqlite: the keys can't be read"):
            client_for(account, folder)
        with pytest.raises(ConnectorError, match=r"keys\.sqlite: the keys can't be read"):
            MatrixConnector.open(folder)
        (folder / "keys.sqlite").unlink()
        await MatrixConnector.open(folder).close()  # the lock was let go

    run(talk())
