"""The sender's own words, shortened: what stands where the model's line didn't pass the check."""

from __future__ import annotations

import re

from device.language.values import fold, values
from device.messages import GLANCE_CHARS, Line, Message, Thread
from device.text import neutralise

SUMMARY_CHARS = 200


def shorten(text: str, chars: int) -> str:
    """`text` in at most `chars` characters, cut at a word boundary and marked with "…"."""
    if len(text) <= chars:
        return text
    head = text[: chars - 1]
    words = head.rsplit(" ", 1)[0] if " " in head else head
    return words.rstrip(" ,;:-/") + "…"


_SENTENCE = re.compile(r"(?<=[.!?…])\s+")
_CHANGES = re.compile(
    r"\b(?:not|no|now|instead|moved|changed?|cancel\w*|late|new|sorry|but|please|need|can you)\b"
    r"|n't\b"
)


def _gist(text: str, chars: int) -> str:
    """The sentence of `text` that says most, and what follows, in at most `chars` characters.

    One that asks weighs most, then one with a time, day or number, then one with a change; of
    equals the first one.
    """
    if len(text) <= chars:
        return text
    sentences = _SENTENCE.split(text)
    best = max(range(len(sentences)), key=lambda i: _weight(sentences[i]))
    cut = " ".join(sentences[best:])
    return shorten(cut, chars) if best == 0 else "…" + shorten(cut, chars - 1)


def _weight(text: str) -> int:
    return 2 * ("?" in text) + bool(values(text)) + bool(_CHANGES.search(fold(text)))


def quote(message: Message, me: str, chars: int) -> str:
    """'Sender: "their words…"' in at most `chars` characters; the wearer is "You"."""
    sender = "You" if message.sender == me else shorten(neutralise(message.sender), 20)
    room = chars - len(sender) - 4
    text = neutralise(message.text).strip() or "[empty message]"
    return f'{sender}: "{_gist(text, room)}"'


def weightiest(thread: Thread) -> Message:
    """The new message that says most, by length; the last one where nothing is new."""
    return max(thread.news or thread.messages[-1:], key=lambda m: len(m.text))


def fits_whole(thread: Thread) -> bool:
    """Whether all that is new is one message that a glance has room for, word for word.

    No line about it is truer, or sooner there.
    """
    news = thread.news or thread.messages[-1:]
    whole = quote(news[0], thread.me, len(news[0].text) + GLANCE_CHARS)
    return len(news) == 1 and len(whole) <= GLANCE_CHARS


def quoted_glance(thread: Thread) -> Line:
    """The weightiest new message as a glance."""
    return Line(quote(weightiest(thread), thread.me, GLANCE_CHARS), "quote")


WARNING = "Likely scam: "
"""The words that a person most often opened such a glance with."""


def warned_glance(thread: Thread) -> Line:
    """The model's warning, where only its summary gives one, before the weightiest new message.

    A line of the model's, since no sender calls themselves a fraud.
    """
    room = GLANCE_CHARS - len(WARNING)
    return Line(WARNING + quote(weightiest(thread), thread.me, room), "model")


def quoted_summary(thread: Thread) -> Line:
    """The weightiest new message at a summary's length, and the last one where it fits beside."""
    first, last = weightiest(thread), thread.messages[-1]
    text = quote(first, thread.me, SUMMARY_CHARS)
    if last is not first and last.sender != thread.me:
        both = f"{text} … {quote(last, thread.me, SUMMARY_CHARS)}"
        text = both if len(both) <= SUMMARY_CHARS else text
    return Line(text, "quote")


def quoted_ask(thread: Thread) -> Line | None:
    """The last new question of somebody else, as a quote; None where nobody asks anything."""
    for message in reversed(() if thread.is_answered else thread.news):
        if "?" in message.text:
            return Line(quote(message, thread.me, SUMMARY_CHARS), "quote")
    return None
