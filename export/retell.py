"""What every way of telling a thread otherwise shares: all its texts at once."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable, Sequence

from device.language.grounding import check, check_reply
from device.messages import Draft, Message
from export.data import Example


def texts(example: Example) -> list[str]:
    """Everything that people and the targets say."""
    said = [m.text for m in example.thread.messages]
    drafts = [d.text for d in example.drafts]
    return [*said, example.glance, example.summary, example.asks or "", *drafts]


def mapped(
    example: Example,
    text: Callable[[str], str],
    *,
    name: Callable[[str], str] = lambda name: name,
    time: Callable[[dt.time | None], dt.time | None] = lambda time: time,
) -> Example:
    """`example` with `text` applied to every text, `name` to who speaks and what the thread is
    called, `time` to when."""
    thread = example.thread
    messages = [
        dataclasses.replace(m, sender=name(m.sender), text=text(m.text), time=time(m.time))
        for m in thread.messages
    ]
    thread = dataclasses.replace(
        thread, me=name(thread.me), title=thread.title and name(thread.title)
    )
    return dataclasses.replace(
        with_messages(dataclasses.replace(example, thread=thread), messages, thread.unread_from),
        glance=text(example.glance),
        summary=text(example.summary),
        asks=example.asks and text(example.asks),
        drafts=tuple(Draft(d.intent, text(d.text)) for d in example.drafts),
    )


def with_messages(example: Example, messages: Sequence[Message], unread_from: int) -> Example:
    """`example` with other messages and the same targets."""
    thread = dataclasses.replace(example.thread, messages=tuple(messages), unread_from=unread_from)
    return dataclasses.replace(example, thread=thread)


def supported(example: Example) -> list[bool]:
    """Whether each target passes its check: glance, summary, asks, then the drafts."""
    lines = (example.glance, example.summary, example.asks or "")
    return [check(line, example.thread).passes for line in lines] + [
        check_reply(draft.text, example.thread).passes for draft in example.drafts
    ]


def stays_true(before: Example, after: Example) -> bool:
    """Whether every target that passed its check still does."""
    return all(new or not old for old, new in zip(supported(before), supported(after), strict=True))
