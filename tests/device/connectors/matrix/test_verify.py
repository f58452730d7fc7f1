"""Verifying a device through a real Synapse, both sides ours; and what a server can do to it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from device.connectors.matrix_account import load_account
from device.connectors.matrix_session import Session, log_in
from device.connectors.matrix_trust import known_devices
from device.connectors.matrix_verify import Verifier
from device.errors import ConnectorError
from tests.device.connectors.matrix.people import PASSWORD, WAIT
from tests.synapse import Homeserver


class Someone:
    """Says what a test tells them to, and notes what they saw."""

    def __init__(self, takes_up: bool = True, same: bool = True):
        self.emoji: list[tuple[str, str]] = []
        self._takes_up = takes_up
        self._same = same

    async def takes_up(self, device: Any) -> bool:
        return self._takes_up

    async def sees_same(self, emoji: list[tuple[str, str]]) -> bool:
        self.emoji = emoji
        return self._same


@asynccontextmanager
async def session(server: Homeserver, user: str, folder: Path) -> AsyncIterator[Session]:
    await log_in(folder, user, PASSWORD, server=server.url)
    opened = Session(load_account(folder), folder)
    try:
        yield opened
    finally:
        await opened.close()


async def verified(asking: Session, asked: Session, answer: Someone, question: Someone) -> Any:
    """One asks the other's device; how each side ended."""
    waiting = asyncio.create_task(Verifier(asked, answer).wait())
    account = asked.account
    asks = Verifier(asking, question).ask(account.user, account.device)
    async with asyncio.timeout(2 * WAIT):
        return await asyncio.gather(asks, waiting, return_exceptions=True)


async def trusts(one: Session, other: Session) -> bool:
    devices = await known_devices(one.client, other.account.user)
    return bool(next(d for d in devices if d.id == other.account.device).verified)


@pytest.mark.parametrize("anna_asks", [True, False])
def test_both_see_the_same_and_trust_each_other(
    homeserver: Homeserver, tmp_path: Path, number: int, anna_asks: bool
) -> None:
    anna, ben = (homeserver.register(f"{name}v{number}") for name in ("anna", "ben"))

    async def talk() -> None:
        async with (
            session(homeserver, anna, tmp_path / "anna") as a,
            session(homeserver, ben, tmp_path / "ben") as b,
        ):
            first, second = (a, b) if anna_asks else (b, a)
            question, answer = Someone(), Someone()
            asked, answered = await verified(first, second, answer, question)
            assert asked.id == second.account.device
            assert answered.id == first.account.device
            assert question.emoji == answer.emoji
            assert len(question.emoji) == 7
            assert await trusts(a, b)
            assert await trusts(b, a)
        # It is still so after a restart.
        again = Session(load_account(tmp_path / "anna"), tmp_path / "anna")
        device = b.account.device
        assert again.client.device_store[ben][device].verified
        await again.close()

    asyncio.run(talk())


def test_who_sees_other_emoji_trusts_nobody(
    homeserver: Homeserver, tmp_path: Path, number: int
) -> None:
    user = homeserver.register(f"annav{number}")

    async def talk() -> None:
        async with (  # two devices of one account
            session(homeserver, user, tmp_path / "glasses") as a,
            session(homeserver, user, tmp_path / "laptop") as b,
        ):
            asked, answered = await verified(a, b, Someone(same=False), Someone())
            for error in (asked, answered):
                assert isinstance(error, ConnectorError)
                assert "the emoji did not match" in str(error)
            assert not await trusts(a, b)
            assert not await trusts(b, a)

    asyncio.run(talk())


def test_a_device_that_is_not_there(homeserver: Homeserver, tmp_path: Path, number: int) -> None:
    user = homeserver.register(f"annav{number}")

    async def talk() -> None:
        async with session(homeserver, user, tmp_path / "glasses") as a:
            with pytest.raises(ConnectorError, match="has no device 'NONE'; there are: none"):
                await Verifier(a, Someone()).ask(user, "NONE")

    asyncio.run(talk())
