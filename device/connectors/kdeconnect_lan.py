"""Phones on the local network: make oneself known, hear of them, and take their connections.

    lan = Lan(account, strangers=False)
    await lan.start()
    async for link in lan.links():
        ...
    await lan.close()

Sidelong never connects to anybody. It says by UDP who and where it is, to everybody on the network
and to where its phones were last; phones connect to it. A phone that makes itself known is answered
in the same way, and one that is found by mDNS (`kdeconnect_mdns`) too.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import logging
import socket
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from typing import Any

from device.connectors.kdeconnect_account import NAME, Account
from device.connectors.kdeconnect_link import Link, Refused, keep_alive, linked
from device.connectors.kdeconnect_mdns import Mdns
from device.connectors.kdeconnect_packets import (
    COMMAND,
    COMMANDS,
    IDENTITY,
    MOST_IDENTITY_BYTES,
    NOTIFICATION,
    REPLY,
    REQUEST,
    VERSION,
    decode,
    encode,
    identity_of,
)
from device.errors import ConnectorError

log = logging.getLogger(__name__)

PORT = 1716
PORTS = range(PORT, 1765)
"""Where KDE Connect's devices listen for connections: the first that is free."""
EVERYBODY = "255.255.255.255"
SOONEST, LATEST = 1.0, 60.0
"""Seconds between two announcements: few at first, more each time that nobody answers."""
AT_ONCE = 16
"""Connections that may be on their way to be a link at the same time."""
HEARD = 256
"""Addresses whose last announcement is remembered, so that nobody is answered too often."""
_LOCAL = [
    ipaddress.ip_network(net)
    for net in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10")
]


