"""What has been found for a question, put into words: cited, spoken, and in one line of the model's
where the judge lets it pass."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import replace

from device.ask import Found, turn
from device.inbox import Inbox
from device.language.judge import Judge
from device.language.question import fits_kind, likeness, understand_question
from device.language.quotes import shorten
from device.language.words import content, words
from device.messages import GLANCE_CHARS, Card, Line, Message, Thread
from device.text import neutralise

NOTHING = "Nothing found."
ASKED = "No answer found; it was asked:"
"""Before a message that only asks the same."""
SPOKEN_CHARS = 160
"""As much of a message as is read aloud; the rest is there to be read."""
READ = 20
"""Messages before the one found that the model reads with it."""


def when(message: Message, today: dt.date) -> str:
    """When a message was written: "today 09:40", "Fri 6 Mar 09:40"; the year where it is another.

    Empty where its source doesn't say.
    """
    date, parts = message.date, []
    if date == today:
        parts.append("today")
    elif date is not None:
        year = "" if date.year == today.year else f" {date.year}"
        parts.append(f"{date:%a} {date.day} {date:%b}{year}")
    if message.time is not None:
        parts.append(f"{message.time:%H:%M}")
    return " ".join(parts)


def writer_of(found: Found) -> str:
    """Who wrote it, the wearer being "You"."""
    return "You" if found.by_me else neutralise(found.message.sender)


def where(found: Found) -> str:
    """The conversation's name; empty where that only repeats who wrote it."""
    title = neutralise(found.title or found.thread_id)
    return "" if title == neutralise(found.message.sender) else title


def spoken(found: list[Found], today: dt.date) -> str:
    """The best answer as one sentence to be heard, and what changed it later; or that there is
    none, or only the question."""
    if not found:
        return NOTHING
    best = found[0]
    later = [f"Later, {_cited(one, today)}" for one in found[1:] if turn(one, best) == "later"]
    said = [_cited(best, today), *later]
    ended = [part if part.endswith((".", "!", "?", "…")) else f"{part}." for part in said[:-1]]
    return " ".join([*([ASKED] if best.asked else ()), *ended, said[-1]])


def _cited(found: Found, today: dt.date) -> str:
    parts = (
        writer_of(found),
        when(found.message, today),
        f"in {place}" if (place := where(found)) else "",
    )
    said = shorten(neutralise(found.message.text), SPOKEN_CHARS)
    return f"{', '.join(filter(None, parts))}: {said}"


def in_one_line(
    text: str,
    found: Found,
    inbox: Inbox,
    stages: Callable[[Thread], Iterator[Card]],
) -> Line | None:
    """A line of the model's about a message that is no line itself; None where there is no need of
    one, none that holds, or no answer.

    `text` is the question, `stages` writes cards (`Assistant.stages`). The line passes the judge
    against the message found and what precedes it, has what the question wants, says a word of the
    question, and says nothing that the message itself doesn't: what the judge lets pass by a word
    of a neighbouring message or its sender ("Sara's party" for Ida's) would be a wrong answer here.
    Raises `StoreError`.
    """
    if found.asked or len(neutralise(found.message.text)) <= GLANCE_CHARS:
        return None
    thread = inbox.thread(found.connector, found.thread_id)
    ids = [message.id for message in thread.messages]
    end = ids.index(found.message.id) + 1
    read = thread.messages[max(0, end - READ) : end]
    about = replace(thread, messages=read, unread_from=len(read) - 1)
    glance = next(stages(about)).glance
    if glance.source != "model" or not Judge().judge(glance.text, about).passes:
        return None
    question = understand_question(text)
    wanted = fits_kind(question.wants, found.message.text)
    line = words(glance.text)
    told = any(likeness(w, said) for w in question.about for said in line)
    source = set(content(words(found.message.text)))
    answers = told and fits_kind(question.wants, glance.text) >= wanted
    return glance if answers and source.issuperset(content(line)) else None
