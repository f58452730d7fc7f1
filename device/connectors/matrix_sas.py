"""Verifying a device by emoji: the protocol alone, without network or keyboard.

Client-server API v1.11, "Key verification framework" and "Short Authentication String (SAS)
verification", over to-device messages:

    request -> <- ready, start -> <- accept, key -> <- key, both see seven emoji, mac <-> mac, done

Either side may send the request, and either the start. The cryptography is vodozemac's. nio 0.26's
own `Sas` speaks with no other program (its issue 570: the commitment is in hex, the MAC's name is
of another method, the emoji are others), so only its table of emoji is taken.
"""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass
from typing import Any, Self
from uuid import uuid4

import vodozemac
from nio.api import Api
from nio.crypto.sas import Sas
from unpaddedbase64 import encode_base64

METHOD = "m.sas.v1"
AGREEMENT = "curve25519-hkdf-sha256"
HASH = "sha256"
MAC = "hkdf-hmac-sha256.v2"

Content = dict[str, Any]
Out = tuple[str, Content]
"""What to send: the kind, after "m.key.verification.", and its content."""

REASONS = {
    "m.user": "it was called off",
    "m.timeout": "it took too long",
    "m.mismatched_sas": "the emoji did not match",
    "m.mismatched_commitment": "the other side changed its key midway",
    "m.key_mismatch": "the keys are not those that the server gives out",
    "m.unknown_method": "the other program knows no common way of verifying",
    "m.unexpected_message": "a step came out of turn",
    "m.accepted": "another device took it up",
}


@dataclass(frozen=True, slots=True)
class Party:
    """A device that takes part: a Matrix id, a device id and its Ed25519 key in base64."""

    user: str
    device: str
    key: str

    @property
    def _name(self) -> str:
        return self.user + self.device


