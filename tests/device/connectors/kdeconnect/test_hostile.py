"""Who is not the phone, and what is no packet."""

from __future__ import annotations

import asyncio
import json
import socket
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pytest.importorskip("OpenSSL", reason="the phone of the tests needs pyOpenSSL (extra dev)")
pytest.importorskip("zeroconf", reason="needs the extra kdeconnect")

from device.connectors.kdeconnect_account import Account
from device.connectors.kdeconnect_journal import STATE, Journal
from device.connectors.kdeconnect_link import Refused, linked
from device.connectors.kdeconnect_news import News
from device.connectors.kdeconnect_notifications import MOST_MESSAGES, notification_of
from device.connectors.kdeconnect_packets import (
    MOST_BYTES,
    MOST_IDENTITY_BYTES,
    NOTIFICATION,
    Packet,
    decode,
    identity_of,
)
from device.errors import ConnectorError
from tests.device.connectors.kdeconnect.people import HOST, glasses, trust
from tests.device.connectors.kdeconnect.phone import Gone, Phone, packet

ANYTHING: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=50),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=20), inner),
    max_leaves=20,
)
FIELDS = [
    *("id", "appName", "title", "text", "groupName", "conversation", "requestReplyId"),
    *("isClearable", "isCancel", "time"),
    *("deviceId", "deviceName", "deviceType", "protocolVersion"),
]
BODIES: Any = st.dictionaries(st.sampled_from(FIELDS) | st.text(max_size=9), ANYTHING, max_size=12)

patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""A slow machine is no fault."""


@patient
@given(st.binary(max_size=300))
def test_any_bytes_are_a_packet_or_none(line: bytes) -> None:
    decoded = decode(line)
    assert decoded is None or isinstance(decoded.body, dict)


def test_a_packet_nested_too_deep_is_none() -> None:
    assert decode(b'{"type": "x", "body": ' + b"[" * 100_000) is None


@patient
@given(BODIES)
def test_any_body_is_a_notification_or_none(body: dict[str, Any]) -> None:
    line = json.dumps({"type": NOTIFICATION, "body": {"id": "1"} | body}).encode()
    decoded = decode(line)
    assert decoded is not None
    found = notification_of(decoded)
    if found is not None:
        assert len(found.lines) <= MOST_MESSAGES
        assert all(line.text and line.sender for line in found.lines)
        found.conversation("x").encode()


@patient
@given(BODIES)
def test_any_body_is_an_identity_by_the_rules_or_none(body: dict[str, Any]) -> None:
    identity = identity_of(Packet("kdeconnect.identity", body))
    if identity is not None:
        assert 32 <= len(identity.device) <= 38
        assert 0 < len(identity.name) <= 32
        assert not any(unicodedata.category(char) in ("Cc", "Cf") for char in identity.name)
        assert identity.version >= 7


MESSAGES = st.lists(st.sampled_from("abc"), max_size=6)


@patient
@given(st.lists(MESSAGES, min_size=1, max_size=5))
def test_windows_on_a_growing_conversation_lose_nothing_and_tell_nothing_twice(
    tmp_path_factory: pytest.TempPathFactory, added: list[list[str]]
) -> None:
    journal = Journal(tmp_path_factory.mktemp("journal") / STATE)
    news = News(journal, ("App",), "me")
    everything: list[str] = []
    told: list[str] = []
    ids: list[str | None] = []
    for more in added:
        everything += more
        items = [{"sender": "Ben", "content": text} for text in everything]
        body = {"id": "1", "appName": "App", "title": "Ben", "conversation": items}
        found = notification_of(Packet(NOTIFICATION, body))
        assert found is not None
        for _ in range(2):  # the second time, it is nothing new
            arrivals = news.take("phone", found)
            told += [arrival.message.text for arrival in arrivals]
            ids += [arrival.message.id for arrival in arrivals]
        for id in ids[-1:]:
            news.acknowledge(str(id))
    journal.close()
    assert told == everything
    assert len(set(ids)) == len(ids)


def connecting(folder: Path, phone: Phone, plain: bytes | None = None, paired: bool = True) -> str:
    """How Sidelong ends it with `phone`; empty where it takes the connection."""
    account = Account(folder)
    if paired and account.phone(phone.device) is None:
        trust(account, phone)

    async def take() -> str:
        with socket.create_server((HOST, 0)) as server:
            server.setblocking(False)
            port = server.getsockname()[1]
            calling = asyncio.create_task(asyncio.to_thread(phone.connect, HOST, port, plain))
            accepted, _ = await asyncio.get_running_loop().sock_accept(server)
            own = packet("kdeconnect.identity", deviceId=account.device, deviceName="Sidelong",
                         deviceType="desktop", protocolVersion=8, incomingCapabilities=[],
                         outgoingCapabilities=[])  # fmt: skip
            try:
                link = await linked(accepted, HOST, account, own, strangers=False)
            except Refused as reason:
                return str(reason)
            finally:
                await asyncio.gather(calling, return_exceptions=True)
            await link.closed()
            return ""

    try:
        return asyncio.run(take())
    finally:
        phone.close()


def test_who_is_not_paired_is_refused_before_anything_is_said(tmp_path: Path) -> None:
    assert connecting(tmp_path, Phone(), paired=False) == "not paired"


def test_a_changed_certificate_is_refused(tmp_path: Path) -> None:
    phone = Phone()
    assert connecting(tmp_path, phone) == ""
    other = Phone(device=phone.device)  # the same id, another key
    assert connecting(tmp_path, other) == "its certificate is not the one that it was paired with"


def test_somebody_elses_certificate_is_refused(tmp_path: Path) -> None:
    phone, thief = Phone(), Phone()
    thief.device = phone.device
    account = Account(tmp_path)
    trust(account, phone)
    assert connecting(tmp_path, thief) == "its certificate is not its own"


def test_an_older_protocol_than_at_pairing_is_refused(tmp_path: Path) -> None:
    phone = Phone()
    assert connecting(tmp_path, phone) == ""
    phone.version = 7
    assert "newer protocol" in connecting(tmp_path, phone)


def test_another_identity_under_encryption_is_refused(tmp_path: Path) -> None:
    phone = Phone()
    trust(Account(tmp_path), phone)
    claimed = phone.identity()
    phone.device = "0" * 32
    assert (
        connecting(tmp_path, phone, claimed, paired=False) == "under encryption it is somebody else"
    )


@pytest.mark.parametrize(
    "plain",
    [
        b"\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"x" * (MOST_IDENTITY_BYTES + 1),
        b'{"type": "kdeconnect.pair", "body": {"pair": true}}\n',
        b'{"type": "kdeconnect.identity", "body": {"deviceId": 1}}\n',
    ],
)
def test_what_is_no_identity_is_refused(tmp_path: Path, plain: bytes) -> None:
    assert "no identity" in connecting(tmp_path, Phone(), plain)


def test_whoever_speaks_on_in_plain_or_means_another_is_refused(tmp_path: Path) -> None:
    phone = Phone()
    assert connecting(tmp_path, phone, phone.identity() + b"x") == "no identity"
    elsewhere = phone.identity(targetDeviceId="f" * 32)
    assert connecting(tmp_path, phone, elsewhere) == "meant for another device"


def test_nonsense_and_giants_are_passed_over_and_the_next_message_arrives(tmp_path: Path) -> None:
    async def run() -> None:
        phone = Phone()
        async with glasses(tmp_path, phone) as them:
            giant = json.dumps("x" * (3 * MOST_BYTES)).encode()
            nonsense = (b"\n", b"{}\n", b"\xff\xfe\n", b"[1]\n", b'{"type": 1, "body": []}\n')
            for line in (giant + b"\n", *nonsense, packet("kdeconnect.mousepad.request", key="x"),
                         packet("kdeconnect.notification", id=7),
                         packet("kdeconnect.notification", id="x", isCancel=True)):  # fmt: skip
                await them.do("write", line)
            arrival = await them.shows(title="Ben", text="still here")
            assert arrival.message.text == "still here"

    asyncio.run(run())


def test_a_stranger_gets_nothing_while_the_phone_goes_on(tmp_path: Path) -> None:
    async def run() -> None:
        async with glasses(tmp_path, Phone()) as them:
            stranger = Phone("Mallory")
            with pytest.raises((Gone, OSError)):
                await asyncio.to_thread(stranger.connect, HOST, them.port)
            assert (await them.shows()).message.text == "hi"

    asyncio.run(run())


def test_one_program_at_a_time(tmp_path: Path) -> None:
    journal = Journal(tmp_path / STATE)
    with pytest.raises(ConnectorError, match="stop it first"):
        Journal(tmp_path / STATE)
    journal.close()
    Journal(tmp_path / STATE).close()


def test_keys_and_state_are_for_the_wearers_eyes_only(tmp_path: Path) -> None:
    account = Account(tmp_path / "kdeconnect")
    trust(account, Phone())
    Journal(account.folder / STATE).close()
    assert account.folder.stat().st_mode & 0o777 == 0o700
    for file in account.folder.iterdir():
        assert file.stat().st_mode & 0o777 == 0o600, file


def test_a_broken_file_of_phones_says_what_to_do(tmp_path: Path) -> None:
    account = Account(tmp_path)
    trust(account, Phone())
    text = (tmp_path / "phones.json").read_text().replace(account.phones[0].device, "0" * 32)
    (tmp_path / "phones.json").write_text(text)
    with pytest.raises(ConnectorError, match=r"phones\.json.*pair again"):
        Account(tmp_path)


def test_the_stranger_takes_no_time_of_others(tmp_path: Path) -> None:
    """Connections that say nothing don't keep the phone out."""

    async def run() -> None:
        async with glasses(tmp_path, Phone()) as them:
            silent = [socket.create_connection((HOST, them.port)) for _ in range(8)]
            await them.reconnect()
            await them.shows()
            for one in silent:
                one.close()

    asyncio.run(run())
