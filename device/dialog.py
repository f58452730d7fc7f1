"""What was said, with its slots filled: names looked up, what lacks or is ambiguous asked for.

    "reply to Sa"          -> "Sarah or Sam?"        -> "Sarah"   -> reply to Sarah
    "mute Family"          -> "Until when?"          -> "six"     -> mute Family until 6:00

One question at a time, and a command said in the place of an answer counts as itself. Pure: no
display, no inbox, no clock.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from device.spoken_times import clock
from device.text import neutralise
from device.utterances import Slot, Utterance, understand

NAMES_ASKED = 3
"""More names in one question than this nobody keeps in mind."""
_QUESTIONS: dict[Slot, str] = {
    "name": "Who?",
    "old": "Change what?",
    "new": "To what?",
    "until": "Until when?",
}


@dataclass(frozen=True, slots=True)
class Place:
    """A conversation and what it is called."""

    conversation: str
    name: str


@dataclass(frozen=True, slots=True)
class Meant:
    """An utterance whose slots are filled."""

    said: Utterance
    place: Place | None = None
    """Where a name was said: the conversation that is meant."""


@dataclass(frozen=True, slots=True)
class Question:
    """What the wearer has to be asked first."""

    text: str


@dataclass(frozen=True, slots=True)
class _Open:
    """A question that was asked."""

    said: Utterance
    slot: Slot
    among: tuple[Place, ...]


class Dialog:
    """Remembers the one question that is open."""

    def __init__(self) -> None:
        self._open: _Open | None = None

    def take(self, words: str, places: Sequence[Place]) -> Meant | Question:
        """What is meant by `words` now; `places` are the conversations, the most recent first."""
        asked, self._open = self._open, None
        said = understand(words)
        if asked is not None and _is_no_choice(asked, said):
            return self._ask(asked.said, asked.slot, asked.among)  # and no draft is picked instead
        if asked is not None and (filled := _filled(asked, words, said)) is not None:
            by_number = asked.slot == "name" and said.act == "pick"
            among = (asked.among[said.number - 1],) if by_number else asked.among
            return self._look(filled, among if asked.slot == "name" else places)
        return self._look(said, places)

    def _look(self, said: Utterance, places: Sequence[Place]) -> Meant | Question:
        if said.lacks:
            slot = said.lacks[0]
            return self._ask(said, slot, places)
        if said.act not in ("reply", "mute", "unmute") or not said.name:
            return Meant(said)
        fits = named(said.name, places)
        if len(fits) == 1:
            return Meant(said, fits[0])
        if not fits:
            return Question(f"Nobody is called {neutralise(said.name)} here.")
        return self._ask(replace(said, lacks=("name", *said.lacks)), "name", fits)

    def _ask(self, said: Utterance, slot: Slot, places: Sequence[Place]) -> Question:
        self._open = _Open(said, slot, tuple(places))
        if slot == "name" and len(places) > 1:
            return Question(_either([place.name for place in places[:NAMES_ASKED]]))
        return Question(_QUESTIONS[slot])


def named(said: str, places: Sequence[Place]) -> list[Place]:
    """The places that a name fits: the whole name, or else its first word, or else any beginning.

    >>> [p.name for p in named("sa", [Place("1", "Sarah"), Place("2", "Sam B"), Place("3", "Bo")])]
    ['Sarah', 'Sam B']
    """
    wanted = " ".join(said.casefold().split())
    wholes = [p for p in places if " ".join(p.name.casefold().split()) == wanted]
    firsts = [p for p in places if p.name.casefold().split()[:1] == [wanted]]
    starts = [p for p in places if any(w.startswith(wanted) for w in _tails(p.name)) and wanted]
    return wholes or firsts or starts


def _tails(name: str) -> list[str]:
    words = name.casefold().split()
    return [" ".join(words[at:]) for at in range(len(words))]


def _is_no_choice(asked: _Open, said: Utterance) -> bool:
    """Whether the answer is a number behind the last of the names."""
    choices = min(len(asked.among), NAMES_ASKED)
    return asked.slot == "name" and said.act == "pick" and said.number > choices


def _filled(asked: _Open, words: str, said: Utterance) -> Utterance | None:
    """The utterance with the answer in its slot; None where the words are no answer."""
    answer = words.strip(" .,!?")
    rest = tuple(slot for slot in asked.said.lacks if slot != asked.slot)
    if asked.slot == "name":
        if said.act == "pick":
            return replace(asked.said, name=asked.among[said.number - 1].name, lacks=rest)
        if answer and named(answer, asked.among):
            return replace(asked.said, name=answer, lacks=rest)
        return None
    if asked.slot == "until":
        until = clock(answer.removeprefix("until "))
        return None if until is None else replace(asked.said, until=until, lacks=rest)
    if said.act not in ("unclear", "pick"):
        return None
    if asked.slot == "old":
        return replace(asked.said, old=answer, lacks=rest) if answer else None
    return replace(asked.said, new=answer.removeprefix("to "), lacks=rest) if answer else None


def _either(names: Sequence[str]) -> str:
    """Two or three names as a question: "David or Sarah?"."""
    *most, last = map(neutralise, names)
    return f"{', '.join(most)} or {last}?"
