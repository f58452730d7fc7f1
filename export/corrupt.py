"""True statements made false by one change, for the judge to be fitted on.

False values are taken from the thread itself wherever it has any: matching words must not be
enough to tell true from false.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable

from device.messages import Thread
from export.data import Example

_NUMBER = re.compile(r"\d+(?:[.,:]\d+)*(?!\w*(?:st|nd|rd|th)\b)")
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_DAY = re.compile(rf"\b(?:{'|'.join(d[:3] + '(?:' + d[3:] + ')?' for d in _DAYS)})\b")
_CLOCK_WORDS = [
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
]
_NUMBER_WORD = re.compile(rf"\b(?:{'|'.join(_CLOCK_WORDS)})\b")

_OPPOSITES = (
    ("before", "after"), ("today", "tomorrow"), ("tonight", "tomorrow night"),
    ("morning", "evening"), ("early", "late"), ("earlier", "later"), ("more", "less"),
    ("first", "last"), ("open", "closed"), ("cancelled", "confirmed"), ("wants", "refuses"),
    ("accepts", "declines"), ("inside", "outside"), ("arrived", "left"), ("found", "lost"),
    ("happy", "annoyed"), ("delighted", "furious"), ("with", "without"), ("only", "also"),
    ("still", "no longer"), ("everyone", "nobody"), ("everybody", "nobody"),
    ("sells", "buys"), ("lent", "borrowed"), ("won", "lost"), ("up", "down"), ("up", "off"),
    ("moved to", "no longer at"), ("now", "no longer"), ("praises", "mocks"),
)  # fmt: skip
_NEGATIONS = (
    (r"\b(is|are|was|were|will|would|can|could|should|has|have|did|does|do) not\b", r"\1"),
    (r"\b(is|are|was|were|would|could|should|has|have|did|does|do)n't\b", r"\1"),
    (r"\bcan't\b", "can"),
    (r"\bwon't\b", "will"),
    (r"\bcannot\b", "can"),
    (r"\bno longer\b", "still"),
    (r"(?<!, )(?<!and )(?<!but )\bnot\b ?", ""),
    (r"\bwithout\b", "with"),
    (r"\b(is|are|was|were|will|would|can|could|should|has|have)\b(?! not|n't)", r"\1 not"),
    (r"\basks you to\b", "asks you not to"),
    (r"\bwants you to\b", "wants you not to"),
)
_REQUESTS = (
    (r"\basks? you to\b", "offers to"),
    (r"\bwants? you to\b", "will"),
    (r"\basks? (?:whether|if) you (?:can|could|will|would)\b", "offers to"),
    (r"\basks? (?:whether|if) you\b", "says you"),
    (r"\basks you for\b", "offers you"),
    (r"\boffers to\b", "asks you to"),
    (r"\boffers you\b", "asks you for"),
    (r"\bwill\b(?! not)", "wants you to"),
    (r"\byou owe ([A-Z]\w+)", r"\1 owes you"),
    (r"\b([A-Z]\w+) owes you\b", r"you owe \1"),
    (r"\bthanks you\b", "asks you"),
    (r"\breminds you to\b", "tells you not to"),
)


def cast(thread: Thread) -> list[str]:
    """First names of the people who speak in the thread, the wearer left out."""
    names = {m.sender for m in thread.messages if m.sender != thread.me}
    return sorted({n.split()[0] if n[:1].isalpha() else n for n in names})


def _one(pattern: str, replacement: str, text: str) -> str:
    """`text` with the first match replaced."""
    return re.sub(pattern, replacement, text, count=1)


def _people(text: str, thread: Thread, rng: random.Random) -> str:
    """Two people swapped, one replaced by another who speaks, or somebody's part given to you."""
    words = [w.strip(".,:;'’\"()!?") for w in text.split()]
    names = [n for n in cast(thread) if n in words]
    ways = []
    if len(names) > 1:
        a, b = rng.sample(names, 2)
        ways.append(re.sub(rf"\b({re.escape(a)}|{re.escape(b)})\b",
                           lambda m: b if m[0] == a else a, text))  # fmt: skip
    others = [n for n in cast(thread) if n not in words]
    if names and others:
        old, new = rng.choice(names), rng.choice(others)
        ways.append(re.sub(rf"\b{re.escape(old)}\b", new, text))
    if others:
        ways.append(_one(r"\b(asks|wants|tells|told|asked|needs) you\b", rf"\1 {others[0]}", text))
    if names:
        name = re.escape(names[0])
        swapped = re.sub(rf"\b(you|{name})\b(?!(?: (?:can|have|are|do|were)\b|['’]))",
                         lambda m: names[0] if m[0] == "you" else "you", text)  # fmt: skip
        ways.append(_agree(swapped[:1].upper() + swapped[1:]))
    ways = [w for w in ways if w != text]
    return rng.choice(ways) if ways else text


