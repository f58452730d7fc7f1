"""The same thread typed otherwise: slips, no emoji, messages run together or taken apart.

The targets stay as they are. What they stand on is left alone: names, numbers, days, negations,
addresses, and emoji that say yes or no.
"""

from __future__ import annotations

import dataclasses
import random
import re
from collections import Counter
from collections.abc import Sequence

from device.language.value_words import FOREIGN, MONTHS, ORDINALS, WEEKDAYS, WORDS
from device.language.values import fold
from device.language.words import is_negator
from device.messages import Message
from export.data import Example
from export.retell import texts, with_messages

SLIPS = 0.06
"""Share of a message's longer words that are mistyped."""
APART = 2
"""Minutes between two messages, from which on they were not written as one."""

_WORD = re.compile(r"(?<![\w@#'’./:-])[a-z]{5,}(?![\w@'’/-]|[.:][\w/])")
_EMOJI = re.compile(
    "[\U0001f300-\U0001f3fa\U0001f400-\U0001f64f\U0001f680-\U0001f6ff\U0001f900-\U0001faff"
    "\u2600-\u26ff\u2702-\u27b0][\ufe0f\U0001f3fb-\U0001f3ff]?"
    "(?:\u200d[\u2600-\u27bf\U0001f300-\U0001faff][\ufe0f\U0001f3fb-\U0001f3ff]?)*"
)
_SAYING = frozenset("👍👎✅❌❎✔✖🙅🙆🚫⛔❓❔❗⏰⏳🤐🤞🫡🙋")
"""Emoji that answer, forbid or ask: without them the message says something else."""
_SENTENCE = re.compile(r"(?<=[^\W\d_]{3}[.!?…])\s+(?=[^\W_])|(?<=[!?…])\s+(?=[^\W_])")
_PAIRS = (("(", ")"), ("[", "]"), ("“", "”"), ("‘", "’"), ("«", "»"))


class Typos:
    """Mistypes words of messages: two letters swapped, one left out, one doubled."""

    def __init__(self, examples: Sequence[Example]):
        """What `examples` use as a word is never what a slip makes of another."""
        counts: Counter[str] = Counter()
        for example in examples:
            for text in texts(example):
                counts.update(re.findall(r"[^\W\d_]+", text.lower()))
        self._words = frozenset(counts)

    def __call__(self, example: Example, rng: random.Random) -> Example:
        """`example` with slips in its messages; names, numbers, days and negations have none."""
        kept = {
            word.lower()
            for text in (*texts(example), *self._names(example))
            for word in re.findall(r"[A-Z][^\W\d_]+", text)
        }

        def slip(match: re.Match[str]) -> str:
            word = match[0]
            if rng.random() >= SLIPS or word in kept or _says_a_value(word):
                return word
            wrong = _mistyped(word, rng)
            return word if wrong in self._words else wrong

        messages = [
            dataclasses.replace(m, text=_WORD.sub(slip, m.text)) for m in example.thread.messages
        ]
        return with_messages(example, messages, example.thread.unread_from)

    @staticmethod
    def _names(example: Example) -> list[str]:
        thread = example.thread
        names = [*(m.sender for m in thread.messages), thread.me, thread.title or ""]
        return [name.title() for name in names]


def _says_a_value(word: str) -> bool:
    tables = (WORDS, ORDINALS, FOREIGN, MONTHS, WEEKDAYS)
    return is_negator(word) or any(fold(word) in table for table in tables)


def _mistyped(word: str, rng: random.Random) -> str:
    """One slip inside the word; its first and last letter stay."""
    i = rng.randrange(1, len(word) - 2)
    way = rng.randrange(3)
    if way == 0:
        return word[:i] + word[i + 1] + word[i] + word[i + 2 :]
    if way == 1:
        return word[:i] + word[i + 1 :]
    return word[: i + 1] + word[i:]


def bare(example: Example, rng: random.Random) -> Example:
    """`example` without the emoji of its messages, those left that say something of their own."""
    told = "".join(texts(example)[len(example.thread.messages) :])

    def drop(match: re.Match[str]) -> str:
        return match[0] if match[0][0] in _SAYING or match[0][0] in told else ""

    messages = []
    for m in example.thread.messages:
        text = re.sub(r"[ \t]{2,}", " ", _EMOJI.sub(drop, m.text)).strip()
        keeps = bool(re.search(r"\w", text))
        messages.append(dataclasses.replace(m, text=text) if keeps else m)
    return with_messages(example, messages, example.thread.unread_from)


def merged(example: Example, rng: random.Random) -> Example:
    """`example` with one pair of neighbouring messages of one sender run together."""
    thread = example.thread
    pairs = [
        i
        for i, (one, two) in enumerate(zip(thread.messages, thread.messages[1:], strict=False))
        if one.sender == two.sender and i + 1 != thread.unread_from and _at_once(one, two)
    ]
    if not pairs:
        return example
    i = rng.choice(pairs)
    one, two = thread.messages[i : i + 2]
    between = " " if one.text.rstrip().endswith((".", "!", "?", "…")) else "\n"
    both = dataclasses.replace(one, text=one.text.rstrip() + between + two.text.lstrip())
    messages = [*thread.messages[:i], both, *thread.messages[i + 2 :]]
    return with_messages(example, messages, thread.unread_from - (i < thread.unread_from))


def _at_once(one: Message, two: Message) -> bool:
    """Whether a merged message can bear the first one's time: "in 10 min" must stay true."""
    if one.time is None or two.time is None:
        return one.time == two.time and one.date == two.date
    apart = 60 * (two.time.hour - one.time.hour) + two.time.minute - one.time.minute
    return one.date == two.date and 0 <= apart < APART


def split(example: Example, rng: random.Random) -> Example:
    """`example` with one message of several sentences sent as two."""
    thread = example.thread
    places = [
        (i, place.span())
        for i, m in enumerate(thread.messages)
        for place in _SENTENCE.finditer(m.text)
        if _is_whole(m.text[: place.start()])
    ]
    if not places:
        return example
    i, (end, start) = rng.choice(places)
    m = thread.messages[i]
    first = dataclasses.replace(m, text=m.text[:end])
    second = dataclasses.replace(m, text=m.text[start:], id=m.id and f"{m.id}+")
    messages = [*thread.messages[:i], first, second, *thread.messages[i + 1 :]]
    return with_messages(example, messages, thread.unread_from + (i < thread.unread_from))


def _is_whole(text: str) -> bool:
    """Whether no quotation or bracket stays open, and the last word is no abbreviation."""
    if text.count('"') % 2 or any(text.count(a) != text.count(b) for a, b in _PAIRS[:3]):
        return False
    return not re.search(
        r"\b(?:approx|mrs|dept|prof|tel|ext|max|min|est|inc|ltd|etc|vs)\.$", text, re.I
    )
