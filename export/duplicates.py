"""Threads that are nearly the same, so that nothing held out was seen in training.

Resemblance and containment of the threads' sets of three-word shingles (Broder 1997, "On the
resemblance and containment of documents"), exactly, through an index of the held-out shingles.
`export.recipe` leaves them out.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from device.language.values import fold
from device.messages import Thread

WORDS = 3
"""Words a shingle."""
FEWEST = 6
"""A thread with fewer shingles is no evidence: "ok see you tomorrow then" is said by anybody."""
RESEMBLANCE = 0.5
"""Shared of all shingles of both, from which on two threads are nearly the same."""
CONTAINMENT = 0.8
"""Shared of the smaller one's shingles, from which on it is a part of the larger."""

_WORD = re.compile(r"\w+")


def shingles(thread: Thread) -> frozenset[tuple[str, ...]]:
    """Every run of three words that the thread's messages hold; who speaks doesn't count."""
    words = _WORD.findall(fold("\n".join(m.text for m in thread.messages)))
    return frozenset(zip(*(words[i:] for i in range(WORDS)), strict=False))


@dataclass(frozen=True, slots=True)
class Twin:
    """A thread that is nearly a held-out one."""

    index: int
    """Of the thread, in the order given."""
    held_out: str
    """Id of the held-out thread."""
    resemblance: float
    containment: float


def twins(threads: Iterable[Thread], held_out: Sequence[Thread]) -> Iterator[Twin]:
    """Each of `threads` that is nearly one of `held_out`, with the nearest."""
    sets = [shingles(thread) for thread in held_out]
    where: dict[tuple[str, ...], list[int]] = {}
    for i, there in enumerate(sets):
        if len(there) >= FEWEST:
            for shingle in there:
                where.setdefault(shingle, []).append(i)
    for index, thread in enumerate(threads):
        own = shingles(thread)
        if len(own) < FEWEST:
            continue
        shared = Counter(i for shingle in own for i in where.get(shingle, ()))
        found = [
            Twin(
                index,
                held_out[i].id,
                n / (len(own) + len(sets[i]) - n),
                n / min(len(own), len(sets[i])),
            )
            for i, n in shared.items()
        ]
        near = [t for t in found if t.resemblance >= RESEMBLANCE or t.containment >= CONTAINMENT]
        if near:
            yield max(near, key=lambda t: (t.resemblance, t.containment))
