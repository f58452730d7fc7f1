"""The display that the wearer chose, opened."""

from __future__ import annotations

import sys

from device.displays.brilliant import Brilliant
from device.displays.even_g1 import EvenG1
from device.displays.g1_bluetooth import Bluetooth
from device.displays.glass import Glass
from device.displays.hud import TerminalHud
from device.displays.profiles import FRAME, HALO
from device.displays.scene import Display
from device.displays.web import StatusHook, WebDisplay
from device.settings import DisplayName


async def opened(name: DisplayName, port: int, status: StatusHook) -> Display:
    """Glasses are connected to, and answered on the keyboard too. Raises `DisplayError`."""
    match name:
        case "web":
            return WebDisplay(port=port, status=status)
        case "halo" | "frame":
            return typed(await Brilliant.connect(HALO if name == "halo" else FRAME))
        case "g1":
            arms = await Bluetooth.connect()
            glass = EvenG1(arms)
            arms.on_event = glass.touched
            return typed(glass)
    return TerminalHud()


def typed(glass: Glass) -> Glass:
    """The same, and it hears what is typed, a line each."""
    glass.hear_lines(sys.stdin)
    return glass
