"""The Even G1 over Bluetooth, by bleak where it is installed. Never tried on real glasses.

Each arm is a device of its own that offers the Nordic UART service; its name has "_L_" or "_R_" in
it (EvenDemoApp, the Bluetooth managers for Android and iOS).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Self

from device.displays.even_g1 import ARMS, Arm
from device.displays.g1_packets import EVENT, TAKEN
from device.errors import DisplayError

WRITE = "6e400002-b5a3-f393-e0a9-e50e24dcca9e"
NOTIFY = "6e400003-b5a3-f393-e0a9-e50e24dcca9e"
"""Characteristics of the Nordic UART service, seen from the glasses: what they take, and send."""
SIGNS: dict[Arm, str] = {"left": "_L_", "right": "_R_"}
PATIENCE = 2.0
"""Seconds that an arm has to take a packet."""
_UNREACHED = "wake them, keep them near, and disconnect the maker's own app"


class Bluetooth:
    """A `Transport` over two connections."""

    def __init__(self, clients: dict[Arm, Any]):
        """`clients`: a connected `bleak.BleakClient` an arm, for `write` to write to."""
        self.on_event: Callable[[Arm, bytes], Awaitable[None]] | None = None
        """Told of every touch: `EvenG1.touched`."""
        self._clients = clients
        self._answers: dict[Arm, asyncio.Queue[bytes]] = {arm: asyncio.Queue() for arm in ARMS}
        self._events: set[asyncio.Future[None]] = set()

    @classmethod
    async def connect(cls) -> Self:
        """Find both arms and connect. Raises `DisplayError`."""
        try:
            from bleak import BleakClient, BleakScanner
            from bleak.exc import BleakError
        except ImportError as error:
            raise DisplayError(
                "Even G1: Bluetooth needs the package bleak; install it with `pip install bleak`"
            ) from error
        clients: dict[Arm, Any] = {}
        self = cls(clients)
        try:
            for arm, sign in SIGNS.items():
                device = await BleakScanner.find_device_by_filter(
                    lambda d, _, sign=sign: "G1" in (d.name or "") and sign in (d.name or "")
                )
                if device is None:
                    raise DisplayError(f"Even G1: the {arm} arm was not found; {_UNREACHED}")
                client = BleakClient(device)
                await client.connect()
                clients[arm] = client
                await client.start_notify(NOTIFY, self._receiver(arm))
        except (BleakError, DisplayError, OSError) as error:
            await self.close()
            if isinstance(error, DisplayError):
                raise
            raise DisplayError(f"Even G1: no connection ({error}); {_UNREACHED}") from error
        return self

    async def write(self, arm: Arm, packet: bytes) -> None:
        """Send a packet and wait for the arm's answer. Raises `DisplayError`."""
        answers = self._answers[arm]
        while not answers.empty():
            answers.get_nowait()
        try:
            await self._clients[arm].write_gatt_char(WRITE, packet, response=False)
            async with asyncio.timeout(PATIENCE):
                while (answer := await answers.get())[0] != packet[0]:
                    pass
        except Exception as error:  # bleak's backends raise errors of their own
            raise DisplayError(f"Even G1: the {arm} arm doesn't answer; {_UNREACHED}") from error
        if not set(answer[1:2]) & set(TAKEN):
            raise DisplayError(f"Even G1: the {arm} arm refused a packet of kind {packet[0]:#x}")

    async def close(self) -> None:
        """Disconnect both arms."""
        for client in self._clients.values():
            await client.disconnect()

    def _receiver(self, arm: Arm) -> Callable[[Any, bytearray], None]:
        """What bleak calls with each packet of an arm."""

        def receive(_: Any, packet: bytearray) -> None:
            if packet[0] != EVENT:
                self._answers[arm].put_nowait(bytes(packet))
            elif self.on_event is not None:
                event = asyncio.ensure_future(self.on_event(arm, bytes(packet)))
                self._events.add(event)
                event.add_done_callback(self._events.discard)

        return receive
