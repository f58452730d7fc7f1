"""Events as JSON -> what they say."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.connectors.matrix_events import UNREADABLE, Said, read_event


def event(content: dict[str, Any], kind: str = "m.room.message", **more: Any) -> dict[str, Any]:
    return {
        "type": kind,
        "event_id": "$1",
        "sender": "@ben:example.org",
        "origin_server_ts": 1_750_000_000_000,
        "content": content,
        **more,
    }


def said(content: dict[str, Any], kind: str = "m.room.message", **more: Any) -> Said:
    found = read_event(event(content, kind, **more))
    assert found
    return found


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ({"msgtype": "m.text", "body": "at 7"}, "at 7"),
        ({"msgtype": "m.notice", "body": "build 12 failed"}, "build 12 failed"),
        ({"msgtype": "m.emote", "body": "waves"}, "* waves"),
        ({"msgtype": "m.image", "body": "IMG_1.jpg"}, "[photo]"),
        ({"msgtype": "m.image", "body": "us", "filename": "IMG_1.jpg"}, "[photo] us"),
        ({"msgtype": "m.video", "body": "v.mp4"}, "[video]"),
        ({"msgtype": "m.audio", "body": "a", "org.matrix.msc3245.voice": {}}, "[voice message]"),
        ({"msgtype": "m.file", "body": "plan.pdf"}, "[document: plan.pdf]"),
        ({"msgtype": "m.location", "body": "the pier"}, "[location] the pier"),
        ({"msgtype": "org.example.new", "body": "its fallback"}, "its fallback"),
        (
            {
                "msgtype": "m.text",
                "body": "> <@anna:example.org> when?\n> where?\n\nat 7",
                "m.relates_to": {"m.in_reply_to": {"event_id": "$0"}},
            },
            "at 7",
        ),
        ({"msgtype": "m.text", "body": "> my own quote\n\nso there"}, "> my own quote\n\nso there"),
    ],
)
def test_what_a_message_shows(content: dict[str, Any], text: str) -> None:
    assert said(content).text == text


def test_a_sticker() -> None:
    assert said({"body": "cat"}, "m.sticker").text == "[sticker] cat"


def test_an_edit_shows_its_new_text() -> None:
    content = {
        "msgtype": "m.text",
        "body": "* at 8",
        "m.new_content": {"msgtype": "m.text", "body": "at 8"},
        "m.relates_to": {"rel_type": "m.replace", "event_id": "$0"},
    }
    found = said(content)
    assert (found.text, found.replaces) == ("at 8", "$0")


@pytest.mark.parametrize("more", [{"redacts": "$0"}, {"content": {"redacts": "$0"}}])
def test_a_redaction_of_old_and_new_rooms(more: dict[str, Any]) -> None:
    found = read_event({**event({}, "m.room.redaction"), **more})
    assert found
    assert (found.redacts, found.text) == ("$0", "")


def test_an_encrypted_message_without_key() -> None:
    assert said({"algorithm": "m.megolm.v1.aes-sha2"}, "m.room.encrypted").text == UNREADABLE
    edit = {"m.relates_to": {"rel_type": "m.replace", "event_id": "$0"}}
    assert read_event(event(edit, "m.room.encrypted")) is None


@pytest.mark.parametrize("stamp", [None, "soon", -(10**30), 10**30, float("nan"), True])
def test_a_time_out_of_all_bounds(stamp: object) -> None:
    found = read_event(event({"msgtype": "m.text", "body": "x"}, origin_server_ts=stamp))
    assert found
    assert found.text == "x"


@pytest.mark.parametrize(
    "malformed",
    [
        None,
        "m.room.message",
        {},
        event({}),
        event({"body": ["at", 7]}),
        event({"msgtype": "m.key.verification.request", "body": "verify?"}),
        event({"msgtype": "m.text", "body": "x"}, event_id=7),
        event({"msgtype": "m.text", "body": "x"}, sender=None),
        event({"m.relates_to": {"key": "👍"}}, "m.reaction"),
        event({"m.relates_to": []}, "m.reaction"),
        event({}, "m.room.redaction"),
        event({"body": "x", "m.relates_to": {"rel_type": "m.replace", "event_id": "$0"}}),
        event({"name": "New name"}, "m.room.name"),
    ],
)
def test_what_says_nothing(malformed: object) -> None:
    assert read_event(malformed) is None


KEYS = st.sampled_from(
    ["type", "event_id", "sender", "content", "origin_server_ts", "redacts", "body", "msgtype",
     "m.relates_to", "m.new_content", "rel_type", "key", "filename", "m.in_reply_to"]
)  # fmt: skip
LEAVES = st.sampled_from(
    ["m.room.message", "m.room.encrypted", "m.room.redaction", "m.reaction", "m.sticker",
     "m.text", "m.image", "m.replace", "$1"]
) | st.none() | st.booleans() | st.integers() | st.floats() | st.text()  # fmt: skip
JSON = st.recursive(
    LEAVES, lambda inner: st.lists(inner) | st.dictionaries(KEYS, inner), max_leaves=20
)


@given(JSON)
def test_nothing_raises(anything: object) -> None:
    found = read_event(anything)
    assert found is None or (found.id and (found.text or found.redacts))
