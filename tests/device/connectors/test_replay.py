"""A replay: history first, then what is new in the order of its times; nothing really leaves."""

from __future__ import annotations

import asyncio
import datetime as dt
from dataclasses import replace
from pathlib import Path

import pytest

from device.connectors import replay
from device.connectors.connector import Arrival
from device.connectors.replay import Replay
from device.consent import Send
from device.dispatch import Dispatch
from device.errors import ConnectorError
from device.inbox import Inbox
from device.intake import Intake
from device.messages import Message, Thread
from device.outbox import Outbox


def at(hour: int, minute: int = 0, day: int | None = None, text: str = "x") -> Message:
    date = None if day is None else dt.date(2025, 3, day)
    return Message("Ben", text, dt.time(hour, minute), date)


def arrivals(*threads: Thread) -> list[Arrival]:
    async def all_of_them() -> list[Arrival]:
        return [arrival async for arrival in Replay(threads, None).arrivals()]

    return asyncio.run(all_of_them())


def pauses(speed: float, *threads: Thread, monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that a replay would wait before each of its messages but the first."""
    waited = []

    async def wait_for(work: object, seconds: float) -> None:
        work.close()  # type: ignore[attr-defined]
        waited.append(seconds)
        raise TimeoutError

    async def through() -> None:
        async for _ in Replay(threads, speed).arrivals():
            pass

    monkeypatch.setattr(replay.asyncio, "wait_for", wait_for)
    asyncio.run(through())
    return waited


BEN = Thread("ben", "Me", (at(9, 0, 1, "old"), at(10, 0, 1, "new"), at(10, 2, 1, "newer")), "Ben")
BEN = replace(BEN, unread_from=1)


def test_history_is_what_was_read_and_the_rest_arrives() -> None:
    (history,) = asyncio.run(Replay([BEN]).threads())
    assert [m.text for m in history.messages] == ["old"]
    assert (history.unread_from, history.title) == (1, "Ben")
    came = arrivals(BEN)
    assert [(a.conversation, a.title, a.message.text) for a in came] == [
        ("ben", "Ben", "new"),
        ("ben", "Ben", "newer"),
    ]
    ids = [m.id for m in history.messages] + [a.message.id for a in came]
    assert len(set(ids)) == 3
    assert None not in ids


def test_conversations_come_in_the_order_of_their_times() -> None:
    anna = Thread("anna", "Me", (at(10, 1, 1, "between"), at(9, 0, 2, "next day")))
    assert [a.message.text for a in arrivals(anna, BEN)] == ["new", "between", "newer", "next day"]


def test_without_dates_an_earlier_time_is_the_next_day() -> None:
    undated = Thread("u", "Me", (at(23, 50), at(0, 10), replace(at(0), time=None), at(9)))
    came = replay._in_order([undated])
    assert [when - came[0][0] for when, _, _ in came] == [
        dt.timedelta(), dt.timedelta(minutes=20), dt.timedelta(minutes=20, seconds=5),
        dt.timedelta(hours=9, minutes=10),
    ]  # fmt: skip
    dated = replay._in_order([undated, BEN])
    assert {when.date() for when, _, _ in dated} == {dt.date(2025, 3, 1), dt.date(2025, 3, 2)}


def test_a_clock_that_was_set_back_does_not_turn_messages_around() -> None:
    odd = Thread("u", "Me", (at(10, 5, 1, "first"), at(10, 4, 1, "second"), at(9, 0, 2, "third")))
    assert [a.message.text for a in arrivals(odd)] == ["first", "second", "third"]


def test_speeds(monkeypatch: pytest.MonkeyPatch) -> None:
    night = Thread("n", "Me", (at(20, 0, 1), at(20, 10, 1), at(8, 0, 2)))
    assert pauses(1, night, monkeypatch=monkeypatch) == [600, 42600]
    assert pauses(60, night, monkeypatch=monkeypatch) == [10, replay.LONGEST_PAUSE]


def test_closing_ends_the_waiting() -> None:
    async def test() -> None:
        connector = Replay([BEN], 1)
        coming = connector.arrivals()
        assert (await anext(coming)).message.text == "new"
        waiting = asyncio.ensure_future(anext(coming))
        await asyncio.sleep(0)
        await connector.close()
        await connector.close()
        with pytest.raises(StopAsyncIteration):
            await waiting

    asyncio.run(test())


def test_sending_says_what_it_is_and_happens_once() -> None:
    async def test() -> None:
        connector = Replay([BEN])
        assert "send" not in connector.able.abilities
        assert "nobody at the other end" in connector.able.why_not["send"]
        receipt = await connector.send("ben", "yes", "k1")
        assert await connector.send("ben", "yes", "k1") == receipt
        assert await connector.send("ben", "yes", "k2") != receipt
        await connector.redact(receipt)
        with pytest.raises(ConnectorError):
            await connector.redact(receipt)
        with pytest.raises(ConnectorError, match="'anna'"):
            await connector.send("anna", "yes", "k3")

    asyncio.run(test())


def test_a_reply_stands_where_the_replay_has_come_to(tmp_path: Path) -> None:
    """Not today, between messages of years ago."""

    async def test() -> None:
        connector = Replay([BEN])
        with Inbox(tmp_path / "inbox") as inbox, Outbox(tmp_path / "inbox") as outbox:
            await Intake("replay", connector, inbox).history()
            dispatch = Dispatch("replay", connector, inbox, outbox, receipts=False)
            async for arrival in connector.arrivals():
                inbox.ingest("replay", BEN, [arrival.message])
                last = arrival.message.id or ""
                await dispatch.send(Send("ben", last, "on my way"), lambda _: None)
                break
            mine = inbox.thread("replay", "ben").messages[-1]
        assert mine == Message("Me", "on my way", dt.time(10), dt.date(2025, 3, 1), mine.id)

    asyncio.run(test())


def test_what_can_not_be_replayed() -> None:
    for nothing in ([], [replace(BEN, unread_from=3)]):
        with pytest.raises(ConnectorError, match="--unread 5"):
            Replay(nothing)
    with pytest.raises(ConnectorError, match="'ben'"):
        Replay([BEN, BEN])
