"""What the wearer says or types -> what is meant by it. One way for keyboard, page and voice.

Only whole utterances count: "yes" confirms, "yes but not now" is unclear, and an unclear word
never sends anything. Nothing in a message is ever parsed here. A slot that wasn't filled ("reply
to", "mute Family") stays empty: `device.dialog` asks for it.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from typing import Literal

from device.settings import Activity
from device.spoken_times import clock

Act = Literal[
    "summary", "read", "who", "ask", "reply", "pick", "say", "shorter", "friendlier", "restyle",
    "change",
    "confirm", "cancel", "later", "mute", "unmute", "why", "riding", "walking", "seated",
    "undo", "next", "help", "quit", "unclear",
]  # fmt: skip
Slot = Literal["name", "old", "new", "until"]

_WORDS: dict[Act, tuple[str, ...]] = {
    "summary": ("summary", "more", "summarize", "summarise", "summarize it", "summarise it"),
    "read": ("read", "read it"),
    "who": ("who", "who?", "who is it", "who is it?", "who wrote", "who wrote?"),
    "reply": ("reply", "answer"),
    "shorter": ("shorter", "make it shorter"),
    "friendlier": ("friendlier", "make it friendlier", "make it more friendly"),
    "confirm": ("send", "send it", "yes"),
    "cancel": ("no", "cancel", "stop", "no cancel", "no, cancel"),
    "later": ("later", "not now"),
    "undo": ("undo", "take it back"),
    "why": ("why", "why now", "why this"),
    "next": ("next", "next one", "next message"),
    "help": ("help", "?"),
    "quit": ("quit", "exit"),
}
_NUMBERS = (("1", "one", "first"), ("2", "two", "second"), ("3", "three", "third"))
_DOINGS: dict[Activity, tuple[str, ...]] = {
    "riding": ("riding", "cycling"),
    "walking": ("walking",),
    "seated": ("seated", "sitting", "cooking"),
}
_OWN = ("type", "say", "write")


@dataclass(frozen=True, slots=True)
class Utterance:
    """What one utterance means."""

    act: Act
    number: int = 0
    """Of "pick": which draft, counted from 1."""
    text: str = ""
    """Of "say" and "reply": the wearer's own words, as they were said. Of "ask": the question. Of
    "restyle": how else than shorter or friendlier a text is to be, a language say. Of an activity:
    the wearer's word for it."""
    name: str = ""
    """Of "reply", "mute" and "unmute": whose conversation, as it was said."""
    old: str = ""
    new: str = ""
    """Of "change": what is to be put in whose place."""
    until: dt.time | None = None
    """Of "mute"."""
    lacks: tuple[Slot, ...] = ()
    """Slots that were begun and not filled; the first is asked for first."""


_MEANT = {
    **{word: Utterance(act) for act, words in _WORDS.items() for word in words},
    **{
        f"{before}{doing}": Utterance(activity, text=doing)
        for activity, doings in _DOINGS.items()
        for doing in doings
        for before in ("", "i'm ", "i am ")
    },
    **{
        word: Utterance("pick", number)
        for number, words in enumerate(_NUMBERS, start=1)
        for bare in words
        for word in (bare, f"the {bare}", f"{bare} one", f"the {bare} one", f"number {bare}")
    },
}
_REPLY = re.compile(
    r"(?:reply|answer)(?P<to>\s+to\b(?:\s+(?!that\b)(?P<name>.+?))?)?"
    r"(?:\s*[:,]\s*|\s+(?:that|saying)\s+|\s+(?:that|saying)$)(?P<text>.*)"
    r"|(?:reply|answer)\s+to\b\s*(?P<bare>.*)"
    r"|tell\s+(?P<told>.+?)\s+that\s+(?P<what>.+)",
    re.I | re.S,
)
_RESTYLE = re.compile(r"make it\s+(?P<how>.+)", re.I)
_CHANGE = re.compile(r"change\b\s*(?P<old>.*?)(?:\s*\b(?:in)?to\b\s*(?P<new>.*))?", re.I | re.S)
_MUTE = re.compile(r"(?P<un>un)?mute\b\s*(?P<name>.*?)(?:\s*\buntil\b\s*(?P<until>.*))?", re.I)
_QUESTION = re.compile(r"ask\s+(?P<asked>.+)|(?:what|when|where|who|how|did|does|is|has)\b.+", re.I)
LEAST_QUESTION = 3
"""Words; a shorter question is none that a message could answer."""


