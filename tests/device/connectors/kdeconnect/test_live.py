"""The whole flow with a phone: a message on the glass, an answer by consent, a refusal told."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("OpenSSL", reason="the phone of the tests needs pyOpenSSL (extra dev)")
pytest.importorskip("zeroconf", reason="needs the extra kdeconnect")

from device.attention_log import AttentionLog
from device.connectors.kdeconnect import KdeConnect
from device.connectors.kdeconnect_account import Account
from device.connectors.kdeconnect_journal import STATE, Journal
from device.inbox import Inbox
from device.interruptions import Interruptions
from device.outbox import Outbox
from device.settings import Settings
from tests.device.connectors.kdeconnect.people import HOST, connects, trust
from tests.device.connectors.kdeconnect.phone import Phone, free_udp_port, said
from tests.lives import WHOLE, Glass, living


def test_a_notification_is_read_and_answered_and_one_that_went_is_not(tmp_path: Path) -> None:
    account, phone, glass = Account(tmp_path / "kdeconnect"), Phone(), Glass()
    trust(account, phone)
    path = tmp_path / "inbox.sqlite"

    async def read_back(glance: str, **fields: Any) -> None:
        """The phone shows a notification, and an answer to it has been read back."""
        await asyncio.to_thread(phone.post, "1", title="Ben", **fields)
        await glass.until(glance)
        await glass.until(WHOLE)
        glass.say("reply")
        await glass.until("Reply to Ben")
        glass.say("1")
        await glass.until("To Ben?")

    async def talk() -> None:
        journal = Journal(account.folder / STATE)
        connector = KdeConnect(account, journal, host=HOST, port=free_udp_port())
        async with living(path, glass, connector):
            await connects(phone, connector)
            hi = said(("Ben", "coming tonight?"))
            await read_back("1 new: coming tonight?", conversation=hi)
            assert phone.answers == []  # nothing goes out before the wearer's word
            glass.say("send")
            await asyncio.to_thread(phone.serve)
            assert phone.answers == [("1", "yes")]
            await asyncio.to_thread(phone.remove, "1")
            await glass.until("Sent to Ben")

            await read_back("which ones?", text="which ones?")
            await asyncio.to_thread(phone.remove, "1")  # read on the phone meanwhile
            while connector._news._shown:
                await asyncio.sleep(0.01)
            glass.say("send")
            await glass.until("Not sent")
        phone.close()

    asyncio.run(talk())
    assert phone.answers == [("1", "yes")]
    with Inbox(path) as inbox, Outbox(path) as outbox:
        [info] = inbox.threads()
        texts = [m.text for m in inbox.thread("c", info.id).messages]
        assert texts == ["coming tonight?", "yes", "which ones?"]
        assert [entry.text for entry in outbox.entries("refused")] == ["yes"]
        assert [entry.text for entry in outbox.entries("sent")] == ["yes"]


def test_riding_is_said_on_the_phone(tmp_path: Path) -> None:
    account, phone, glass = Account(tmp_path / "kdeconnect"), Phone(), Glass()
    trust(account, phone)
    path = tmp_path / "inbox.sqlite"

    async def talk() -> None:
        journal = Journal(account.folder / STATE)
        connector = KdeConnect(account, journal, host=HOST, port=free_udp_port())
        with AttentionLog(path) as kept:
            attention = Interruptions("c", Settings(), kept)
            async with living(path, glass, connector, interruptions=attention):
                await connects(phone, connector)
                await asyncio.to_thread(phone.send, "kdeconnect.runcommand.request", key="riding")
                await glass.until("You are riding now.")
        assert attention.activity == "riding"
        phone.close()

    asyncio.run(talk())
