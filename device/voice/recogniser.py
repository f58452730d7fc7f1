"""What every speech-to-text engine must do, and what it is told beforehand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What the wearer may name now; it helps a recogniser to hear it."""

    names: tuple[str, ...] = ()
    """People and groups."""
    topics: tuple[str, ...] = ()
    """Words of the conversations."""
    answering: bool = False
    """Whether a question of Sidelong's is open: a bare name or time may answer it."""


class Recogniser(Protocol):
    """Speech -> text. Called from one thread at a time."""

    dictates: bool
    """Whether it hears free words: more may follow "reply to Ben" then, and is waited for."""

    def expect(self, vocabulary: Vocabulary) -> None:
        """What may be named from now on."""

    def follow(self, sound: bytes) -> None:
        """All of an utterance that goes on: who can works ahead, so that `text` is quick."""

    def text(self, sound: bytes) -> str:
        """The words of one utterance, in lower case; "" where nothing was surely said."""
