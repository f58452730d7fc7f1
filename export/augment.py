"""The same thread told another way, with every target still true.

Other people's names, other times: what they are must be read, never remembered. Slips, no emoji,
messages run together or taken apart: how people type. Older messages summed up in one line: what
the device does with a thread that outgrows the context.

A way of telling is taken back where a target that passed its check no longer would.
"""

from __future__ import annotations

import dataclasses
import random
import re
from collections import Counter
from collections.abc import Callable, Sequence

from device.language.grounding import check
from device.language.quotes import quoted_summary
from device.messages import Thread
from export.clock import shifted
from export.data import Example
from export.noise import Typos, bare, merged, split
from export.recipe import Shares
from export.retell import mapped, stays_true, texts

_NAME = re.compile(r"[^\W\d_]{3,}")
_GENDERED = re.compile(r"\b(?:s?he|him|hers?|his|(?:her|him)self)\b", re.IGNORECASE)
_COMMON = 3
"""A word written in lower case this often is a word, whatever else it is a name of."""


class Renaming:
    """Gives the people of a thread the names of people from other threads, everywhere at once."""

    def __init__(self, examples: Sequence[Example]):
        words: Counter[str] = Counter()
        for example in examples:
            for text in texts(example):
                words.update(_NAME.findall(text))
        self._common = {w for w, n in words.items() if w.islower() and n >= _COMMON}
        senders = {m.sender for e in examples for m in e.thread.messages}
        self.pool = sorted(name for name in senders if self._is_name(name))
        """Given names of who speaks anywhere in the examples."""

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
        return sorted(first.intersection(self.pool))

    def __call__(self, example: Example, rng: random.Random) -> Example:
        """`example` renamed, or itself where a pronoun would then be wrong."""
        said = texts(example)
        if any(_GENDERED.search(text) for text in said):
            return example
        taken = {w.lower() for text in said for w in _NAME.findall(text)}
        free = [name for name in self.pool if name.lower() not in taken]
        names = self.names(example.thread)
        if not names or len(names) > len(free):
            return example
        new = dict(zip(names, rng.sample(free, len(names)), strict=True))
        new |= {old.lower(): name.lower() for old, name in new.items()}
        pattern = re.compile(rf"\b(?:{'|'.join(map(re.escape, new))})(?![^\W_])")

        me = next((word for word in _NAME.findall(example.thread.me) if word in new), "")
        signed = re.compile(rf"(?:(?<=[-–—])|(?<=[-–—,] )){me[:1]}(?=\.?$)")

        def renamed(text: str) -> str:
            text = pattern.sub(lambda m: new[m[0]], text)
            return signed.sub(new[me][0], text) if me else text  # "Regards, K."

        return mapped(example, renamed, name=renamed)


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
    lines = filter(None, (example.glance, example.summary, example.asks))
    if not all(check(line, newer).passes for line in lines):
        return example, None
    return dataclasses.replace(example, thread=newer), quoted_summary(older).text


class Retelling:
    """Every way of telling at once, each offered to its share of the threads."""

    def __init__(self, examples: Sequence[Example], shares: Shares):
        """Names and words are those of `examples`."""
        self._shares = shares
        self._ways: tuple[tuple[Callable[[Example, random.Random], Example], float], ...] = (
            (Renaming(examples), shares.renamed),
            (shifted, shares.shifted),
            (merged, shares.merged),
            (split, shares.split),
            (bare, shares.bare),
            (Typos(examples), shares.typos),
        )

    def __call__(self, example: Example, rng: random.Random) -> tuple[Example, str | None]:
        """`example` told another way, and the line that stands for messages left out."""
        for way, share in self._ways:
            if rng.random() < share:
                told = way(example, rng)
                if told != example and stays_true(example, told):
                    example = told
        if rng.random() < self._shares.summed_up:
            return summed_up(example, rng)
        return example, None
