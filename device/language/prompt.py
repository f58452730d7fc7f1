"""Thread <-> tokens: the one prompt format, used by training, the exam and the device.

    <|im_start|>thread {title or "-"}\\n
    {speaker} {HH:MM}: {text}\\n                 one line a message; the wearer is "me"
    --- new ---\\n                               between what the wearer has read and what is new
    {speaker} {HH:MM}: {text}\\n
    <|im_start|>{task}\\n                        glance | summary | asks | triage | reply {intent}
    {answer}<|im_end|>

Each piece is tokenized on its own, so the tokens of a thread never change once written: a message
is prefilled when it arrives, and a task costs its own few tokens.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache, partial
from typing import Literal, Protocol

from device.language.languages import is_taught
from device.language.tokenizer import Tokenizer
from device.messages import INTENTS, URGENCIES, Intent, Message, Thread, Triage
from device.text import neutralise

Task = Literal["glance", "summary", "asks"]

VERSION = "thread/1"
"""Names this format in manifests and GGUF metadata; change one, change the other."""

NOTHING_ASKED = "-"
"""The answer of `asks` when nothing is asked of the wearer."""

ME = "me"

KEPT = 4096
"""Messages whose tokens are kept: a few megabytes."""


def speaker_name(message: Message, me: str) -> str:
    """The name a line opens with: "me" for the wearer and for nobody else."""
    if message.sender == me:
        return ME
    name = neutralise(message.sender).replace(":", "").lstrip("~")[:48].strip() or "?"
    return f"{name}." if name.casefold() == ME else name


def message_line(message: Message, me: str) -> str:
    """One message as one line, without its end."""
    clock = message.time.strftime(" %H:%M") if message.time else ""
    return f"{speaker_name(message, me)}{clock}: {neutralise(message.text)}"


def message_tokens(tokenizer: Tokenizer, message: Message, me: str) -> list[int]:
    """One message as one line, with its end."""
    return tokenizer.encode(message_line(message, me) + "\n")


class Prompt(Protocol):
    """What the writer needs of a prompt format; `ThreadPrompt` and `ChatPrompt` are the two."""

    @property
    def stop(self) -> frozenset[int]:
        """Tokens that end an answer."""

    def knows(self, thread: Thread) -> bool:
        """Whether its models were taught the thread's language."""

    def opening(self, thread: Thread, earlier: str | None = None) -> list[int]:
        """Tokens before the first message; `earlier` sums up messages that no longer fit."""

    def message(self, message: Message, me: str) -> list[int]:
        """Tokens of one message."""

    def new_mark(self) -> list[int]:
        """Tokens of the line that divides what was read from what is new."""

    def task(self, task: Task, thread: Thread) -> list[int]:
        """Tokens that ask for a text; the answer follows."""

    def reply(self, intent: Intent, thread: Thread) -> list[int]:
        """Tokens that ask for a reply with this intent; the answer follows."""

    def triage(self, thread: Thread) -> tuple[list[int], list[tuple[Triage, list[int]]]]:
        """Tokens that ask for triage, and the tokens of every possible answer."""

    def intents(self, thread: Thread) -> tuple[list[int], list[tuple[Intent, list[int]]]]:
        """Tokens that ask for an intent, and the tokens of every possible answer."""


