"""A card in the terminal: what the glasses would show, with what it came from beside it."""

from __future__ import annotations

import re

from rich.console import Console, Group, RenderableType
from rich.panel import Panel
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from device.messages import Card, Line, Thread
from device.text import neutralise

MODEL_MARK = "◇"
"""Stands before a model's line, so that it is never taken for a person's own words."""
QUOTE_MARK = "❝"
_URGENCY_STYLE = {"high": "bold red", "normal": "yellow", "low": "dim"}
_PARTS = ("prefill", "glance", "triage", "summary", "asks", "replies")


def show_thread(thread: Thread, console: Console, last: int = 12) -> None:
    """The last messages of a thread, the new ones bright."""
    title = neutralise(thread.title or "") or ("Group" if thread.is_group else "Chat")
    console.print(Rule(Text(title, style="bold"), align="left", style="dim"))
    start = max(0, len(thread.messages) - last)
    if start:
        console.print(Text(f"  … {start} earlier messages", style="dim"))
    for i in range(start, len(thread.messages)):
        message = thread.messages[i]
        new = i >= thread.unread_from
        line = Text("  ")
        line.append(message.time.strftime("%H:%M ") if message.time else "", style="dim")
        mine = message.sender == thread.me
        name = "me" if mine else neutralise(message.sender)
        line.append(f"{name} ", style="green" if mine else "bold cyan" if new else "cyan")
        line.append(neutralise(message.text), style="" if new else "dim")
        console.print(line)


def show_card(card: Card, console: Console) -> None:
    """The card: the glance on the lens, then what is there on request."""
    console.print(_lens(card.glance))
    facts = Table.grid(padding=(0, 2))
    facts.add_column(style="dim", justify="right", min_width=9)
    facts.add_column()
    facts.add_row("summary", _marked(card.summary))
    asks = _marked(card.asks) if card.asks else Text("nothing", style="dim")
    facts.add_row("asks you", asks)
    urgency = Text(card.triage.urgency, style=_URGENCY_STYLE[card.triage.urgency])
    urgency.append(", reply wanted" if card.triage.needs_reply else ", no reply needed", "default")
    facts.add_row("urgency", urgency)
    for number, draft in enumerate(card.drafts, start=1):
        text = Text(f"{MODEL_MARK} ", style="magenta").append(draft.text, style="default")
        text.append(f"  {draft.intent}", style="dim italic")
        facts.add_row(f"draft {number}", text)
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


def legend() -> Group:
    """What the marks mean, once a run."""
    words = Text(f"{MODEL_MARK}", style="magenta")
    words.append(" the model's own words, checked against the thread   ", style="dim")
    words.append(QUOTE_MARK, style="blue")
    words.append(" the sender's own words", style="dim")
    return Group(words)
