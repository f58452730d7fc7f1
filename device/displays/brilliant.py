"""Brilliant Halo and Frame: each line by `frame.display.text`, in the Lua that they run.

The commands are those of the maker's documentation and packages (brilliant-ble, frame-sdk). Halo's
are tried on the maker's emulator; on real glasses neither was. Halo draws at once and takes colours
as numbers; Frame draws unseen until `show` and begins with an empty picture after it.
"""

from __future__ import annotations

from typing import Any, Protocol, Self

from device.displays.fit import Line, Page
from device.displays.glass import Glass
from device.displays.profiles import FRAME, HALO, Kind, Profile
from device.errors import DisplayError

COLOURS: dict[Kind, int] = {
    "model": 0xFF9CFF,
    "quote": 0x87CEEB,
    "notice": 0xFFFFFF,
    "title": 0x90EE90,
    "hint": 0x808080,
}
"""Of a line on Halo, RGB. The mark alone says whose words a line is; colour only helps."""
WAKE = "frame.display.power_save(false)"
SHOW = "frame.display.show();print(0)"
DARK = {
    HALO.name: "frame.display.clear(0x000000)",
    FRAME.name: r'frame.display.bitmap(1,1,4,2,15,"\xFF")',
}
"""What empties the picture; Frame has no command for it, and its SDK draws a dot in no colour."""


class Link(Protocol):
    """`brilliant_ble.BrilliantBle`, or the emulator's `EmulatorBrilliantMsg`."""

    async def send_lua(self, string: str, /, *, await_print: bool = False) -> Any:
        """Run a piece of Lua; with `await_print` returns when it has printed."""

    async def disconnect(self) -> Any:
        """Let the glasses go."""


class Brilliant(Glass):
    """Halo or Frame, over a link that is connected."""

    def __init__(self, link: Link, profile: Profile = HALO):
        super().__init__(profile)
        self._link = link
        self._awake = False

    @classmethod
    async def connect(cls, profile: Profile = HALO, name: str | None = None) -> Self:
        """Over Bluetooth; `name` as it is advertised ("Halo 4F"), or the first that is found.

        Raises `DisplayError`.
        """
        try:
            from brilliant_ble import BrilliantBle
        except ImportError as error:
            raise DisplayError(
                f"{profile.name}: Bluetooth needs the package brilliant-ble; install it with "
                "`pip install brilliant-ble`"
            ) from error
        link = BrilliantBle()
        try:
            await link.connect(name=name)
        except Exception as error:  # the package raises bare exceptions
            raise DisplayError(
                f"{profile.name}: no connection ({error}); wake them, keep them near, and see "
                "that they are paired with this machine"
            ) from error
        return cls(link, profile)

    async def _draw(self, page: Page) -> None:
        commands = [] if self._awake else [WAKE]
        if self.profile is HALO or not page.lines:
            commands.append(DARK[self.profile.name])
        left = 1 + (self.profile.area[0] - self.profile.width) // 2
        top = 1 + (self.profile.area[1] - len(page.lines) * self.profile.line_height) // 2
        for number, line in enumerate(page.lines):
            commands.append(self._text(line, left, top + number * self.profile.line_height))
        await self._run(commands)
        self._awake = True

    def _text(self, line: Line, x: int, y: int) -> str:
        colour = f",{COLOURS[line.kind]:#08x}" if self.profile is HALO else ""
        return f"frame.display.text({lua_string(line.text)},{x},{y}{colour})"

    async def _let_go(self) -> None:
        try:
            await self._run([DARK[self.profile.name]])
        finally:
            await self._link.disconnect()

    async def _run(self, commands: list[str]) -> None:
        """One command a packet: none is longer than a packet of any of these glasses."""
        try:
            for command in commands:
                await self._link.send_lua(command)
            await self._link.send_lua(SHOW, await_print=True)
        except Exception as error:  # the package raises bare exceptions
            raise DisplayError(
                f"{self.profile.name}: the glasses don't answer ({error}); wake them and keep "
                "them near"
            ) from error


def lua_string(text: str) -> str:
    r"""`text` as a Lua literal; what a font draws holds no line breaks.

    >>> print(lua_string('say "no" \\ or'))
    "say \"no\" \\ or"
    """
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
