"""What stands before the wearer at each step, put into words. Pure: no display, no clock."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from device.consent import Chosen, Countdown, Open, Proposed, ReadBack, Sending
from device.displays.scene import Mark, Row, Scene
from device.messages import Card, Line, Message, Thread
from device.text import neutralise

DARK = Scene("glance", ())
LOADING = Scene("glance", (Row("Loading the model …", "notice"),))
NO_DRAFT = "No draft. Say: type, and your own words."
MOMENT = "One moment …"
"""Stands as long as what the wearer asked for is being written."""
HELP = Scene(
    "card",
    (
        Row("summary, read, reply, later, next", "notice", "to a message"),
        Row("1, 2, 3 pick a draft; type or say, and your own words", "notice", "to answer"),
        Row("send, cancel, undo, quit", "notice", "then"),
        Row("ask ..., mute GROUP, riding, walking, seated", "notice", "at any time"),
    ),
    title="What you can say",
)


def name_of(thread: Thread) -> str:
    """The conversation as the wearer knows it."""
    others = [m.sender for m in thread.messages if m.sender != thread.me]
    return neutralise(thread.title or (others[-1] if others else thread.id)) or "?"


def glance(card: Card, thread: Thread, waiting: int, pending: bool = False) -> Scene:
    """One line. What is `pending` isn't offered yet."""
    hint = "read, later" if pending else "summary, read, reply, later"
    hint += f", next ({waiting})" if waiting else ""
    return Scene("glance", (_line(card.glance),), name_of(thread), hint, thread)


def seated(card: Card, thread: Thread, waiting: int) -> Scene:
    """The same for who has the time: the line, and what is asked."""
    line = glance(card, thread, waiting)
    rows = (*line.rows, _line(card.asks, "asks you")) if card.asks else line.rows
    return Scene("card", rows, line.title, line.hint, thread)


def summary(card: Card, thread: Thread, pending: bool = False) -> Scene:
    """What it is about, and what is asked; the senders' own words while that is `pending`."""
    rows = [_line(card.summary, "summary")]
    if pending:
        rows.append(Row("The rest is being written …", "notice"))
    elif card.asks:
        rows.append(_line(card.asks, "asks you"))
    return Scene("card", tuple(rows), name_of(thread), "reply, read, later", thread)


def reader(thread: Thread) -> Scene:
    """The new messages, word for word; the last one where nothing is new."""
    messages = thread.news or thread.messages[-1:]
    rows = tuple(_message(message, thread.me) for message in messages)
    return Scene("reader", rows, name_of(thread), "reply, summary, later", thread)


def answering(state: Open | Sending, thread: Thread, now: float, remark: str = "") -> Scene:
    """The steps of consent. `remark` is what a connector has to say about sending."""
    offer = state.offer
    if isinstance(state, Proposed):
        rows = [Row(neutralise(t), "model", str(i)) for i, t in enumerate(offer.drafts, start=1)]
        hint = ", ".join([*(row.label for row in rows), "type …", "cancel"])
        if not rows:
            rows.append(Row(NO_DRAFT, "notice"))
        return Scene("card", tuple(rows), f"Reply to {offer.recipient}", hint, thread)
    own = not isinstance(state, Sending) and state.own
    text = Row(neutralise(state.text), "quote" if own else "model", "your reply")
    rows = [text, *([Row(f"{remark[0].upper()}{remark[1:]}.", "notice")] if remark else [])]
    match state:
        case Chosen() | ReadBack():
            picks = [str(i) for i in range(1, len(offer.drafts) + 1)]
            hint = ", ".join(["send", "cancel", *picks, "type …"])
            title = f"To {offer.recipient}?"
            return Scene("card", tuple(rows), title, hint, thread, "read back")
        case Countdown(ends=ends):
            left = max(1, math.ceil(ends - now))
            title = f"To {offer.recipient} in {left} …"
            return Scene("card", tuple(rows), title, "cancel", thread, "countdown")
    return Scene("card", tuple(rows), f"Sending to {offer.recipient} …", "", thread)


def with_notes(scene: Scene, notes: tuple[str, ...]) -> Scene:
    """The scene under what the wearer has to know first."""
    rows = tuple(Row(neutralise(note), "notice") for note in notes)
    tier = "card" if rows and scene.tier == "glance" else scene.tier  # a glance has no hint
    return replace(scene, tier=tier, rows=rows + scene.rows)


def _line(line: Line, label: str = "") -> Row:
    mark: Mark = "model" if line.source == "model" else "quote"
    return Row(neutralise(line.text), mark, label)


def _message(message: Message, me: str) -> Row:
    sender = "You" if message.sender == me else neutralise(message.sender)
    when = message.time.strftime("%H:%M") if message.time else ""
    return Row(neutralise(message.text) or "[empty message]", "quote", f"{sender} {when}".strip())


def unreadable(files: Sequence[str]) -> str:
    """What the wearer is told of files that lack in a replay; a screen hides what stands below."""
    return f"{', '.join(files)}: not read, or not whole; the terminal says why."


def maybe_sent(text: str) -> str:
    """What the wearer is told of a send that a crash cut off."""
    return f"May have been sent, look before you send it again: {text}"