class Lan:
    """This device on the local network. `strangers`: whether to talk to devices not paired.

    `seeking` says whether anybody is still awaited; while not, nothing is announced.
    """

    def __init__(
        self,
        account: Account,
        strangers: bool,
        seeking: Callable[[], bool] = lambda: True,
        addresses: Iterable[str] = (),
        host: str = "",
        port: int = PORT,
    ):
        """`addresses`: where phones are that a broadcast doesn't reach; `host`: the address to
        listen on, all (and mDNS) where it is empty; `port`: for UDP."""
        self._account = account
        self._strangers = strangers
        self._seeking = seeking
        self._addresses = tuple(addresses)
        self._host = host
        self._port = port
        self._links: asyncio.Queue[Link | None] = asyncio.Queue()
        self._again = asyncio.Event()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._heard: dict[str, float] = {}
        self._udp: asyncio.DatagramTransport | None = None
        self._tcp: socket.socket | None = None
        self._mdns = Mdns(self._found)
        self.tcp_port = 0

    async def start(self) -> None:
        """Listen and announce. Raises `ConnectorError` where no port is free."""
        self._tcp = self._listening()
        self.tcp_port = self._tcp.getsockname()[1]
        await self._open_udp()
        if not self._host:
            self._mdns.start()
        self._spawn(self._accept(self._tcp))
        self._spawn(self._announce())

    async def links(self) -> AsyncIterator[Link]:
        """Connections whose other side is known, as they come, until `close`."""
        while (link := await self._links.get()) is not None:
            yield link

    def seek(self) -> None:
        """Somebody is missing again: announce at once, and often at first."""
        self._again.set()

    async def close(self) -> None:
        """Let everything go. May be called twice."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._mdns.close()
        if self._udp is not None:
            self._udp.close()
        if self._tcp is not None:
            self._tcp.close()
        while not self._links.empty():
            if (link := self._links.get_nowait()) is not None:
                await link.closed()
        self._links.put_nowait(None)

    def _call(self, address: str) -> None:
        """Tell whoever is there where this device is."""
        if self._udp is not None:
            with contextlib.suppress(OSError):  # no such network just now
                self._udp.sendto(self._identity(tcpPort=self.tcp_port), (address, self._port))

    def _identity(self, **more: int) -> bytes:
        return encode(
            IDENTITY,
            deviceId=self._account.device,
            deviceName=NAME,
            deviceType="desktop",
            protocolVersion=VERSION,
            incomingCapabilities=[NOTIFICATION, COMMAND],
            outgoingCapabilities=[REQUEST, REPLY, COMMANDS],
            **more,
        )

    def _listening(self) -> socket.socket:
        for port in PORTS:
            tcp = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                tcp.bind((self._host, port))
                tcp.listen(AT_ONCE)
            except OSError:
                tcp.close()
                continue
            tcp.setblocking(False)
            return tcp
        raise ConnectorError(
            f"no port from {PORTS[0]} to {PORTS[-1]} is free, so no phone can connect; "
            "stop what listens there"
        )

    async def _open_udp(self) -> None:
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        udp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        udp.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        try:
            udp.bind((self._host, self._port))
        except OSError:  # somebody has it for themselves: still can announce
            log.warning("announcements of phones can't be heard: UDP port is taken")
            udp.bind((self._host, 0))
        udp.setblocking(False)
        loop = asyncio.get_running_loop()
        self._udp, _ = await loop.create_datagram_endpoint(lambda: _Hears(self._hear), sock=udp)

    def _hear(self, data: bytes, address: str) -> None:
        """A datagram came: perhaps somebody makes themselves known."""
        identity = identity_of(decode(data)) if len(data) <= MOST_IDENTITY_BYTES else None
        if identity is not None:
            self._found(identity.device, address)

    def _found(self, device: str, address: str) -> None:
        """A device is there. If it is awaited, it is told where to connect, once a second at
        most."""
        if device == self._account.device or not is_near(address):
            return
        awaited = self._strangers and self._seeking()
        if not awaited and self._account.phone(device) is None:
            return
        now = asyncio.get_running_loop().time()
        if now - self._heard.pop(address, -SOONEST) < SOONEST:
            return
        self._heard[address] = now
        if len(self._heard) > HEARD:
            del self._heard[next(iter(self._heard))]
        self._call(address)

    async def _announce(self) -> None:
        pause = SOONEST
        while True:
            if self._seeking():
                last = (phone.address for phone in self._account.phones)
                for address in {EVERYBODY, *self._addresses, *filter(None, last)}:
                    self._call(address)
            self._again.clear()
            try:
                async with asyncio.timeout(pause):  # `wait_for` may lose a cancellation
                    await self._again.wait()
                pause = SOONEST
            except TimeoutError:
                pause = min(2 * pause, LATEST)

    async def _accept(self, tcp: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        free = asyncio.Semaphore(AT_ONCE)
        while True:
            await free.acquire()
            try:
                accepted, (address, _) = await loop.sock_accept(tcp)
            except OSError:  # it went away again, or there are no more files to open
                free.release()
                await asyncio.sleep(SOONEST)
                continue
            task = self._spawn(self._take(accepted, address))
            task.add_done_callback(lambda _: free.release())

    async def _take(self, accepted: socket.socket, address: str) -> None:
        """Make a link of what connected, or let it go."""
        own = self._identity()
        if not is_near(address):
            log.warning("refused a connection: not on the local network")
            accepted.close()
            return
        accepted.setblocking(False)
        keep_alive(accepted)
        try:
            link = await linked(accepted, address, self._account, own, self._strangers)
        except Refused as reason:
            log.warning("refused a connection: %s", reason)
        except (OSError, TimeoutError, asyncio.IncompleteReadError):
            log.warning("a connection ended before it was known who it is")
        else:
            self._links.put_nowait(link)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[Any]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


class _Hears(asyncio.DatagramProtocol):
    def __init__(self, hear: Callable[[bytes, str], None]):
        self._hear = hear

    def datagram_received(self, data: bytes, address: tuple[str | Any, int]) -> None:
        self._hear(data, address[0])


def is_near(address: str) -> bool:
    """Whether an IP address is one of a local network, or of this machine.

    >>> is_near("192.168.1.20"), is_near("203.0.113.5"), is_near("8.8.8.8")
    (True, False, False)
    """
    ip = ipaddress.ip_address(address)
    return ip.is_loopback or ip.is_link_local or any(ip in net for net in _LOCAL)
