"""A card in the terminal: what the glasses would show, with what it came from beside it."""

from __future__ import annotations

import datetime as dt
import os
import re

from rich.columns import Columns
from rich.console import Console, RenderableType
from rich.panel import Panel
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from device.messages import Card, Line, Thread
from device.text import neutralise

MODEL_MARK = "◇"
"""Stands before a model's line, so that it is never taken for a person's own words."""
QUOTE_MARK = "❝"
NARROW = 4
"""Columns that a text under its head is indented by."""
WIDEST = 2
"""Columns of the widest character, which no line can be narrower than."""
_URGENCY_STYLE = {"high": "bold red", "normal": "yellow", "low": "dim"}
_PARTS = ("prepare", "glance", "triage", "summary", "asks", "replies")


class Screen(Console):
    """A terminal, or the file or pipe that stands for it."""

    def __init__(self) -> None:
        super().__init__(highlight=False)

    @property
    def wraps(self) -> bool:
        """Whether lines have an end here: not in a file or pipe, which programs read too."""
        return self.is_terminal or "COLUMNS" in os.environ

    def on_broken_pipe(self) -> None:
        """Nobody reads any more. Rich would end the process here; this leaves it to `cli.main`."""
        raise  # the BrokenPipeError that rich is handling


def hang(head: Text, body: Text, console: Console, indent: int = 0) -> None:
    """`head`, and `body` beside it, with each of its lines under the first one.

    Where nothing wraps (`Screen.wraps`) both are as long as they are.

    `indent` columns are kept for the head. Where it leaves the body less than half of the screen,
    the body stands under it.
    """
    indent = max(indent, head.cell_len)
    if isinstance(console, Screen) and not console.wraps:
        for line in body.split("\n"):
            head.append(" " * (indent - head.cell_len)).append_text(line)
            console.print(head, soft_wrap=True)
            head = Text()
        return
    if indent > console.width // 2:
        for number, line in enumerate(head.wrap(console, max(console.width - NARROW, WIDEST))):
            line.rstrip()
            console.print(Text(" " * NARROW if number else "").append_text(line), soft_wrap=True)
        head, indent = Text(), NARROW
    for line in body.wrap(console, max(console.width - indent, WIDEST)):
        line.rstrip()
        head.append(" " * (indent - head.cell_len)).append_text(line)
        console.print(head, soft_wrap=True)
        head = Text()


def show_thread(thread: Thread, console: Console, last: int = 12) -> None:
    """The last messages of a thread, the new ones bright, each day under its date."""
    title = neutralise(thread.title or "") or ("Group" if thread.is_group else "Chat")
    console.print(Rule(Text(title, style="bold"), align="left", style="dim"))
    start = max(0, len(thread.messages) - last)
    if start:
        console.print(Text(f"  … {start} earlier message{'s' * (start > 1)}", style="dim"))
    day: dt.date | None = None
    for i in range(start, len(thread.messages)):
        message = thread.messages[i]
        if message.date and message.date != day:
            day = message.date
            console.print(Text(f"  {day:%a} {day.day} {day:%b} {day.year}", style="dim"))
        new = i >= thread.unread_from
        head = Text("  ")
        head.append(message.time.strftime("%H:%M ") if message.time else "", style="dim")
        mine = message.sender == thread.me
        name = "me" if mine else neutralise(message.sender)
        head.append(f"{name} ", style="green" if mine else "bold cyan" if new else "cyan")
        hang(head, Text(neutralise(message.text), style="" if new else "dim"), console)


def show_card(card: Card, console: Console, nothing_new: bool = False, times: bool = False) -> None:
    """The card: the glance on the lens, then what is there on request; `times`: how long each took.

    `nothing_new`: the wearer has read all that others wrote. The lens stays dark then; what the
    thread was about, and what is still open in it, is there on request.
    """
    if nothing_new:
        console.print(Text("  nothing new", style="dim italic"))
    else:
        console.print(_lens(card.glance))
    facts = Table.grid(padding=(0, 2))
    facts.add_column(style="dim", justify="right", min_width=9)
    facts.add_column()
    facts.add_row("summary", _marked(card.summary))
    if card.asks or not nothing_new:
        asks = _marked(card.asks) if card.asks else Text("nothing", style="dim")
        facts.add_row("asks you", asks)
    if card.triage.needs_reply or not nothing_new:
        urgency = Text(card.triage.urgency, style=_URGENCY_STYLE[card.triage.urgency])
        wanted = "reply wanted" if card.triage.needs_reply else "no reply needed"
        facts.add_row("urgency", urgency.append(f", {wanted}", "default"))
    for number, draft in enumerate(card.drafts, start=1):
        text = Text(f"{MODEL_MARK} ", style="magenta").append(draft.text, style="default")
        kind = draft.intent + (", ready-made" if draft.source == "plain" else "")
        text.append(f"  {kind}", style="dim italic")
        facts.add_row(f"draft {number}", text)
    if times:
        facts.add_row("took", Text(_times(card), style="dim"))
    console.print(facts)
    console.print()


def _lens(glance: Line) -> RenderableType:
    return Panel(_marked(glance, "bold"), border_style="green", expand=False, padding=(0, 1))


def _marked(line: Line, style: str = "default") -> Text:
    mark = MODEL_MARK if line.source == "model" else QUOTE_MARK
    return Text(f"{mark} ", style="magenta" if line.source == "model" else "blue").append(
        line.text, style=style
    )


def _times(card: Card) -> str:
    times = "  ".join(f"{part} {card.timings_ms[part]:.0f}" for part in _PARTS)
    return f"{times} ms   ({card.tokens} tokens, {re.sub(r'[^ -~]', '?', card.model)})"


def legend() -> Columns:
    """What the marks mean, once a run."""
    model = Text(MODEL_MARK, style="magenta")
    model.append(" the machine's words, checked against the thread", style="dim")
    quote = Text(QUOTE_MARK, style="blue").append(" the sender's own words", style="dim")
    return Columns((model, quote), padding=(0, 3))
