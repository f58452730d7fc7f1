"""A phone of our own making, written from the published packet formats, not from Sidelong's code.

Sources: KDE Connect's protocol reference (invent.kde.org/network/kdeconnect-meta, protocol.md) for
the packets; for what it leaves out, what KDE Connect's desktop and Android applications do: who is
TLS's server, the second identity of version 8, the verification key, and the fields `conversation`
and `groupName`. `test_kdeconnectd` holds this phone and Sidelong against Debian's kdeconnectd.

It imports nothing of Sidelong. pyOpenSSL does the TLS, since Python's `ssl` can't show a server the
certificate of a client that it has no authority for.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import select
import socket
import time
import uuid
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from OpenSSL import SSL

WAIT = 20.0
"""Seconds after which something awaited counts as never coming."""


class Gone(Exception):
    """The other side ended the connection."""


class Phone:
    """Ben's phone. Its methods block: call them in a thread."""

    def __init__(self, name: str = "Ben's phone", version: int = 8, device: str | None = None):
        self.device = device or uuid.uuid4().hex
        self.name = name.replace("'", "")
        self.version = version
        self.key, self.certificate = _certificate(self.device)
        self.posted: dict[str, dict[str, Any]] = {}
        self.replies: dict[str, str] = {}
        """Reply ids that still count -> the notification's key."""
        self.answers: list[tuple[str, str]] = []
        """(notification's key, text), as a messenger gets them."""
        self._tls: SSL.Connection | None = None
        self._rest = b""

    @property
    def der(self) -> bytes:
        """Its certificate."""
        return self.certificate.public_bytes(serialization.Encoding.DER)

    # The network

    def identity(self, **more: Any) -> bytes:
        body = {
            "deviceId": self.device,
            "deviceName": self.name,
            "deviceType": "phone",
            "protocolVersion": self.version,
            "incomingCapabilities": ["kdeconnect.notification.request", "kdeconnect.runcommand"],
            "outgoingCapabilities": ["kdeconnect.notification", "kdeconnect.runcommand.request"],
            **more,
        }
        return packet("kdeconnect.identity", **body)

    def connect(self, address: str, port: int, plain: bytes | None = None) -> None:
        """Connect to what announced itself there, as both sides do after a UDP identity.

        Raises `Gone` where it doesn't want to.
        """
        self.close()
        tcp = socket.create_connection((address, port), WAIT)
        tcp.sendall(self.identity() if plain is None else plain)
        context = SSL.Context(SSL.TLS_METHOD)
        context.use_privatekey(self.key)
        context.use_certificate(self.certificate)
        # Any certificate will do: who it is, the wearer says by pairing.
        context.set_verify(SSL.VERIFY_PEER, lambda *_: True)
        tcp.settimeout(None)
        tls = SSL.Connection(context, tcp)
        tls.set_accept_state()
        try:
            tls.do_handshake()
        except (SSL.Error, OSError) as error:
            tcp.close()
            raise Gone from error
        self._tls, self._tcp, self._rest = tls, tcp, b""
        if self.version >= 8:
            self.write(self.identity())
            self.peer = json.loads(self.line())["body"]

    def write(self, data: bytes) -> None:
        assert self._tls is not None
        try:
            self._tls.sendall(data)
        except (SSL.Error, OSError) as error:
            raise Gone from error

    def send(self, type: str, **body: Any) -> None:
        self.write(packet(type, **body))

    def line(self, wait: float = WAIT) -> bytes:
        """The next line. Raises `Gone`, or `TimeoutError`."""
        assert self._tls is not None
        until = time.monotonic() + wait
        while b"\n" not in self._rest:
            if not self._tls.pending():
                left = until - time.monotonic()
                if left <= 0 or not select.select([self._tcp], [], [], left)[0]:
                    raise TimeoutError
            try:
                self._rest += self._tls.recv(65536)
            except (SSL.Error, OSError) as error:
                raise Gone from error
        line, _, self._rest = self._rest.partition(b"\n")
        return line

    def receive(self, wait: float = WAIT) -> dict[str, Any]:
        """The next packet."""
        return dict(json.loads(self.line(wait)))

    def close(self) -> None:
        if self._tls is not None:
            self._tls = None
            self._tcp.close()

    # Pairing

    def verification_key(self, timestamp: int) -> str:
        assert self._tls is not None
        theirs = self._tls.get_peer_certificate(as_cryptography=True)
        assert theirs is not None
        keys = [_public(self.certificate), _public(theirs)]
        keys.sort()
        text = keys[1] + keys[0]
        if self.version >= 8:
            text += str(timestamp).encode()
        return hashlib.sha256(text).hexdigest()[:8].upper()

    # The list of notifications

    def post(self, key: str, silent: bool = False, **fields: Any) -> None:
        """Show or change a notification, and tell whoever is connected."""
        body = {"id": key, "appName": "WhatsApp", "isClearable": True, **fields}
        body.setdefault("time", str(int(time.time() * 1000)))
        self.posted[key] = body
        if self._tls is not None:
            self._tell(key, silent)

    def remove(self, key: str) -> None:
        """Read or dismissed on the phone."""
        del self.posted[key]
        self.replies = {id: of for id, of in self.replies.items() if of != key}
        self.send("kdeconnect.notification", id=key, isCancel=True)

    def _tell(self, key: str, silent: bool) -> None:
        body = dict(self.posted[key], silent=silent)
        if body.pop("replies", True):
            reply = body["requestReplyId"] = str(uuid.uuid4())
            self.replies[reply] = key
        self.send("kdeconnect.notification", **body)

    def serve(self, wait: float = WAIT) -> dict[str, Any]:
        """Take the next packet and do what Android's application does with it."""
        said = self.receive(wait)
        body = said["body"]
        if said["type"] == "kdeconnect.notification.request" and body.get("request") is True:
            for key in list(self.posted):
                self._tell(key, silent=True)
        elif said["type"] == "kdeconnect.notification.reply":
            key = self.replies.pop(body["requestReplyId"], None)
            if key is not None:  # else "No such notification", and nobody is told
                self.answers.append((key, body["message"]))
        return said


def packet(type: str, **body: Any) -> bytes:
    return json.dumps({"id": int(time.time() * 1000), "type": type, "body": body}).encode() + b"\n"


def said(*lines: tuple[str, str]) -> list[dict[str, str]]:
    """`conversation` of a notification."""
    return [{"sender": sender, "content": text} for sender, text in lines]


def _public(certificate: x509.Certificate) -> bytes:
    return certificate.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def _certificate(device: str) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    """As Android's application makes it: self-signed, serial number 1, the id as common name."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([
        x509.NameAttribute(NameOID.COMMON_NAME, device),
        x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, "KDE Connect"),
        x509.NameAttribute(NameOID.ORGANIZATION_NAME, "KDE"),
    ])  # fmt: skip
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=365))
        .not_valid_after(now + dt.timedelta(days=3650))
        .sign(key, hashes.SHA512())
    )
    return key, certificate


def free_udp_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.bind(("127.0.0.1", 0))
        return int(udp.getsockname()[1])
