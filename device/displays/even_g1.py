"""The Even G1: text on both lenses, glances as notifications where wanted.

Built to the layout that the maker published (`g1_packets`) and tested against it, byte for byte.
It was never tried on real glasses.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Literal, Protocol

from device.displays.drawable import drawable
from device.displays.fit import Page
from device.displays.g1_packets import (
    DOUBLE_TAP,
    EVENT,
    EXIT,
    TAP,
    notification_packets,
    text_packets,
    white_list_packets,
)
from device.displays.glass import Glass
from device.displays.profiles import EVEN_G1

Arm = Literal["left", "right"]
ARMS: tuple[Arm, Arm] = ("left", "right")
"""In the order in which the maker wants them written to."""


class Transport(Protocol):
    """Carries packets to the two arms, each of which is a Bluetooth device of its own."""

    async def write(self, arm: Arm, packet: bytes) -> None:
        """Send one packet; returns when the arm has taken it. Raises `DisplayError`."""

    async def close(self) -> None:
        """Disconnect."""


class EvenG1(Glass):
    """Give `touched` whatever the arms send of themselves.

    `notifications`: glances come as the glasses' own notifications, which go by themselves and can
    be looked up again. It replaces the white list of apps that the maker's own app has set.
    """

    def __init__(self, transport: Transport, notifications: bool = False):
        super().__init__(EVEN_G1)
        self._transport = transport
        self._notifications = notifications
        self._listed = False
        self._sent = 0

    async def touched(self, arm: Arm, packet: bytes) -> None:
        """One tap turns the page, back on the left; two taps mean "later"."""
        if packet[:2] == bytes([EVENT, TAP]):
            await self.turn(-1 if arm == "left" else 1)
        elif packet[:2] == bytes([EVENT, DOUBLE_TAP]):
            self.hear("later")

    async def _draw(self, page: Page) -> None:
        if not page.lines:
            await self._write(ARMS, [bytes([EXIT])])
        elif self._notifications and self._scene.tier == "glance":
            await self._notify(page)
        else:
            text = "\n".join(line.text for line in page.lines)
            await self._write(ARMS, text_packets(text, self._sent, self._number + 1, self.pages))
            self._sent += 1

    async def _notify(self, page: Page) -> None:
        if not self._listed:
            await self._write(["left"], white_list_packets())
            self._listed = True
        (line,) = page.lines
        title = drawable(self._scene.title, self.profile.font)
        now = dt.datetime.now()
        await self._write(["left"], notification_packets(self._sent, title, line.text, now))
        self._sent += 1

    async def _let_go(self) -> None:
        try:
            await self._write(ARMS, [bytes([EXIT])])
        finally:
            await self._transport.close()

    async def _write(self, arms: Sequence[Arm], packets: Sequence[bytes]) -> None:
        """All packets to one arm, then to the next."""
        for arm in arms:
            for packet in packets:
                await self._transport.write(arm, packet)
