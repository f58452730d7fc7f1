"""Events that no homeserver should pass on, and one could."""

from __future__ import annotations

from typing import Any

from tests.device.connectors.matrix.homeserver import ME, event, message

MALFORMED: list[Any] = [
    None,
    7,
    "event",
    {},
    {"type": "m.room.message"},
    event("$a", "m.room.message", None),
    event("$b", "m.room.message", {"body": 7, "msgtype": []}),
    event("$c", "m.room.message", {"msgtype": "m.image", "body": "x", "info": 1}),
    event("$d", "m.room.encrypted", {"algorithm": "m.megolm.v1.aes-sha2"}),
    event(
        "$e",
        "m.room.encrypted",
        {"algorithm": "m.megolm.v1.aes-sha2", "ciphertext": "x", "sender_key": "y",
         "session_id": "z", "device_id": "d"},
    ),
    event("$f", "m.room.encrypted", {"algorithm": "of my own"}),
    event("$g", "m.reaction", {"m.relates_to": "x"}),
    event("$h", "m.room.redaction", {}),
    event("$i", "m.call.invite", {"call_id": []}),
    {**event("$j", "m.room.name", {"name": ["x"]}), "state_key": ""},
    {**event("$k", "m.room.power_levels", {"users": 3}), "state_key": ""},
    {**event("$l", "m.room.member", {"membership": "join", "displayname": 3}), "state_key": "x"},
    {**event("$m", "m.room.member", {"membership": "of my own"}), "state_key": ME},
    {**message("$n", "x"), "unsigned": 3},
    {**message("$o", "x"), "unsigned": {"redacted_because": 3}},
    {**message("$p", "x"), "origin_server_ts": "soon"},
    {**message("$q", "x"), "event_id": 7},
    {**event("$r", "m.room.encryption", {"algorithm": 1}), "state_key": ""},
]  # fmt: skip

TO_DEVICE: list[Any] = [
    None,
    {},
    {"type": "m.room.encrypted", "sender": "@ben:localhost", "content": 3},
    {
        "type": "m.room.encrypted",
        "sender": "@ben:localhost",
        "content": {
            "algorithm": "m.olm.v1.curve25519-aes-sha2",
            "sender_key": "x",
            "ciphertext": {},
        },
    },
    {"type": "m.room_key_request", "sender": "@ben:localhost", "content": {"action": 1}},
    {"type": "m.key.verification.start", "sender": "@ben:localhost", "content": {"x": 1}},
]
"""The same, to this device alone."""