def understand(words: str) -> Utterance:
    """What is meant by `words`.

    >>> understand(" Send. ").act, understand("the second one").number
    ('confirm', 2)
    >>> understand("say Yes, at 8!").text
    'Yes, at 8!'
    >>> understand("reply to Sarah that I'm late").name
    'Sarah'
    >>> understand("don't send").act
    'unclear'
    """
    said = words.strip()
    first, *rest = said.split(maxsplit=1)[:2] or [""]
    if rest and first.casefold().rstrip(":,") in _OWN:
        return Utterance("say", text=rest[0])
    plain = " ".join(said.casefold().split())
    return (
        _MEANT.get(plain)
        or _MEANT.get(plain.strip(" .,!"))
        or _reply(said)
        or _restyle(said)
        or _change(said.rstrip(" .!"))
        or _mute(said.rstrip(" .!"))
        or _question(said)
        or Utterance("unclear")
    )


def is_whole(words: str, dictated: bool = True) -> bool:
    """Whether the words are a command to which nothing more can belong.

    Not `dictated`, only the commands of a grammar can be heard, and no free words behind them.

    >>> is_whole("send"), is_whole("reply"), is_whole("reply to Ben")
    (True, False, False)
    >>> is_whole("reply", dictated=False), is_whole("reply to Ben", dictated=False)
    (False, True)
    """
    meant = understand(words)
    if meant.act in ("ask", "mute", "change", "reply"):
        return not (dictated or meant.lacks or words.strip(" .").casefold() == "reply")
    return meant.act not in ("unclear", "say")


def _reply(said: str) -> Utterance | None:
    if (match := _REPLY.fullmatch(said)) is None:
        return None
    if match["told"]:
        return Utterance("reply", name=match["told"], text=match["what"].strip())
    name = (match["name"] or match["bare"] or "").strip(" .,!")
    text = (match["text"] or "").strip()
    if (match["to"] or match["bare"] is not None) and not name:
        return Utterance("reply", text=text, lacks=("name",))
    return Utterance("reply", name=name, text=text) if name or text else None


def _restyle(said: str) -> Utterance | None:
    match = _RESTYLE.fullmatch(said)
    return Utterance("restyle", text=match["how"]) if match else None


def _change(said: str) -> Utterance | None:
    if (match := _CHANGE.fullmatch(said)) is None:
        return None
    old, new = match["old"].strip(), (match["new"] or "").strip()
    # "ten to six to seven": where both sides are times, they are what is meant.
    parts = f"{old} to {new}".split(" to ")
    splits = [(" to ".join(parts[:n]), " to ".join(parts[n:])) for n in range(1, len(parts))]
    old, new = next((s for s in splits if all(map(clock, s))), (old, new))
    missing: list[tuple[Slot, str]] = [("old", old), ("new", new)]
    return Utterance("change", old=old, new=new, lacks=tuple(s for s, v in missing if not v))


def _mute(said: str) -> Utterance | None:
    if (match := _MUTE.fullmatch(said)) is None:
        return None
    name, until = match["name"].strip(), clock(match["until"] or "")
    if match["un"]:
        return Utterance("unmute", name=name, lacks=() if name else ("name",))
    missing: list[tuple[Slot, object]] = [("name", name), ("until", until)]
    lacks = tuple(slot for slot, value in missing if not value and value != dt.time(0))
    return Utterance("mute", name=name, until=until, lacks=lacks)


def _question(said: str) -> Utterance | None:
    match = _QUESTION.fullmatch(said)
    if match is None or len(said.split()) < LEAST_QUESTION:
        return None
    return Utterance("ask", text=match["asked"] or said)
