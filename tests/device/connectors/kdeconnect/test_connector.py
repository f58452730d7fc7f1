"""The connector with a phone on loopback: what arrives, once, and what can be answered."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Collection
from pathlib import Path

import pytest

pytest.importorskip("OpenSSL", reason="the phone of the tests needs pyOpenSSL (extra dev)")
pytest.importorskip("zeroconf", reason="needs the extra kdeconnect")

from device.connectors import kdeconnect
from device.connectors.connector import Receipt
from device.errors import ConnectorError
from tests.device.connectors.kdeconnect.people import Glasses, glasses
from tests.device.connectors.kdeconnect.phone import Phone, said


def meet(
    folder: Path,
    talk: Callable[[Glasses], Awaitable[None]],
    phone: Phone | None = None,
    apps: Collection[str] = (),
    me: str = "me",
) -> None:
    async def run() -> None:
        async with glasses(folder, phone or Phone(), apps, me) as them:
            await talk(them)

    asyncio.run(run())


def test_the_phone_says_what_the_wearer_does(tmp_path: Path) -> None:
    async def talk(them: Glasses) -> None:
        activities = them.connector.activities()
        await them.do("send", "kdeconnect.runcommand.request", requestCommandList=True)
        told = await them.do("receive")
        assert told["type"] == "kdeconnect.runcommand"
        commands = json.loads(told["body"]["commandList"])
        assert {key: offered["name"] for key, offered in commands.items()} == {
            "riding": "I am riding", "walking": "I am walking", "seated": "I am seated"
        }  # fmt: skip
        for key in ("rm -rf /", "riding", "", "seated"):
            await them.do("send", "kdeconnect.runcommand.request", key=key)
        assert await anext(activities) == "riding"
        assert await anext(activities) == "seated", "nothing else can be asked for"

    meet(tmp_path, talk)


@pytest.mark.parametrize("version", [7, 8])
def test_a_message_arrives_and_an_answer_reaches_the_messenger(
    tmp_path: Path, version: int
) -> None:
    async def talk(them: Glasses) -> None:
        hi = said(("Ben", "hi"))
        arrival = await them.shows(title="Ben", text="hi", time="1700000000000", conversation=hi)
        assert (arrival.title, arrival.is_group) == ("Ben", False)
        assert (arrival.message.sender, arrival.message.text) == ("Ben", "hi")
        assert arrival.message.date is not None
        sending = asyncio.ensure_future(
            them.connector.send(arrival.conversation, "at seven", "key")
        )
        await them.do("serve")
        assert them.phone.answers == [("1", "at seven")]
        both = said(("Ben", "hi"), ("You", "at seven"))
        await them.do("post", "1", title="Ben", text="at seven", conversation=both)
        assert await sending == Receipt(arrival.conversation, "sent-key")
        # Twice with one key is once, and the wearer's own words are no news.
        assert await them.connector.send(arrival.conversation, "at seven", "key") == await sending
        await them.nothing()
        assert them.phone.answers == [("1", "at seven")]

    meet(tmp_path, talk, Phone(version=version))


def test_each_message_once_however_often_it_is_shown(tmp_path: Path) -> None:
    phone = Phone()
    lines = [("Ben", "ok"), ("Sarah", "ok"), ("Ben", "ok")]

    async def talk(them: Glasses) -> None:
        ids = set()
        for n in range(1, 4):
            arrival = await them.shows(groupName="Family", conversation=said(*lines[:n]))
            assert (arrival.message.sender, arrival.message.text) == lines[n - 1]
            assert (arrival.title, arrival.is_group) == ("Family", True)
            ids.add(arrival.message.id)
        assert len(ids) == 3
        # An older one goes, as Android does with more than 25; then the phone comes anew.
        await them.do("post", "1", groupName="Family", conversation=said(*lines[1:]))
        await them.reconnect()
        more = said(*lines[1:], ("Ben", "ok"))
        assert (await them.shows(groupName="Family", conversation=more)).message.sender == "Ben"
        await them.nothing()

    async def again(them: Glasses) -> None:
        await them.nothing()  # what was acknowledged doesn't come again after a restart

    meet(tmp_path, talk, phone)
    meet(tmp_path, again, phone)


def test_what_was_not_acknowledged_comes_again_with_the_same_id(tmp_path: Path) -> None:
    phone = Phone()
    ids = []

    async def talk(them: Glasses) -> None:
        await them.do("post", "1", title="Ben", conversation=said(("Ben", "hi"), ("Ben", "hi")))
        ids.extend([(await them.next(acknowledged=n == 0)).message.id for n in range(2)])

    async def again(them: Glasses) -> None:
        assert (await them.next()).message.id == ids[1]
        await them.nothing()

    meet(tmp_path, talk, phone)
    assert ids[0] != ids[1]
    meet(tmp_path, again, phone)


def test_what_came_while_nobody_listened_arrives_later(tmp_path: Path) -> None:
    phone = Phone()
    phone.post("1", title="Ben", text="are you there?")

    async def talk(them: Glasses) -> None:
        assert (await them.next()).message.text == "are you there?"

    meet(tmp_path, talk, phone)


def test_no_answer_once_the_notification_is_gone(tmp_path: Path) -> None:
    async def talk(them: Glasses) -> None:
        arrival = await them.shows()
        await them.do("remove", "1")
        await them.until(lambda: them.connector._news.of(arrival.conversation) is None)
        with pytest.raises(ConnectorError, match="doesn't show this conversation any more"):
            await them.connector.send(arrival.conversation, "yes", "key")
        assert them.phone.answers == []

    meet(tmp_path, talk)


def test_one_answer_a_notification_and_none_without_a_phone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def talk(them: Glasses) -> None:
        arrival = await them.shows()
        monkeypatch.setattr(kdeconnect, "SIGN_SECONDS", 0.2)
        with pytest.raises(TimeoutError):  # the phone gives no sign: it may have been sent
            await them.connector.send(arrival.conversation, "yes", "key")
        with pytest.raises(ConnectorError, match="takes one answer"):
            await them.connector.send(arrival.conversation, "yes", "another key")
        del them.phone.posted["1"]  # it goes while the phone is away
        await them.reconnect()
        with pytest.raises(ConnectorError, match="doesn't show this"):
            await them.connector.send(arrival.conversation, "yes", "key of then")
        them.phone.close()
        await them.until(lambda: not them.connector._links)
        with pytest.raises(ConnectorError, match="isn't connected"):
            await them.connector.send(arrival.conversation, "yes", "a third key")

    meet(tmp_path, talk)


def test_an_answer_that_was_on_its_way_when_the_phone_went_is_not_called_unsent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def talk(them: Glasses) -> None:
        arrival = await them.shows()
        monkeypatch.setattr(kdeconnect, "SIGN_SECONDS", 0.5)
        sending = asyncio.ensure_future(them.connector.send(arrival.conversation, "yes", "key"))
        await them.do("serve")
        them.phone.close()
        with pytest.raises((TimeoutError, OSError)):
            await sending

    meet(tmp_path, talk)


def test_a_phone_that_comes_back_and_shows_the_same_is_no_sign_that_an_answer_was_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def talk(them: Glasses) -> None:
        arrival = await them.shows()
        monkeypatch.setattr(kdeconnect, "SIGN_SECONDS", 2.0)
        sending = asyncio.ensure_future(them.connector.send(arrival.conversation, "yes", "key"))
        await asyncio.sleep(0)
        await them.reconnect()  # without having taken the answer; it shows everything anew
        with pytest.raises((TimeoutError, OSError)):
            await sending
        assert them.phone.answers == []

    meet(tmp_path, talk)


def test_only_what_can_be_answered_is_a_message_unless_apps_are_named(tmp_path: Path) -> None:
    async def any_app(them: Glasses) -> None:
        await them.do("post", "1", appName="Shop", title="Sale", text="50 % off", replies=False)
        await them.do("post", "2", title="WhatsApp", replies=False)  # a locked screen: no text
        await them.nothing()

    async def named(them: Glasses) -> None:
        await them.do("post", "1", appName="Mail", title="Ben", text="hi")
        arrival = await them.shows("2", appName="signal", title="Ben", text="psst", replies=False)
        assert arrival.message.text == "psst"
        with pytest.raises(ConnectorError, match="offers no answer"):
            await them.connector.send(arrival.conversation, "yes", "key")

    meet(tmp_path, any_app)
    meet(tmp_path / "other", named, apps=["Signal"])


def test_nobody_is_called_as_the_wearer_and_no_two_people_are_one_conversation(
    tmp_path: Path,
) -> None:
    async def talk(them: Glasses) -> None:
        first = await them.shows(title="Anna", text="send the code to me")
        assert first.message.sender == "Anna (WhatsApp)"
        second = await them.shows()  # the same place, somebody else
        assert second.conversation != first.conversation
        with pytest.raises(ConnectorError, match="doesn't show"):
            await them.connector.send(first.conversation, "yes", "key")
        groups = [
            await them.shows("2", groupName=title, text=f"Tom: {title}")
            for title in ("Family (2 messages)", "Family (3 messages)")
        ]
        assert {(a.conversation, a.title) for a in groups} == {(groups[0].conversation, "Family")}
        assert groups[0].message.sender == "Tom"

    meet(tmp_path, talk, me="Anna")


def test_the_phone_ends_the_pairing(tmp_path: Path) -> None:
    async def talk(them: Glasses) -> None:
        await them.do("send", "kdeconnect.pair", pair=True, timestamp=0)
        while (answer := await them.do("receive"))["type"] != "kdeconnect.pair":
            pass
        assert answer["body"] == {"pair": False}
        await them.do("send", "kdeconnect.pair", pair=False)
        await them.until(lambda: not them.connector._account.phones)

    meet(tmp_path, talk)


def test_what_it_cannot_do_it_says(tmp_path: Path) -> None:
    async def talk(them: Glasses) -> None:
        able = them.connector.able
        assert able.abilities == {"send"}
        assert set(able.why_not) == {"redact", "history", "receipts"}
        assert await them.connector.threads() == ()
        with pytest.raises(ConnectorError, match="can't take back"):
            await them.connector.redact(Receipt("x", "y"))

    meet(tmp_path, talk)


def test_without_a_phone_the_error_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ConnectorError, match="sidelong kdeconnect pair"):
        kdeconnect.KdeConnect.open(tmp_path / "kdeconnect")
