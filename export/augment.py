"""The same thread told another way, with every target still true.

Other people's names: what a name is must be read, never remembered. Older messages summed up in
one line: what the device does with a thread that outgrows the context.
"""

from __future__ import annotations

import dataclasses
import random
import re
from collections import Counter
from collections.abc import Callable, Sequence

from device.language.grounding import check
from device.language.quotes import quoted_summary
from device.messages import Draft, Thread
from export.data import Example

_NAME = re.compile(r"[^\W\d_]{3,}")
_GENDERED = re.compile(r"\b(?:s?he|him|hers?|his|(?:her|him)self)\b", re.IGNORECASE)
_COMMON = 3
"""A word written in lower case this often is a word, whatever else it is a name of."""


def _texts(example: Example) -> list[str]:
    """Everything people and the targets say."""
    said = [m.text for m in example.thread.messages]
    drafts = [d.text for d in example.drafts]
    return [*said, example.glance, example.summary, example.asks or "", *drafts]


class Renaming:
    """Gives the people of a thread the names of people from other threads, everywhere at once."""

    def __init__(self, examples: Sequence[Example]):
        words: Counter[str] = Counter()
        for example in examples:
            for text in _texts(example):
                words.update(_NAME.findall(text))
        self._common = {w for w, n in words.items() if w.islower() and n >= _COMMON}
        senders = {m.sender for e in examples for m in e.thread.messages}
        self._pool = sorted(name for name in senders if self._is_name(name))

    def _is_name(self, name: str) -> bool:
        """A person's given name; no kin, titles or firms."""
        return (
            _NAME.fullmatch(name) is not None
            and name.istitle()
            and name.lower() not in self._common
        )

    def names(self, thread: Thread) -> list[str]:
        """Given names of who speaks, the wearer among them."""
        first = {m.sender.split(" ")[0] for m in thread.messages} | {thread.me}
        return sorted(first.intersection(self._pool))

    def __call__(self, example: Example, rng: random.Random) -> Example:
        """`example` renamed, or itself where a pronoun would then be wrong."""
        texts = _texts(example)
        if any(_GENDERED.search(text) for text in texts):
            return example
        taken = {w.lower() for text in texts for w in _NAME.findall(text)}
        free = [name for name in self._pool if name.lower() not in taken]
        names = self.names(example.thread)
        if not names or len(names) > len(free):
            return example
        new = dict(zip(names, rng.sample(free, len(names)), strict=True))
        new |= {old.lower(): name.lower() for old, name in new.items()}
        pattern = re.compile(rf"\b(?:{'|'.join(map(re.escape, new))})(?![^\W_])")
        return _mapped(example, lambda text: pattern.sub(lambda m: new[m[0]], text))


def _mapped(example: Example, change: Callable[[str], str]) -> Example:
    """`example` with `change` applied to every text and name."""
    thread = example.thread
    messages = tuple(
        dataclasses.replace(m, sender=change(m.sender), text=change(m.text))
        for m in thread.messages
    )
    return dataclasses.replace(
        example,
        thread=dataclasses.replace(
            thread,
            me=change(thread.me),
            title=thread.title and change(thread.title),
            messages=messages,
        ),
        glance=change(example.glance),
        summary=change(example.summary),
        asks=example.asks and change(example.asks),
        drafts=tuple(Draft(d.intent, change(d.text)) for d in example.drafts),
    )


def summed_up(example: Example, rng: random.Random) -> tuple[Example, str | None]:
    """`example` without its oldest read messages, and the line that stands for them.

    The example itself and None where its targets would lose what they stand on.
    """
    thread = example.thread
    if thread.unread_from < 2:
        return example, None
    dropped = rng.randrange(1, thread.unread_from)
    older = dataclasses.replace(thread, messages=thread.messages[:dropped], unread_from=0)
    newer = dataclasses.replace(
        thread, messages=thread.messages[dropped:], unread_from=thread.unread_from - dropped
    )
    lines = (example.glance, example.summary, example.asks or "")
    if not all(check(line, newer).passes for line in lines):
        return example, None
    return dataclasses.replace(example, thread=newer), quoted_summary(older).text
