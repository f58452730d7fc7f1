"""The thread that is measured: 24 messages, about 500 tokens, then one more arrives."""

from __future__ import annotations

import datetime as dt
import itertools
from dataclasses import replace

from device.language.prompt import Prompt, thread_tokens
from device.messages import Message, Thread

ME = "Nora"
_LINES = (
    ("Ilse", "the landlord wrote: they start on the stairwell on Monday"),
    ("Nora", "this Monday already? I thought it was the week after"),
    ("Ilse", "this one. Scaffolding from 7:30, so no parking in front of the house"),
    ("Karim", "great, my van is there with half the kitchen in it"),
    ("Nora", "you can put it behind the bakery, Mrs Okafor said that's fine"),
    ("Karim", "is there still room next to her trailer?"),
    ("Nora", "should be, if you park it tightly"),
    ("Ilse", "and who lets the painters in? I'm in Utrecht until Tuesday"),
    ("Karim", "I leave at six on Mondays, sorry"),
    ("Nora", "I can work from home in the morning, until noon or so"),
    ("Ilse", "you're a star. They need the cellar key too"),
    ("Nora", "the one with the green tag?"),
    ("Ilse", "yes, it hangs behind my door"),
    ("Karim", "what about the bikes in the hall? there are five of them"),
    ("Ilse", "all of them have to go into the yard by Sunday evening"),
    ("Nora", "the blue one isn't ours, by the way"),
    ("Karim", "that's my cousin's, he picks it up on Saturday"),
    ("Ilse", "good. And the plants on the second floor?"),
    ("Nora", "I'll take them in, they need water anyway"),
    ("Karim", "don't let Pim near the big one, he ate two leaves last time"),
    ("Nora", "he's a cat, he regrets nothing"),
    ("Ilse", "the landlord pays 40 euros to everybody for the trouble, he says"),
    ("Karim", "40! we can buy paint of our own for that"),
    ("Nora", "let's buy pizza instead, Tuesday when Ilse is back?"),
)
_NEW = ("Ilse", "Pizza it is! Can you order at 18:30, one without olives?")


def _messages() -> list[Message]:
    start = dt.datetime(2026, 3, 5, 18, 2)
    return [
        Message(sender, text, (start + dt.timedelta(minutes=3 * i)).time())
        for i, (sender, text) in enumerate(_LINES)
    ]


def read_thread() -> Thread:
    """The 24 messages, all of them read."""
    messages = tuple(_messages())
    return Thread("bench", ME, messages, "Canal Street 14", True, len(messages))


def arrived(thread: Thread) -> Thread:
    """The thread with one new message behind it."""
    sender, text = _NEW
    new = Message(sender, text, dt.time(19, 20))
    return replace(thread, messages=(*thread.messages, new), unread_from=len(thread.messages))


def history(prompt: Prompt, tokens: int) -> Thread:
    """A read thread of about so many tokens, at least one message: the same ones over again."""
    thread = replace(read_thread(), id=f"history-{tokens}")
    size = len(prompt.opening(thread))
    messages: list[Message] = []
    for message in itertools.cycle(thread.messages):
        size += len(prompt.message(message, ME))
        if messages and size > tokens:
            break
        messages.append(message)
    return replace(thread, messages=tuple(messages), unread_from=len(messages))


def tokens_of(prompt: Prompt, thread: Thread) -> list[int]:
    """The whole thread as a model reads it."""
    return thread_tokens(prompt, thread, 1_000_000)[0]
