"""The connector against a real Synapse, with nio's own client on the other side."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from nio import RoomGetEventResponse

from device.connectors import matrix_news, matrix_session
from tests.device.connectors.matrix.people import (
    WAIT,
    accept_invitation,
    friend,
    meeting,
    next_arrival,
    wearer,
)
from tests.synapse import Homeserver

ROOT = Path(__file__).parents[4]


@pytest.mark.parametrize("encrypted", [False, True])
def test_a_message_in_and_a_reply_out(
    homeserver: Homeserver, folder: Path, tmp_path: Path, anna: str, ben: str, encrypted: bool
) -> None:
    reply = "Sure: 3 chairs, 7:30 — “Oakfield” 🪑\n<b>&"

    async def talk() -> None:
        async with (
            wearer(homeserver, anna, folder) as glasses,
            friend(homeserver, ben, tmp_path / "ben") as them,
        ):
            room = await them.room(anna, encrypted, is_direct=True)
            await accept_invitation(glasses, room)
            asked = await them.say(room, "can you bring 3 chairs?")
            arrivals = glasses.arrivals()
            arrival = await next_arrival(arrivals)
            assert arrival.conversation == room
            assert arrival.message.id == asked
            assert arrival.message.text == "can you bring 3 chairs?"
            assert arrival.message.sender == arrival.title == ben[1:].split(":")[0].title()
            assert arrival.message.date
            assert not arrival.is_group
            await glasses.acknowledge(arrival)

            receipt = await glasses.send(room, reply, "key 1", reply_to=asked)
            [heard] = await them.hears(room)
            assert heard.event_id == receipt.message_id
            assert heard.body == reply
            assert heard.decrypted == encrypted
            assert heard.sender == anna
            relation = heard.source["content"]["m.relates_to"]
            assert relation == {"m.in_reply_to": {"event_id": asked}}
            own = await next_arrival(arrivals)
            assert (own.message.id, own.message.sender) == (receipt.message_id, glasses.me)

    asyncio.run(talk())


def test_what_the_server_holds_of_an_encrypted_room_is_no_plain_text(
    homeserver: Homeserver, folder: Path, tmp_path: Path, anna: str, ben: str
) -> None:
    async def talk() -> None:
        async with meeting(homeserver, folder, tmp_path, anna, ben, True) as (glasses, them, room):
            receipt = await glasses.send(room, "quietly", "k")
            held = await them.client.room_get_event(room, receipt.message_id)
            assert isinstance(held, RoomGetEventResponse)
            assert held.event.source["type"] == "m.room.encrypted"
            assert "quietly" not in json.dumps(held.event.source)

    asyncio.run(talk())


@pytest.mark.parametrize("encrypted", [False, True])
def test_edits_redactions_and_reactions(
    homeserver: Homeserver, folder: Path, tmp_path: Path, anna: str, ben: str, encrypted: bool
) -> None:
    async def talk() -> None:
        async with meeting(homeserver, folder, tmp_path, anna, ben, encrypted) as (
            glasses,
            them,
            room,
        ):
            arrivals = glasses.arrivals()
            mine = await glasses.send(room, "see you at 7?", "k")
            assert (await next_arrival(arrivals)).message.id == mine.message_id

            said = await them.say(room, "at 8")
            assert (await next_arrival(arrivals)).message.id == said

            def edit(target: str) -> dict[str, Any]:
                return {
                    "m.new_content": {"msgtype": "m.text", "body": "at 9"},
                    "m.relates_to": {"rel_type": "m.replace", "event_id": target},
                }

            await them.say(room, "* at 9", **edit(mine.message_id))  # not theirs to edit
            edited = await them.say(room, "* at 9", **edit(said))
            arrival = await next_arrival(arrivals)
            assert (arrival.message.id, arrival.replaces) == (edited, said)
            assert arrival.message.text == "at 9"

            def reaction(target: str) -> dict[str, Any]:
                return {
                    "m.relates_to": {"rel_type": "m.annotation", "event_id": target, "key": "👍"}
                }

            await them.send(room, reaction(said), "m.reaction")  # to their own: nobody's business
            liked = await them.send(room, reaction(mine.message_id), "m.reaction")
            arrival = await next_arrival(arrivals)
            assert (arrival.message.id, arrival.message.text) == (liked, "👍")

            await them.client.room_redact(room, said)
            arrival = await next_arrival(arrivals)
            assert (arrival.redacts, arrival.message.text) == (said, "")

            await glasses.redact(mine)
            held = await them.client.room_get_event(room, mine.message_id)
            assert "body" not in held.event.source["content"]
            arrival = await next_arrival(arrivals)
            assert arrival.redacts == mine.message_id

    asyncio.run(talk())


def test_one_key_is_one_message_also_after_a_restart(
    homeserver: Homeserver, folder: Path, tmp_path: Path, anna: str, ben: str
) -> None:
    async def talk() -> None:
        async with friend(homeserver, ben, tmp_path / "ben") as them:
            async with wearer(homeserver, anna, folder) as glasses:
                room = await them.room(anna, True)
                await accept_invitation(glasses, room)
                first = await glasses.send(room, "once", "the key")
                assert await glasses.send(room, "once", "the key") == first
            async with wearer(homeserver, anna, folder) as glasses:
                assert await glasses.send(room, "once", "the key") == first
                other = await glasses.send(room, "twice", "another key")
            heard = await them.hears(room, 2)
            assert [event.event_id for event in heard] == [first.message_id, other.message_id]

    asyncio.run(talk())


CHILD = """
import asyncio, sys
from pathlib import Path
from device.connectors.matrix import MatrixConnector

