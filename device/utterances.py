"""What the wearer says or types -> what is meant by it. One way for keyboard, page and voice.

Only whole utterances count: "yes" confirms, "yes but not now" is unclear, and an unclear word
never sends anything. Nothing in a message is ever parsed here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Act = Literal[
    "summary", "read", "reply", "pick", "say", "confirm", "cancel", "later", "undo", "next",
    "help", "quit", "unclear",
]  # fmt: skip

_WORDS: dict[Act, tuple[str, ...]] = {
    "summary": ("summary", "more"),
    "read": ("read", "read it"),
    "reply": ("reply", "answer"),
    "confirm": ("send", "send it", "yes"),
    "cancel": ("no", "cancel", "stop"),
    "later": ("later", "not now"),
    "undo": ("undo", "take it back"),
    "next": ("next",),
    "help": ("help", "?"),
    "quit": ("quit", "exit"),
}
_NUMBERS = (("1", "one", "first"), ("2", "two", "second"), ("3", "three", "third"))
_OWN = ("type", "say", "write")


@dataclass(frozen=True, slots=True)
class Utterance:
    """What one utterance means."""

    act: Act
    number: int = 0
    """Of "pick": which draft, counted from 1."""
    text: str = ""
    """Of "say": the wearer's own words, as they were said."""


_MEANT = {word: Utterance(act) for act, words in _WORDS.items() for word in words} | {
    word: Utterance("pick", number)
    for number, words in enumerate(_NUMBERS, start=1)
    for bare in words
    for word in (bare, f"the {bare}", f"{bare} one", f"the {bare} one", f"number {bare}")
}


def understand(words: str) -> Utterance:
    """What is meant by `words`.

    >>> understand(" Send. ").act, understand("the second one").number
    ('confirm', 2)
    >>> understand("say Yes, at 8!").text
    'Yes, at 8!'
    >>> understand("don't send").act
    'unclear'
    """
    said = words.strip()
    first, *rest = said.split(maxsplit=1)[:2] or [""]
    if rest and first.casefold().rstrip(":,") in _OWN:
        return Utterance("say", text=rest[0])
    plain = " ".join(said.casefold().split())
    return _MEANT.get(plain) or _MEANT.get(plain.strip(" .,!")) or Utterance("unclear")
