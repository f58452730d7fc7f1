"""The terminal's own screen: the chat, the glass in its frame under it, a line to type in."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from prompt_toolkit.application import Application
from prompt_toolkit.buffer import Buffer
from prompt_toolkit.formatted_text import ANSI, StyleAndTextTuples
from prompt_toolkit.key_binding import KeyBindings
from prompt_toolkit.layout import (
    BufferControl,
    Dimension,
    FormattedTextControl,
    HSplit,
    Layout,
    Window,
)
from prompt_toolkit.layout.processors import BeforeInput
from prompt_toolkit.styles import Style
from rich.console import Console

from device.displays.fit import CARD_LINES, Line, Page
from device.displays.profiles import Profile, terminal
from device.displays.terminal import legend, show_thread
from device.errors import DisplayError
from device.messages import Thread

if TYPE_CHECKING:
    from device.displays.hud import TerminalHud

STYLE = Style.from_dict(
    {
        "frame": "ansigreen",
        "dark": "ansibrightblack",
        "title": "bold",
        "hint": "ansibrightblack",
        "model": "ansimagenta",
        "quote": "ansiblue",
        "notice": "ansiyellow",
        "prompt": "ansigreen bold",
    }
)
PROMPT = "› "
WAITING = "[dim]A message stands on the glass once it was read. help: what you can say.[/]"


def framed(page: Page, profile: Profile) -> StyleAndTextTuples:
    """The glass: title and hint in the frame, the lines between, `profile.width` + 4 cells wide.

    A mark has its colour, the words behind it are plain. At least three lines high, so that
    nothing jumps when a card follows a glance.
    """
    style = "class:frame" if page.lines else "class:dark"
    blank = [Line("", "notice")] * (CARD_LINES - len(page.body))
    drawn = [*_edge("╭╮", page.title, profile, style)]
    for line in (*page.body, *blank):
        mark = profile.marks[line.kind]
        head = len(mark) if line.text.startswith(mark.rstrip()) else 0
        pad = " " * (profile.width - profile.font.measure(line.text))
        drawn += [
            (style, "│ "),
            (f"class:{line.kind}", line.text[:head]),
            ("", line.text[head:] + pad),
            (style, " │\n"),
        ]
    return drawn + _edge("╰╯", page.hint, profile, style)


def _edge(corners: str, line: Line | None, profile: Profile, style: str) -> StyleAndTextTuples:
    """The upper or lower side of the frame, and what stands in it."""
    text = f" {line.text.removeprefix(profile.marks[line.kind])} " if line else ""
    rule = "─" * (profile.width + 1 - profile.font.measure(text))
    kind = f"class:{line.kind}" if line else ""
    return [(style, f"{corners[0]}─"), (kind, text), (style, f"{rule}{corners[1]}\n")]


@lru_cache(maxsize=1)
def _chat(thread: Thread | None, columns: int, rows: int) -> str:
    """The conversation at the bottom of so many rows, coloured by ANSI codes; before the first one,
    why the glass is dark."""
    out = io.StringIO()
    console = Console(
        file=out, width=columns, force_terminal=True, color_system="standard", highlight=False
    )
    if thread is None:
        console.print(legend(), WAITING, sep="\n")
    else:
        show_thread(thread, console, last=rows)
    lines = out.getvalue().splitlines()[-rows:] if rows > 0 else []
    lines = [""] * (rows - len(lines)) + lines
    return "\n".join(f"{line} " for line in lines)  # prompt_toolkit draws a last vowel sign twice


class Screen:
    """Draws what the HUD shows, at whatever size the terminal has."""

    def __init__(self, hud: TerminalHud):
        self._hud = hud
        self._drawn = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        typed = Buffer(multiline=False, accept_handler=self._accept)
        line = BufferControl(typed, input_processors=[BeforeInput(PROMPT, "class:prompt")])
        self._app: Application[None] = Application(
            Layout(
                HSplit(
                    [
                        Window(FormattedTextControl(self._above), height=Dimension(preferred=0)),
                        Window(FormattedTextControl(self._glass), height=self._height),
                        Window(line, height=1),
                    ]
                ),
                focused_element=line,
            ),
            key_bindings=self._keys(),
            style=STYLE,
            full_screen=True,
        )
        self._app.after_render += lambda _: self._drawn.set()

    def open(self) -> asyncio.Task[None]:
        """Take the screen, if it isn't taken yet."""
        if self._task is None:
            self._task = asyncio.ensure_future(self._run())
        return self._task

    async def draw(self, pages: Sequence[Page]) -> None:
        """Returns when the HUD's page is on the screen; at once when the wearer has left it."""
        self._drawn.clear()
        task = self.open()
        if self._app.is_running:
            # Terminals differ in the width of joined emoji: what was there is wiped, not patched;
            # on this screen alone, not what stands on the one that is given back.
            self._app.renderer.erase(leave_alternate_screen=False)
            self._app.invalidate()
        drawn = asyncio.ensure_future(self._drawn.wait())
        await asyncio.wait({drawn, task}, return_when=asyncio.FIRST_COMPLETED)
        drawn.cancel()
        if task.done() and (error := task.exception()):
            raise DisplayError(f"terminal: the screen can't be drawn ({error})") from error

    async def close(self) -> None:
        """Give the screen back as it was."""
        if self._task is not None:
            if self._app.is_running:
                self._app.exit()
            await self._task

    async def _run(self) -> None:
        try:
            await self._app.run_async(set_exception_handler=False)
        finally:
            self._hud.hang_up()

    def _keys(self) -> KeyBindings:
        keys = KeyBindings()

        def turn(pages: int) -> Callable[[object], None]:
            def turning(_: object) -> None:
                self._app.create_background_task(self._turn(pages))

            return turning

        def leave(_: object) -> None:
            if not self._app.is_done:
                self._app.exit()

        for key in ("c-c", "c-d", "<sigint>"):
            keys.add(key)(leave)
        keys.add("pagedown")(turn(1))
        keys.add("pageup")(turn(-1))
        return keys

    async def _turn(self, pages: int) -> None:
        await self._hud.turn(pages)

    def _accept(self, typed: Buffer) -> bool:
        """Pass on a line; False empties it."""
        if words := typed.text.strip():
            self._hud.hear(words)
        return False

    def _fit(self) -> tuple[int, int]:
        """(columns, rows) of the terminal, for which the scene is laid out."""
        size = self._app.output.get_size()
        self._hud.resize(terminal(size.columns, size.rows))
        return size.columns, size.rows

    def _glass(self) -> StyleAndTextTuples:
        self._fit()
        return framed(self._hud.page, self._hud.profile)

    def _height(self) -> Dimension:
        self._fit()
        lines = max(len(self._hud.page.body), CARD_LINES) + 2
        return Dimension(min=1, preferred=lines, max=lines)

    def _above(self) -> ANSI:
        columns, rows = self._fit()
        height = self._height()
        return ANSI(_chat(self._hud.scene.thread, columns, rows - height.preferred - 1))
