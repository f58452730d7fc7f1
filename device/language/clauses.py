"""A thread cut into clauses, and which of them a statement is about.

Each clause keeps its sender, its stems, its values and who is named in it. A statement's content
words, weighted by how rare they are in the thread (idf), point to clauses; words of the same
message count 0.75 and of the messages around it 0.4, since chats spread a thought over messages.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from device.language.values import Value, fold, values
from device.language.words import content, stem, words
from device.messages import Thread

_CLAUSE = re.compile(r"[.!?;:\n…]+(?=\s|$)|,(?=\s)|\s[-–—]+\s|\b(?:but|because|so|while)\b")
_ENDS_ASKING = re.compile(r"\?\W*$")
_SENTENCE = re.compile(r"(?<=[.!?…])\s+")
ENDS = re.compile(r"[.;!?](?=\s|$)|,(?=\s)|\b(?:but|while|though|because|since|and|so)\b")
_VOCATIVE = re.compile(
    r"^\W*(?:hey |ok |also |so |and |please )?([a-z][\w-]+)\b|\b([a-z][\w-]+)\W*$|@(\w+)"
)

MOST_VALUES = 64
"""So many values of a clause are kept; each number is listed in up to six readings."""

_GOVERNS = re.compile(
    r"\b(?:up|with|to|for|from|at|of|about|by|and|or|than|after|before|call|ask|tell|meet|see|pay"
    r"|paid|text|ring|visit|invite|bring|collect|fetch|drop|drive|remind|help|know|is|i'm|it's)\s$"
)
"""Behind these a name at a clause's end is no address: "can you pick up Cem"."""


@dataclass(frozen=True, slots=True)
class Clause:
    """A piece of one message."""

    message: int
    order: int
    sender: int
    """Index into the cast; 0 is the wearer."""
    folded: str
    stems: frozenset[str]
    people: frozenset[int]
    """Who is named in it."""
    addressed: int | None
    """Who is called by name at its start or end."""
    found: tuple[Value, ...]


@dataclass(slots=True)
class Index:
    """A thread cut into clauses, with everything that a statement is weighed against."""

    clauses: list[Clause] = field(default_factory=list)
    cast: list[frozenset[str]] = field(default_factory=list)
    """Folded words of each person's name; the wearer first."""
    idf: dict[str, float] = field(default_factory=dict)
    """Weight of each stem of the thread."""
    stems: list[set[str]] = field(default_factory=list)
    """Of each message."""
    words: frozenset[str] = frozenset()
    """Every folded word of the thread."""


_TITLES = frozenset(["mrs", "mr", "ms", "dr", "the", "flat", "unknown", "number", "from", "boss"])


@lru_cache(maxsize=8)
def index_of(thread: Thread) -> Index:
    """The thread's clauses, people and word weights; the last few threads are kept."""
    people = {name: i for i, name in enumerate(members(thread))}
    index = Index(cast=cast_of(people))
    df: dict[str, int] = {}
    seen: set[str] = set()
    for number, message in enumerate(thread.messages):
        in_message: set[str] = set()
        for piece in filter(str.strip, pieces(message.text)):
            folded = fold(piece)
            tokens = words(piece)
            seen.update(tokens)
            stems = frozenset(content(tokens))
            in_message |= stems
            named = {i for i, name in enumerate(index.cast) if name & set(tokens)}
            index.clauses.append(
                Clause(
                    number, len(index.clauses), people[message.sender], folded, stems,
                    frozenset(named), addressed(folded, index.cast),
                    tuple(values(piece, source=True)[:MOST_VALUES]),
                )
            )  # fmt: skip
        index.stems.append(in_message)
        for s in in_message:
            df[s] = df.get(s, 0) + 1
    count = len(thread.messages)
    index.idf = {s: math.log((1 + count) / (0.5 + n)) + 0.3 for s, n in df.items()}
    index.words = frozenset(seen)
    return index


def sentences(text: str) -> list[str]:
    """A text cut behind each of its sentences' ends."""
    return _SENTENCE.split(text)


def pieces(text: str) -> list[str]:
    """A text cut into its clauses; joined they are the text."""
    found: list[str] = []
    start = 0
    for match in _CLAUSE.finditer(text):
        cut = match.end() if not match[0].strip().isalpha() else match.start()
        found.append(text[start:cut])
        start = cut
    return [*found, text[start:]]


def ends_asking(text: str) -> bool:
    """Whether a text ends in a question mark, whatever signs follow that."""
    return bool(_ENDS_ASKING.search(text))


def members(thread: Thread) -> list[str]:
    """Everybody who wrote, in the order they came; the wearer first."""
    return list(dict.fromkeys((thread.me, *(m.sender for m in thread.messages))))


def cast_of(names: Iterable[str]) -> list[frozenset[str]]:
    """The folded words of each name, without titles and what stands in brackets."""
    cast = []
    for name in names:
        parts = [w for w in words(re.sub(r"[(\[].*?[)\]]", " ", name)) if w not in _TITLES]
        cast.append(frozenset(parts or words(name)))
    return cast


def addressed(folded: str, cast: Sequence[frozenset[str]]) -> int | None:
    """Which of the cast a folded clause calls by name, at its start or end."""
    for match in _VOCATIVE.finditer(folded):
        word = match[1] or match[2] or match[3]
        if match[2] and _GOVERNS.search(folded, 0, match.start(2)):
            continue
        for person, name in enumerate(cast):
            if word in name:
                return person
    return None


def called(text: str, cast: Sequence[frozenset[str]]) -> set[int]:
    """Whom of the cast the clauses of a text call by name."""
    found = (addressed(fold(piece), cast) for piece in pieces(text))
    return {person for person in found if person is not None}


@dataclass(slots=True)
class Aim:
    """A part of the statement and how much each clause of the thread is about it."""

    tokens: list[str]
    folded: str
    stems: list[str]
    weights: list[float]
    """Per clause, 0..1: the share of the part's weight that stands in or around the clause."""
    best: float = field(init=False)
    """The weight of the clause that it is most about."""

    def __post_init__(self) -> None:
        self.best = max(self.weights, default=0.0)


def aim(text: str, index: Index) -> Aim:
    """What a piece of a statement points to; the names of the cast don't point."""
    tokens = words(text)
    names = set().union(*index.cast) if index.cast else set()
    skip = {stem(n) for n in names}
    stems = [s for s in content(tokens) if s not in skip]
    known = [(s, index.idf[s]) for s in stems if s in index.idf]
    total = sum(w for _, w in known) or 1.0
    found = {s for s, _ in known}
    shared = [found & stems for stems in index.stems] + [set()]  # none before the first one either
    weights = []
    for clause in index.clauses:
        message = shared[clause.message]
        around = shared[clause.message - 1] | shared[clause.message + 1]
        if not message and not around:
            weights.append(0.0)
            continue
        score = sum(
            w
            if s in clause.stems
            else 0.75 * w
            if s in message
            else 0.4 * w
            if s in around
            else 0.0
            for s, w in known
        )
        weights.append(score / total)
    return Aim(tokens, fold(text), stems, weights)


def parts(statement: str) -> list[str]:
    """The statement's clauses, each with enough words to be about something."""
    found: list[str] = []
    stems: set[str] = set()
    start = last = 0
    for match in ENDS.finditer(statement):
        stems.update(content(words(statement[last : match.start()])))
        last = match.start()
        if len(stems) >= 2:
            found.append(statement[start:last])
            start = last
            stems.clear()
    found.append(statement[start:])
    return [p for p in found if p.strip()]