class ThreadPrompt:
    """Sidelong's own format, for models trained on it."""

    def __init__(self, tokenizer: Tokenizer):
        self._tokenizer = tokenizer
        # With each arriving message the whole thread is asked for again.
        self._message = lru_cache(maxsize=KEPT)(partial(message_tokens, tokenizer))
        self._start = tokenizer.control("<|im_start|>")
        self._end = tokenizer.control("<|im_end|>")
        self._newline = tokenizer.encode("\n")
        self._new = tokenizer.encode("--- new ---\n")
        self._intents = [(i, tokenizer.encode(f" {i}")) for i in INTENTS]
        self._triages = [
            (Triage(reply, urgency), self.triage_answer(reply, urgency))
            for reply, urgency in itertools.product((True, False), URGENCIES)
        ]

    @property
    def stop(self) -> frozenset[int]:
        return frozenset((self._end, self._start))

    @property
    def end(self) -> int:
        """The token that closes every answer in training."""
        return self._end

    def knows(self, thread: Thread) -> bool:
        return is_taught(thread)

    def opening(self, thread: Thread, earlier: str | None = None) -> list[int]:
        title = neutralise(thread.title or "")[:60] or "-"
        line = f"thread {title}\n"
        if earlier:
            line += f"--- earlier: {neutralise(earlier)} ---\n"
        return [self._start, *self._tokenizer.encode(line)]

    def message(self, message: Message, me: str) -> list[int]:
        return list(self._message(message, me))

    def new_mark(self) -> list[int]:
        return list(self._new)

    def task(self, task: Task, thread: Thread) -> list[int]:
        return self._ask(task)

    def reply(self, intent: Intent, thread: Thread) -> list[int]:
        return self._ask(f"reply {intent}")

    def triage(self, thread: Thread) -> tuple[list[int], list[tuple[Triage, list[int]]]]:
        return self._ask("triage"), self._triages

    def intents(self, thread: Thread) -> tuple[list[int], list[tuple[Intent, list[int]]]]:
        return [self._start, *self._tokenizer.encode("reply")], self._intents

    def answer(self, text: str) -> list[int]:
        """Tokens of an answer, without its end."""
        return self._tokenizer.encode(text)

    def triage_answer(self, needs_reply: bool, urgency: str) -> list[int]:
        """Tokens of one triage: "reply" or "none", then the urgency."""
        return self.answer("reply" if needs_reply else "none") + self.answer(f" {urgency}")

    def _ask(self, words: str) -> list[int]:
        return [self._start, *self._tokenizer.encode(words), *self._newline]


def thread_tokens(
    prompt: Prompt, thread: Thread, limit: int, earlier: str | None = None
) -> tuple[list[int], int]:
    """The whole thread as tokens, at most `limit` of them, and how many messages were dropped.

    What doesn't fit is dropped from the oldest message on, whole messages at a time; the last
    message always stays, its end cut off if it has to be. Where everything is new or nothing is,
    no line divides the thread: in training too, threads without one are read as a whole. A mark
    behind the last message would be a prompt that no training thread has, and writing it there
    would change tokens that the next message only has to extend. Raises `ValueError` when not even
    the opening fits.
    """
    opening = prompt.opening(thread, earlier)
    room = left = limit - len(opening)
    if room <= 0:
        raise ValueError(f"{limit} tokens hold no message")
    kept: list[list[int]] = []  # the newest first: of a chat of years, the old ones aren't read
    for i in range(len(thread.messages) - 1, -1, -1):
        piece = prompt.message(thread.messages[i], thread.me)
        if i == thread.unread_from > 0:
            piece = prompt.new_mark() + piece
        if len(piece) > left:
            break
        kept.append(piece)
        left -= len(piece)
    if thread.messages and not kept:
        kept.append(_beginning(prompt, thread.messages[-1], thread.me, room))
    tokens = opening + list(itertools.chain.from_iterable(reversed(kept)))
    return tokens, len(thread.messages) - len(kept)


def _beginning(prompt: Prompt, message: Message, me: str, room: int) -> list[int]:
    """One message in at most `room` tokens: who speaks, and how the text begins."""
    tokens, text = prompt.message(message, me), neutralise(message.text)
    while len(tokens) > room and text:
        text = text[: len(text) * room // len(tokens)]
        tokens = prompt.message(replace(message, text=f"{text}…"), me)
    return tokens[:room]


def prompt_text(thread: Thread) -> Iterable[str]:
    """The lines of a thread as `ThreadPrompt` writes them; for vocabularies and for people."""
    yield f"thread {neutralise(thread.title or '')[:60] or '-'}\n"
    for i, message in enumerate(thread.messages):
        if 0 < i == thread.unread_from:
            yield "--- new ---\n"
        yield message_line(message, thread.me) + "\n"
