"""One encrypted connection to a device whose certificate was looked at, packet by packet.

Who is connected to opens the encryption: the phone connects to Sidelong by TCP, says in plain who
it is, and then is TLS's server while Sidelong is TLS's client (and shows a certificate too). That
is KDE Connect's own order. Since version 8 both say again who they are, under encryption.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import ssl
from collections.abc import AsyncIterator
from typing import Any

from device.connectors.kdeconnect_account import Account, common_name
from device.connectors.kdeconnect_packets import (
    MOST_BYTES,
    MOST_IDENTITY_BYTES,
    Identity,
    Packet,
    decode,
    encode,
    identity_of,
)

log = logging.getLogger(__name__)

SECONDS = 10.0
"""For everything that comes before the first packet."""
SEND_SECONDS = 10.0
FAREWELL_SECONDS = 0.5


class Refused(Exception):
    """Why somebody who connected is not talked to. It names no text of theirs."""


class Link:
    """A connection to `identity`, who holds the key of the certificate `der`."""

    def __init__(
        self,
        identity: Identity,
        der: bytes,
        address: str,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ):
        self.identity = identity
        self.der = der
        self.address = address
        self._reader = reader
        self._writer = writer

    async def packets(self) -> AsyncIterator[Packet]:
        """What the other side says, until it is gone. What is no packet, or longer than
        `MOST_BYTES`, is passed over."""
        while True:
            try:
                line = await _line(self._reader)
            except (OSError, asyncio.IncompleteReadError):
                return
            packet = decode(line)
            if packet is None:
                log.warning("a packet that is none, or too long, was passed over")
            else:
                yield packet

    async def send(self, type: str, **body: Any) -> None:
        """Hand a packet over. Raises `OSError` or `TimeoutError`; it may have arrived even so."""
        async with asyncio.timeout(SEND_SECONDS):
            self._writer.write(encode(type, **body))
            await self._writer.drain()

    @property
    def is_open(self) -> bool:
        """Whether it is not known to be gone."""
        return not (self._writer.is_closing() or self._reader.at_eof())

    def close(self) -> None:
        """Begin to let it go. May be called twice."""
        self._writer.close()

    async def closed(self) -> None:
        """Let it go, and wait for the other side's farewell, but not for long."""
        self.close()
        try:
            async with asyncio.timeout(FAREWELL_SECONDS):
                await self._writer.wait_closed()
        except (OSError, TimeoutError):
            self._writer.transport.abort()
            await asyncio.sleep(0)


async def linked(
    accepted: socket.socket, address: str, account: Account, own: bytes, strangers: bool
) -> Link:
    """Make a connection that came in a `Link`; `own` is this device's identity packet.

    A paired device must have the certificate that it was paired with, and no older protocol; one
    that isn't paired is refused unless `strangers`. Raises `Refused`, `OSError` (`ssl.SSLError`
    among it), `TimeoutError` and `asyncio.IncompleteReadError`.
    """
    async with asyncio.timeout(SECONDS):
        try:
            identity = await _claimed(accepted, account, strangers)
        except BaseException:
            accepted.close()
            raise
        phone = account.phone(identity.device)
        reader, writer = await asyncio.open_connection(
            sock=accepted, ssl=_context(account), server_hostname="", limit=MOST_BYTES
        )
        try:
            der = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
            if not der or common_name(der) != identity.device:
                raise Refused("its certificate is not its own")
            if phone is not None and der != phone.der:
                raise Refused("its certificate is not the one that it was paired with")
            if identity.version >= 8:
                writer.write(own)
                line = await _line(reader)
                said = identity_of(decode(line)) if len(line) <= MOST_IDENTITY_BYTES else None
                if said is None or said.device != identity.device:
                    raise Refused("under encryption it is somebody else")
                if said.version != identity.version:
                    raise Refused("under encryption it speaks another protocol")
                identity = said
        except BaseException:
            writer.transport.abort()
            raise
    return Link(identity, der, address, reader, writer)


async def _claimed(accepted: socket.socket, account: Account, strangers: bool) -> Identity:
    """Who it says it is that connected, in plain. Raises `Refused` for who needs no answer."""
    claimed = decode(await _plain_line(accepted))
    identity = identity_of(claimed)
    if claimed is None or identity is None or identity.device == account.device:
        raise Refused("no identity of another device")
    if claimed.text("targetDeviceId") not in ("", account.device):
        raise Refused("meant for another device")
    phone = account.phone(identity.device)
    if phone is None and not strangers:
        raise Refused("not paired")
    if phone is not None and identity.version < phone.version:
        raise Refused("spoke a newer protocol than it now claims to speak")
    return identity


def _context(account: Account) -> ssl.SSLContext:
    """TLS without authorities: KDE Connect's certificates are self-signed, and it is the
    certificate itself that is compared, before anything is said or believed."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.load_cert_chain(account.certificate_path, account.key_path)
    return context


async def _plain_line(accepted: socket.socket) -> bytes:
    """The line that comes before the encryption. Nothing may come after it: whoever speaks on, in
    plain, is no KDE Connect."""
    loop = asyncio.get_running_loop()
    line = b""
    while not line.endswith(b"\n"):
        more = await loop.sock_recv(accepted, MOST_IDENTITY_BYTES + 1 - len(line))
        line += more
        if not more or len(line) > MOST_IDENTITY_BYTES or b"\n" in line[:-1]:
            raise Refused("no identity")
    return line


async def _line(reader: asyncio.StreamReader) -> bytes:
    """The next line; an empty one in place of one that is longer than the reader's limit. Raises
    `asyncio.IncompleteReadError` at the end."""
    too_long = False
    while True:
        try:
            line = await reader.readuntil(b"\n")
        except asyncio.LimitOverrunError as error:
            too_long = True
            await reader.readexactly(error.consumed)
        else:
            return b"" if too_long else line


def keep_alive(accepted: socket.socket) -> None:
    """Notice within half a minute that a phone has left the network without a word."""
    accepted.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (("TCP_KEEPIDLE", 15), ("TCP_KEEPINTVL", 5), ("TCP_KEEPCNT", 3)):
        with contextlib.suppress(AttributeError, OSError):  # not on every system
            accepted.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
