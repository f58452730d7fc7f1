"""KDE Connect's packets: one JSON object a line, of protocol versions 7 and 8.

Format and field names are those of KDE's published protocol reference
(https://invent.kde.org/network/kdeconnect-meta/-/blob/master/protocol.md). The verification key,
which the reference names but doesn't define, is the one that KDE Connect's applications show
(`verification_key`).
"""

from __future__ import annotations

import hashlib
import json
import re
import time
from dataclasses import dataclass
from typing import Any

from device.text import clean, neutralise

VERSION = 8
"""The protocol that Sidelong speaks; a phone with version 7 is answered in that."""
LEAST_VERSION = 7
MOST_BYTES = 256 * 1024
"""Of one packet. The longest notification is far below; icons don't come in packets."""
MOST_IDENTITY_BYTES = 16 * 1024
"""Of what somebody may send before it is known who they are."""
NAME_CHARS = 32

IDENTITY, PAIR = "kdeconnect.identity", "kdeconnect.pair"
NOTIFICATION = "kdeconnect.notification"
REQUEST, REPLY = "kdeconnect.notification.request", "kdeconnect.notification.reply"
COMMANDS, COMMAND = "kdeconnect.runcommand", "kdeconnect.runcommand.request"

_ID = re.compile(r"[a-zA-Z0-9_-]{32,38}")
_NOT_IN_NAMES = re.compile(r"[\"',;:.!?()\[\]<>]")


@dataclass(frozen=True, slots=True)
class Packet:
    """One packet; `body` holds whatever the other side wrote."""

    type: str
    body: dict[str, Any]

    def text(self, key: str) -> str:
        """A field that is a text; empty where it is missing or something else."""
        value = self.body.get(key)
        return clean(value) if isinstance(value, str) else ""

    def says(self, key: str) -> bool:
        """Whether a field is there and true."""
        return self.body.get(key) is True

    def whole(self, key: str) -> int:
        """A field that is a whole number from 0 to 2**63 - 1; -1 where it is anything else."""
        value = self.body.get(key)
        if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63:
            return value
        return -1


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a device says it is."""

    device: str
    """Its id, 32 to 38 letters, digits, "_" and "-"."""
    name: str
    """For people; anybody can choose any name."""
    type: str
    version: int
    """Of the protocol."""


def encode(type: str, **body: Any) -> bytes:
    """A packet as it goes over the line."""
    packet = {"id": int(time.time() * 1000), "type": type, "body": body}
    return json.dumps(packet).encode() + b"\n"


def decode(line: bytes) -> Packet | None:
    """What came over the line; None for what is no packet."""
    try:
        packet = json.loads(line)
        type, body = packet["type"], packet["body"]
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    if not (isinstance(type, str) and isinstance(body, dict)):
        return None
    return Packet(type, body)


def identity_of(packet: Packet | None) -> Identity | None:
    """The device that an identity packet tells of; None for any other packet, for an identity
    that breaks the rules, and for one older than `LEAST_VERSION`."""
    if packet is None or packet.type != IDENTITY:
        return None
    device, version = packet.text("deviceId"), packet.whole("protocolVersion")
    name = neutralise(_NOT_IN_NAMES.sub("", packet.text("deviceName")))[:NAME_CHARS].strip()
    if not (_ID.fullmatch(device) and name and version >= LEAST_VERSION):
        return None
    return Identity(device, name, neutralise(packet.text("deviceType"))[:NAME_CHARS], version)


def verification_key(own: bytes, other: bytes, version: int, timestamp: int) -> str:
    """The eight characters that both sides show before they trust each other.

    `own` and `other` are public keys (DER, SubjectPublicKeyInfo). The greater one comes first;
    version 8 adds the request's time in seconds, so that nobody can look for a matching key
    beforehand. SHA-256, first 32 bits.

    >>> verification_key(b"a", b"b", 8, 1700000000) == verification_key(b"b", b"a", 8, 1700000000)
    True
    """
    hashed = hashlib.sha256(b"".join(sorted((own, other), reverse=True)))
    if version >= VERSION:
        hashed.update(str(timestamp).encode())
    return hashed.hexdigest()[:8].upper()
