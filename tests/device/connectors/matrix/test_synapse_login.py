"""Logging in and out of a real Synapse."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from device.connectors.matrix import MatrixConnector
from device.connectors.matrix_account import load_account
from device.connectors.matrix_session import log_in, log_out
from device.errors import ConnectorError
from tests.device.connectors.matrix.people import (
    PASSWORD,
    next_arrival,
    wearer,
)
from tests.synapse import Homeserver

ROOT = Path(__file__).parents[4]


def test_login_by_token_and_its_end(
    homeserver: Homeserver, folder: Path, tmp_path: Path, anna: str
) -> None:
    async def talk() -> None:
        with pytest.raises(ConnectorError, match="login: the Matrix server says"):
            await log_in(folder, anna, "wrong", server=homeserver.url)
        assert not folder.exists()
        first = await log_in(folder, anna, PASSWORD, server=homeserver.url)
        assert {p.stat().st_mode & 0o777 for p in folder.iterdir()} == {0o600}
        assert folder.stat().st_mode & 0o777 == 0o700
        with pytest.raises(ConnectorError, match="set up already"):
            await log_in(folder, anna, PASSWORD, server=homeserver.url)
        # A token whose device another program encrypts with is not taken over.
        with pytest.raises(ConnectorError, match="where another program encrypts"):
            await log_in(tmp_path / "two", anna, first.token, server=homeserver.url, by_token=True)
        connector = MatrixConnector.open(folder)
        with pytest.raises(ConnectorError, match="another Sidelong has this Matrix account open"):
            MatrixConnector.open(folder)
        await connector.close()
        account = load_account(folder)
        assert await log_out(account, folder) is None
        assert list(folder.iterdir()) == []
        with pytest.raises(ConnectorError, match="the Matrix server has ended this login"):
            await log_in(folder, anna, account.token, server=homeserver.url, by_token=True)

    asyncio.run(talk())


def test_a_login_that_the_server_ended_is_told(
    homeserver: Homeserver, folder: Path, anna: str
) -> None:
    async def talk() -> None:
        async with wearer(homeserver, anna, folder) as glasses:
            await glasses.threads()
            await glasses._client.logout()
            glasses._client.access_token = load_account(folder).token
            with pytest.raises(ConnectorError, match="ended this login"):
                await next_arrival(glasses.arrivals())
            with pytest.raises(ConnectorError, match="ended this login"):
                await glasses.send("!room:localhost", "hello", "k")

    asyncio.run(talk())
