"""Events that are not what they should be: none stops the next one, none gets into a log."""

from __future__ import annotations

import asyncio
import copy
import logging
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from device.connectors.matrix_events import UNREADABLE
from tests.device.connectors.matrix.homeserver import (
    ME,
    ROOM,
    FakeHomeserver,
    event,
    faked,
    message,
    texts,
)
from tests.hostile.matrix_events import MALFORMED, TO_DEVICE


def test_malformed_events_are_passed_over(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    server = FakeHomeserver()
    to_device = copy.deepcopy(TO_DEVICE)
    server.syncs = [
        [],
        [message("$1", "private words"), *MALFORMED, message("$2", "the last word")],
    ]

    async def talk() -> None:
        async with faked(server, folder) as (connector, _):
            own = connector._client.olm.account.identity_keys["curve25519"]
            to_device[3]["content"]["ciphertext"] = {own: {"type": 0, "body": "!"}}
            body = {"next_batch": "t3", "to_device": {"events": to_device}}
            server.syncs += [body, [message("$3", "after all that")]]
            said = await texts(connector, "after all that")
            assert [text for text in said if text not in (UNREADABLE, "[photo]", "x")] == [
                "private words",
                "the last word",
                "after all that",
            ]

    asyncio.run(talk())
    assert "words" not in caplog.text
    assert "secret token" not in caplog.text


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(
            ["algorithm", "body", "msgtype", "membership", "displayname", "users", "name",
             "m.relates_to", "event_id", "rel_type", "ciphertext", "sender_key", "session_id",
             "device_id", "call_id", "url", "via", "alias", "redacts", "version"]
        ),
        inner | st.sampled_from(["m.megolm.v1.aes-sha2", "m.text", "join", "invite", "leave"]),
    ),
    max_leaves=10,
)  # fmt: skip
KINDS = st.sampled_from(
    ["m.room.message", "m.room.encrypted", "m.room.member", "m.room.name", "m.room.power_levels",
     "m.room.create", "m.room.redaction", "m.reaction", "m.sticker", "m.call.invite",
     "m.room.encryption", "m.room.canonical_alias", "m.space.child", "m.space.parent",
     "m.room.tombstone", "m.room.topic", "m.room.avatar", "m.room.join_rules",
     "m.room.guest_access", "m.room.history_visibility", "m.room.aliases"]
)  # fmt: skip
EVENTS = st.lists(
    st.builds(
        lambda kind, content, key, i: {**event(f"$x{i}", kind, content), "state_key": key},
        KINDS,
        JSON,
        st.sampled_from(["", ME, "@ben:localhost"]),
        st.integers(0, 99),
    ),
    max_size=8,
)


@settings(max_examples=4, suppress_health_check=list(HealthCheck))
@given(rooms=st.lists(st.tuples(EVENTS, EVENTS), min_size=6, max_size=6))
def test_no_event_stops_the_next_one(
    rooms: list[tuple[list[Any], list[Any]]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    server = FakeHomeserver()
    server.syncs = [[]]
    for state, timeline in rooms:
        room = {"timeline": {"events": timeline}, "state": {"events": state}}
        server.syncs.append({"rooms": {"join": {ROOM: room}}})
    server.syncs.append([message("$last", "the last word")])

    async def talk() -> None:
        async with faked(server, tmp_path_factory.mktemp("fuzz") / "matrix") as (connector, _):
            assert "the last word" in await texts(connector, "the last word")

    asyncio.run(talk())
