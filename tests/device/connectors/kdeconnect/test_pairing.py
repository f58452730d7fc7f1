"""Pairing, either side asking, on loopback."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("OpenSSL", reason="the phone of the tests needs pyOpenSSL (extra dev)")
pytest.importorskip("zeroconf", reason="needs the extra kdeconnect")

from device.connectors import kdeconnect_pairing
from device.connectors.kdeconnect_account import Account
from device.connectors.kdeconnect_account import Phone as Paired
from device.connectors.kdeconnect_pairing import pair
from device.errors import ConnectorError
from tests.device.connectors.kdeconnect.people import HOST, Wearer, on_lan
from tests.device.connectors.kdeconnect.phone import Phone


def met(
    account: Account, phone: Phone, wearer: Wearer, does: Callable[[], Any]
) -> tuple[Paired | None, Any]:
    """The phone connects and `does` something, in a thread; what came of it on both sides."""

    async def run() -> tuple[Paired | None, Any]:
        async with on_lan(account) as lan:
            await asyncio.to_thread(phone.connect, HOST, lan.tcp_port)
            link = await anext(lan.links())
            try:
                doing = asyncio.create_task(asyncio.to_thread(does))
                paired = await pair(link, account, wearer)
                return paired, await doing
            finally:
                await link.closed()
                await asyncio.gather(doing, return_exceptions=True)

    try:
        return asyncio.run(run())
    finally:
        phone.close()


@pytest.mark.parametrize("version", [7, 8])
def test_sidelong_asks(tmp_path: Path, version: int) -> None:
    account, phone, wearer = Account(tmp_path), Phone(version=version), Wearer()

    def agree() -> str:
        asked = phone.receive()
        assert asked["body"]["pair"] is True
        phone.send("kdeconnect.pair", pair=True)
        return phone.verification_key(asked["body"]["timestamp"])

    paired, key = met(account, phone, wearer, agree)
    assert paired is not None
    assert wearer.keys == [key, key]
    assert Account(tmp_path).phones == (paired,)


@pytest.mark.parametrize("version", [7, 8])
def test_the_phone_asks(tmp_path: Path, version: int) -> None:
    account, phone, wearer = Account(tmp_path), Phone(version=version), Wearer()
    wearer.never_wants = True

    def ask() -> str:
        now = int(time.time())
        phone.send("kdeconnect.notification", id="1", text="not yet")  # counts for nothing
        phone.send("kdeconnect.pair", pair=True, timestamp=now)
        assert phone.receive()["body"] == {"pair": True}
        return phone.verification_key(now)

    paired, key = met(account, phone, wearer, ask)
    assert paired is not None
    assert wearer.keys == [key]
    assert Account(tmp_path).phones == (paired,)


def test_another_key_is_not_trusted(tmp_path: Path) -> None:
    account, phone = Account(tmp_path), Phone()

    def agree() -> None:
        phone.receive()
        phone.send("kdeconnect.pair", pair=True)
        assert phone.receive()["body"] == {"pair": False}

    with pytest.raises(ConnectorError, match="stand between"):
        met(account, phone, Wearer(same=False), agree)
    assert Account(tmp_path).phones == ()


def test_the_wearer_says_no_to_who_asks(tmp_path: Path) -> None:
    account, phone, wearer = Account(tmp_path), Phone(), Wearer(same=False)
    wearer.never_wants = True

    def ask() -> Any:
        phone.send("kdeconnect.pair", pair=True, timestamp=int(time.time()))
        return phone.receive()["body"]

    assert met(account, phone, wearer, ask) == (None, {"pair": False})
    assert Account(tmp_path).phones == ()


@pytest.mark.parametrize(
    ("says", "match"),
    [
        (lambda phone: phone.send("kdeconnect.pair", pair=False), "refused"),
        (lambda phone: phone.close(), "no answer"),
        (lambda phone: None, "no answer"),
    ],
)
def test_a_phone_that_refuses_or_goes_or_is_silent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, says: Callable[[Phone], None], match: str
) -> None:
    monkeypatch.setattr(kdeconnect_pairing, "ANSWER_SECONDS", 1.0)
    account, phone = Account(tmp_path), Phone()

    def answer() -> None:
        phone.receive()
        says(phone)

    with pytest.raises(ConnectorError, match=match):
        met(account, phone, Wearer(), answer)
    assert Account(tmp_path).phones == ()


@pytest.mark.parametrize("stamp", [0, None, "now", 2**70, 10**400])
def test_clocks_that_differ(tmp_path: Path, stamp: object) -> None:
    account, phone, wearer = Account(tmp_path), Phone(), Wearer()
    wearer.never_wants = True

    def ask() -> None:
        phone.send("kdeconnect.pair", pair=True, timestamp=stamp)
        assert phone.receive()["body"] == {"pair": False}

    with pytest.raises(ConnectorError, match="clocks"):
        met(account, phone, wearer, ask)
    assert wearer.keys == []
    assert Account(tmp_path).phones == ()


def test_the_phone_thinks_better_of_it_while_the_wearer_looks(tmp_path: Path) -> None:
    account, phone = Account(tmp_path), Phone()

    class Slow(Wearer):
        async def sees_same(self, device: Any, key: str) -> bool:
            await asyncio.to_thread(phone.send, "kdeconnect.pair", pair=False)
            await asyncio.Event().wait()
            return True

    wearer = Slow()
    wearer.never_wants = True

    def ask() -> None:
        phone.send("kdeconnect.pair", pair=True, timestamp=int(time.time()))

    with pytest.raises(ConnectorError, match="doesn't wait"):
        met(account, phone, wearer, ask)
    assert Account(tmp_path).phones == ()