def _agree(text: str) -> str:
    """`text` with the verbs after "you" in their own form: a slip of grammar is no falsehood."""
    text = re.sub(r"\b([Yy]ou) (?:is|was)\b", r"\1 are", text)
    text = re.sub(r"\b([Yy]ou) has\b", r"\1 have", text)
    text = re.sub(r"\b([Yy]ou) (\w{3,})(?<!s)s\b", r"\1 \2", text)
    return re.sub(r"\b([Yy]ou)['’]s\b", r"\1r", text)


def _numbers(text: str, thread: Thread, rng: random.Random) -> str:
    """One number, weekday or number word changed, to one that stands in the thread if it can."""
    said = " ".join(m.text for m in thread.messages)
    kinds: tuple[tuple[re.Pattern[str], Callable[[str], str]], ...] = (
        (_NUMBER, lambda old: _near(old, rng)),
        (_DAY, lambda old: rng.choice(_DAYS)[: len(old) if len(old) == 3 else None]),
        (_NUMBER_WORD, lambda old: rng.choice(_CLOCK_WORDS)),
    )
    choices = []
    for pattern, spare in kinds:
        found = list(pattern.finditer(text))
        if not found:
            continue
        match = rng.choice(found)
        kind = (":" in match[0], len(match[0]) > 2)
        there = [n for n in pattern.findall(said)
                 if n not in text and (":" in n, len(n) > 2) == kind]  # fmt: skip
        new = rng.choice(there) if there and rng.random() < 0.75 else spare(match[0])
        choices.append(text[: match.start()] + new + text[match.end() :])
    return rng.choice(choices) if choices else text


def _near(number: str, rng: random.Random) -> str:
    """A number that looks like `number` and isn't it."""
    digits = [i for i, c in enumerate(number) if c.isdigit()]
    i = rng.choice(digits)
    new = rng.choice([d for d in "123456789" if d != number[i]])
    return number[:i] + new + number[i + 1 :]


def _words(pairs: tuple[tuple[str, str], ...]) -> Callable[[str, Thread, random.Random], str]:
    """A corruption that applies one of the pairs that fit."""

    def change(text: str, thread: Thread, rng: random.Random) -> str:
        fits = [_one(old, new, text) for old, new in pairs if re.search(old, text)]
        fits = [f for f in fits if f != text]
        return re.sub(r"  +", " ", rng.choice(fits)).strip() if fits else text

    return change


def _places(text: str, thread: Thread, rng: random.Random) -> str:
    """A capitalised word inside the statement replaced by another one of the thread."""
    inside = list(re.finditer(r"(?<=[a-z,:;] )[A-Z][a-z]{2,}", text))
    people = set(cast(thread))
    inside = [m for m in inside if m[0] not in people and not _DAY.fullmatch(m[0])]
    said = " ".join(m.text for m in thread.messages)
    others: set[str] = set(re.findall(r"(?<=[a-z,] )[A-Z][a-z]{2,}", said)) - people
    there = [w for w in sorted(others) if w not in text]
    if not inside or not there:
        return text
    match = rng.choice(inside)
    return text[: match.start()] + rng.choice(there) + text[match.end() :]


_BOTH_WAYS = tuple(
    (rf"\b{re.escape(old)}\b", new) for a, b in _OPPOSITES for old, new in ((a, b), (b, a))
)
_CHANGES = (_people, _people, _numbers, _words(_NEGATIONS), _words(_REQUESTS),
            _words(_BOTH_WAYS), _places)  # fmt: skip


def corrupt(text: str, thread: Thread, rng: random.Random) -> str | None:
    """`text` made false by one change, or None where no change fits."""
    changes = list(_CHANGES)
    rng.shuffle(changes)
    for change in changes:
        changed = change(text, thread, rng)
        if changed.casefold() != text.casefold():
            return changed
    return None


def true_statements(example: Example) -> list[str]:
    """What the targets say about a thread, as separate statements."""
    sentences = re.split(r"(?<=[a-z0-9)'\"][.;?!]) +(?=[A-Z0-9'\"])|; (?=\w)", example.summary)
    statements = [s[:1].upper() + s[1:].rstrip(".;") + "." for s in sentences if len(s) > 15]
    if len(sentences) > 1:
        statements.append(example.summary)
    return [*statements, example.glance]


def checks(example: Example, rng: random.Random, pairs: int) -> list[tuple[str, bool]]:
    """Up to `pairs` true statements of an example, each with its false twin."""
    true = true_statements(example)
    rng.shuffle(true)
    found: list[tuple[str, bool]] = []
    for statement in true:
        false = corrupt(statement, example.thread, rng)
        if false and len(found) < 2 * pairs:
            found += [(statement, True), (false, False)]
    return found