async def main():
    connector = MatrixConnector.open(Path(sys.argv[1]))
    async for arrival in connector.arrivals():
        if arrival.message.text in ("one", "two", "four"):
            await connector.acknowledge(arrival)
        print(arrival.message.text, flush=True)

asyncio.run(main())
"""


def test_after_a_kill_what_was_not_acknowledged_comes_again_and_nothing_else(
    homeserver: Homeserver, folder: Path, tmp_path: Path, anna: str, ben: str
) -> None:
    async def talk() -> None:
        async with friend(homeserver, ben, tmp_path / "ben") as them:
            async with wearer(homeserver, anna, folder) as glasses:
                room = await them.room(anna, True)
                await accept_invitation(glasses, room)
            for text in ("one", "two", "three", "four"):
                await them.say(room, text)
            command = [sys.executable, "-c", CHILD, str(folder)]
            with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT, text=True) as child:
                assert child.stdout
                said = [await asyncio.to_thread(child.stdout.readline) for _ in range(4)]
                child.send_signal(signal.SIGKILL)
            assert "".join(said).split() == ["one", "two", "three", "four"]
            await them.say(room, "five")
            async with wearer(homeserver, anna, folder) as glasses:
                arrivals = glasses.arrivals()
                again = [await next_arrival(arrivals) for _ in range(2)]
                assert [arrival.message.text for arrival in again] == ["three", "five"]
                for arrival in again:
                    await glasses.acknowledge(arrival)
            await them.say(room, "six")
            async with wearer(homeserver, anna, folder) as glasses:
                assert (await next_arrival(glasses.arrivals())).message.text == "six"

    asyncio.run(talk())


def test_a_gap_in_a_sync_is_filled(
    homeserver: Homeserver,
    folder: Path,
    tmp_path: Path,
    anna: str,
    ben: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(matrix_session._FILTER["room"]["timeline"], "limit", 3)
    monkeypatch.setattr(matrix_news, "PAGE", 4)
    count = 12

    async def talk() -> None:
        async with friend(homeserver, ben, tmp_path / "ben") as them:
            async with wearer(homeserver, anna, folder) as glasses:
                room = await them.room(anna, False)
                await accept_invitation(glasses, room)
                await glasses.send(room, "before", "k")
            for i in range(count):
                content = {"msgtype": "m.text", "body": str(i)}
                await them.client.room_send(room, "m.room.message", content)
            async with wearer(homeserver, anna, folder) as glasses:
                arrivals = glasses.arrivals()
                texts = [(await next_arrival(arrivals)).message.text for _ in range(count + 1)]
                assert texts == ["before", *map(str, range(count))]

    asyncio.run(talk())


def test_history_is_what_was_said_before(
    homeserver: Homeserver, folder: Path, tmp_path: Path, anna: str, ben: str
) -> None:
    async def talk() -> None:
        async with friend(homeserver, ben, tmp_path / "ben") as them:
            async with wearer(homeserver, anna, folder) as glasses:
                room = await them.room(anna, False, name="Vinyl club")
                await accept_invitation(glasses, room)
                said = await them.say(room, "who brings the player?")
                arrivals = glasses.arrivals()
                await glasses.acknowledge(await next_arrival(arrivals))
                receipt = await glasses.send(room, "me", "k")
                await glasses.acknowledge(await next_arrival(arrivals))
            async with wearer(homeserver, anna, folder) as glasses:
                [thread] = await glasses.threads()
                assert thread.title == "Vinyl club"
                assert [m.id for m in thread.messages] == [said, receipt.message_id]
                assert [m.text for m in thread.messages] == ["who brings the player?", "me"]
                assert thread.is_answered
                assert not thread.unread

    asyncio.run(talk())


def test_read_receipts_are_sent_only_when_asked_for(
    homeserver: Homeserver, folder: Path, tmp_path: Path, anna: str, ben: str
) -> None:
    async def talk() -> None:
        async with meeting(homeserver, folder, tmp_path, anna, ben, False) as (glasses, them, room):
            said = await them.say(room, "seen?")
            arrival = await next_arrival(glasses.arrivals())
            await glasses.acknowledge(arrival)
            await them.sync()
            assert anna not in them.client.rooms[room].read_receipts
            await glasses.mark_read(room, said)
            async with asyncio.timeout(WAIT):
                while anna not in them.client.rooms[room].read_receipts:
                    await them.sync()
            assert them.client.rooms[room].read_receipts[anna].event_id == said

    asyncio.run(talk())