class Verification:
    """One verification of `other` by `me`. Feed it what comes, send what it returns."""

    def __init__(self, me: Party, other: Party, transaction: str):
        self.me = me
        self.other = other
        self.transaction = transaction
        self.cancelled: str | None = None
        """The code of the cancellation, by whichever side."""
        self.is_done = False
        """Both sides confirmed, and the other's key is the one that was shown."""
        self._agreed = False
        self._start: Content | None = None
        self._we_started = False
        self._commitment: str | None = None
        self._sas = vodozemac.Sas()
        self._established: vodozemac.EstablishedSas | None = None
        self._their_key = ""
        self._confirmed = False
        self._their_mac_fits = False

    @classmethod
    def begin(cls, me: Party, other: Party) -> tuple[Self, list[Out]]:
        """A verification that we ask for, and the request."""
        verification = cls(me, other, uuid4().hex)
        verification._agreed = True
        request = {
            "from_device": me.device,
            "methods": [METHOD],
            "timestamp": int(time.time() * 1000),
        }
        return verification, [verification._out("request", request)]

    @property
    def emoji(self) -> list[tuple[str, str]] | None:
        """Seven emoji with their English names, once both keys are known."""
        if self._established is None:
            return None
        indices = self._established.bytes(self._sas_info()).emoji_indices
        return [Sas.emoji[index] for index in indices]

    def agree(self) -> list[Out]:
        """The wearer takes up what the other side asked for."""
        self._agreed = True
        if self._start is not None:  # an older program, which starts without a request
            return [self._accept()]
        return [self._out("ready", {"from_device": self.me.device, "methods": [METHOD]})]

    def confirm(self) -> list[Out]:
        """The wearer saw the same emoji on both screens. `ValueError` before there were any."""
        if self._established is None:
            raise ValueError("there are no emoji yet")
        self._confirmed = True
        key_id = f"ed25519:{self.me.device}"
        info = self._mac_info(self.me, self.other)
        mac = {
            "mac": {key_id: self._established.calculate_mac(self.me.key, info + key_id)},
            "keys": self._established.calculate_mac(key_id, info + "KEY_IDS"),
        }
        return [self._out("mac", mac), *self._finish()]

    def cancel(self, code: str = "m.user") -> list[Out]:
        """Call it off."""
        if self.cancelled or self.is_done:
            return []
        self.cancelled = code
        return [self._out("cancel", {"code": code, "reason": REASONS[code]})]

    def receive(self, kind: str, content: Content) -> list[Out]:
        """What to answer; malformed content ends the verification."""
        if self.cancelled or self.is_done:
            return []
        try:
            if kind == "ready":
                return self._ready(content)
            if kind == "start":
                return self._started(content)
            if kind == "accept":
                return self._accepted(content)
            if kind == "key":
                return self._key(content)
            if kind == "mac":
                return self._mac(content)
        except (KeyError, TypeError, ValueError, vodozemac.KeyException, vodozemac.SasException):
            return self.cancel("m.unexpected_message")
        if kind == "cancel":
            self.cancelled = str(content.get("code"))
        return []

    def _ready(self, content: Content) -> list[Out]:
        if self._start is not None:  # they were quicker and have started
            return []
        if METHOD not in content["methods"]:
            return self.cancel("m.unknown_method")
        self._we_started = True
        start = {
            "from_device": self.me.device,
            "method": METHOD,
            "key_agreement_protocols": [AGREEMENT],
            "hashes": [HASH],
            "message_authentication_codes": [MAC],
            "short_authentication_string": ["decimal", "emoji"],
        }
        out = self._out("start", start)
        self._start = out[1]
        return [out]

    def _started(self, content: Content) -> list[Out]:
        if self._start is not None:
            if not self._we_started or self._commitment is not None:
                return self.cancel("m.unexpected_message")
            # Both started at once: the smaller name's start holds.
            if (self.me.user, self.me.device) < (self.other.user, self.other.device):
                return []
        if (
            content["method"] != METHOD
            or AGREEMENT not in content["key_agreement_protocols"]
            or HASH not in content["hashes"]
            or MAC not in content["message_authentication_codes"]
            or "emoji" not in content["short_authentication_string"]
        ):
            return self.cancel("m.unknown_method")
        self._start, self._we_started = content, False
        return [self._accept()] if self._agreed else []

    def _accept(self) -> Out:
        accept = {
            "method": METHOD,
            "key_agreement_protocol": AGREEMENT,
            "hash": HASH,
            "message_authentication_code": MAC,
            "short_authentication_string": ["emoji"],
            "commitment": self._commitment_to(self._public_key),
        }
        return self._out("accept", accept)

    def _accepted(self, content: Content) -> list[Out]:
        if not self._we_started or self._commitment is not None:
            return self.cancel("m.unexpected_message")
        if (
            content["key_agreement_protocol"] != AGREEMENT
            or content["hash"] != HASH
            or content["message_authentication_code"] != MAC
            or "emoji" not in content["short_authentication_string"]
        ):
            return self.cancel("m.unknown_method")
        self._commitment = str(content["commitment"])
        return [self._out("key", {"key": self._public_key})]

    def _key(self, content: Content) -> list[Out]:
        key = content["key"]
        awaited = self._commitment is not None if self._we_started else self._agreed
        if self._start is None or self._established is not None or not awaited:
            return self.cancel("m.unexpected_message")
        if self._we_started and self._commitment != self._commitment_to(key):
            return self.cancel("m.mismatched_commitment")
        self._established = self._sas.diffie_hellman(vodozemac.Curve25519PublicKey.from_base64(key))
        self._their_key = key
        return [] if self._we_started else [self._out("key", {"key": self._public_key})]

    def _mac(self, content: Content) -> list[Out]:
        if self._established is None or self._their_mac_fits:
            return self.cancel("m.unexpected_message")
        info = self._mac_info(self.other, self.me)
        macs, key_id = content["mac"], f"ed25519:{self.other.device}"
        ids = ",".join(sorted(macs))
        calculate = self._established.calculate_mac
        if (
            content["keys"] != calculate(ids, info + "KEY_IDS")
            or macs[key_id] != calculate(self.other.key, info + key_id)
        ):  # fmt: skip
            return self.cancel("m.key_mismatch")
        self._their_mac_fits = True
        return self._finish()

    def _finish(self) -> list[Out]:
        if not (self._confirmed and self._their_mac_fits):
            return []
        self.is_done = True
        return [self._out("done", {})]

    @property
    def _public_key(self) -> str:
        return self._sas.public_key.to_base64()

    def _commitment_to(self, key: str) -> str:
        """Unpadded base64 of SHA-256 of the accepting side's key and the start's canonical JSON."""
        text = key + str(Api.to_canonical_json(self._start))
        return str(encode_base64(hashlib.sha256(text.encode()).digest()))

    def _sas_info(self) -> str:
        ours = f"{self.me.user}|{self.me.device}|{self._public_key}"
        theirs = f"{self.other.user}|{self.other.device}|{self._their_key}"
        first, second = (ours, theirs) if self._we_started else (theirs, ours)
        return f"MATRIX_KEY_VERIFICATION_SAS|{first}|{second}|{self.transaction}"

    def _mac_info(self, by: Party, to: Party) -> str:
        return f"MATRIX_KEY_VERIFICATION_MAC{by._name}{to._name}{self.transaction}"

    def _out(self, kind: str, content: Content) -> Out:
        return kind, {**content, "transaction_id": self.transaction}
