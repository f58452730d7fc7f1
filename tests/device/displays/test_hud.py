"""The HUD: on a screen of its own, and as lines on a pipe."""

from __future__ import annotations

import asyncio
import datetime as dt
import io
from collections.abc import Awaitable, Callable

import pytest
from prompt_toolkit.application import create_app_session
from prompt_toolkit.data_structures import Size
from prompt_toolkit.formatted_text import fragment_list_to_text
from prompt_toolkit.input import PipeInput, create_pipe_input
from prompt_toolkit.output.vt100 import Vt100_Output
from wcwidth import wcswidth

from device.displays.fit import fit
from device.displays.hud import TerminalHud
from device.displays.hud_screen import framed
from device.displays.profiles import terminal
from device.displays.scene import Row, Scene
from device.messages import Message, Thread
from tests.device.displays.test_conformance import TEXTS

BEN = Thread("t", "Anna", (Message("Ben", "are you in?", dt.time(9, 12)),), "Ben")
CARD = Scene("card", (Row("see you", "model", "1"), Row("chairs", "quote")), "Ben", "1, later", BEN)
LONG = Scene("reader", (Row("first " + "and then we went on " * 40 + "last", "quote"),), "Ben")


class Tty(io.StringIO):
    """A terminal as far as anybody asks."""

    def isatty(self) -> bool:
        return True


def on_a_screen(
    act: Callable[[TerminalHud, PipeInput], Awaitable[None]], columns: int = 80, rows: int = 24
) -> str:
    """What is written to a terminal of that size, control codes and all."""
    target = Tty()
    output = Vt100_Output(target, lambda: Size(rows, columns), term="xterm")
    with create_pipe_input() as keys, create_app_session(keys, output):
        asyncio.run(run(act, keys))
    return target.getvalue()


async def run(act: Callable[[TerminalHud, PipeInput], Awaitable[None]], keys: PipeInput) -> None:
    hud = TerminalHud(Tty(), Tty())
    try:
        async with asyncio.timeout(60):
            await act(hud, keys)
    finally:
        await hud.close()


def test_a_scene_is_drawn_with_its_chat_when_show_returns() -> None:
    async def act(hud: TerminalHud, _: PipeInput) -> None:
        await hud.show(CARD)

    drawn = on_a_screen(act)
    for text in ("are you in?", "see you", "◇ ", "❝ ", "1, later", "› "):
        assert text in drawn
    assert drawn.rindex("\x1b[?1049l") > drawn.rindex("\x1b[?1049h"), "the screen is given back"


def test_what_the_terminal_held_before_is_not_wiped() -> None:
    """Errors, say, that were told before: they are on the terminal's other screen."""

    async def act(hud: TerminalHud, _: PipeInput) -> None:
        for scene in (Scene("glance", ()), CARD, LONG):
            await hud.show(scene)

    drawn = on_a_screen(act)
    assert drawn.count("\x1b[?1049l") == 1, "left once, at the end"
    assert "A message stands on the glass once it was read" in drawn, "until then it is dark"


def test_lines_typed_are_heard_until_control_c() -> None:
    async def act(hud: TerminalHud, keys: PipeInput) -> None:
        await hud.show(CARD)
        keys.send_text("reply\r \rsay yes, at 8\rhalf a wo\x03")
        assert [heard async for heard in hud.utterances()] == ["reply", "say yes, at 8"]
        await hud.show(CARD)  # nobody looks any more; nothing is wrong either

    on_a_screen(act)


def test_page_down_turns_the_page_and_a_new_scene_begins_at_its_first() -> None:
    async def act(hud: TerminalHud, keys: PipeInput) -> None:
        await hud.show(LONG)
        first = hud.page
        keys.send_text("\x1b[6~")
        while hud.page is first:
            await asyncio.sleep(0.01)
        assert hud.page.hint is not None
        assert hud.page.hint.text.endswith("2/3")
        await hud.show(LONG)
        assert hud.page == first

    on_a_screen(act)


def test_the_scene_is_laid_out_for_the_size_of_the_terminal() -> None:
    async def act(hud: TerminalHud, _: PipeInput) -> None:
        await hud.show(LONG)
        assert hud.profile == terminal(40, 12)
        assert hud.pages == len(fit(LONG, terminal(40, 12)))

    on_a_screen(act, 40, 12)


@pytest.mark.parametrize("name", sorted(set(TEXTS) - {"emoji", "joiners"}))
@pytest.mark.parametrize("size", [(80, 24), (40, 12), (20, 6)])
def test_the_frame_is_a_rectangle(size: tuple[int, int], name: str) -> None:
    """Joined emoji left out, in whose width terminals differ."""
    profile = terminal(*size)
    scene = Scene("reader", (Row(TEXTS[name], "model"),), TEXTS[name], TEXTS[name])
    for page in fit(scene, profile):
        lines = fragment_list_to_text(framed(page, profile)).splitlines()
        assert {wcswidth(line) for line in lines} == {size[0]}
        assert len(lines) == max(len(page.body), 3) + 2


def test_no_sender_paints_the_frame() -> None:
    """Whatever is written, the only colours behind a mark are the terminal's own."""
    page = fit(Scene("card", (Row("◇ ╮ red", "quote"),), "◇ Ben"), terminal(80, 24))[0]
    marked = [text for style, text, *_ in framed(page, terminal(80, 24)) if style == "class:model"]
    assert marked == []


def test_lines_on_a_pipe() -> None:
    target = io.StringIO()

    async def talk() -> list[str]:
        hud = TerminalHud(io.StringIO("reply\n\n  1 \nlast"), target)
        await hud.show(CARD)
        await hud.show(LONG)
        heard = [heard async for heard in hud.utterances()]
        await hud.show(Scene("card", ()))
        await hud.close()
        return heard

    assert asyncio.run(talk()) == ["reply", "1", "last"]
    card, *reader = target.getvalue().split("\n\n")
    assert card.splitlines() == ["# Ben", "◇ 1: see you", "❝ chairs", "› 1, later"]
    assert "❝ first and then" in reader[0]
    assert any(page.endswith("last\n› 3/3") for page in reader), "all pages, not the first alone"
