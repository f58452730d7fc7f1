"""Why Sidelong interrupted, or did not, in plain sentences."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from device.attention import When, Why
from device.attention_log import Entry, experiences
from device.bandit import LEAST, Outcome

_WHEN: dict[When, str] = {
    "now": "told you at once",
    "pause": "kept for a pause",
    "asked": "kept until you ask",
}
_WHY: dict[Why, str] = {
    "stranger": "nobody you know wrote it, and unknown senders never interrupt",
    "fraud": "it looks like a fraud, and those never interrupt",
    "injected": "it speaks to the machine rather than to you, and those never interrupt",
    "muted": "you muted it",
    "quiet": "it was in your quiet hours",
    "urgent": "it is urgent by what it says",
    "person": "you chose this person",
    "group": "you chose this group",
    "riding": "you were riding, and it was neither urgent nor from somebody you chose",
    "reply": "it wants a reply",
    "chatter": "it asks nothing of you",
    "learnt": "that is what your answers to such messages taught",
    "limit": "there were as many interruptions in that hour as you allow",
}
_OUTCOME: dict[Outcome, str] = {
    "answered": "You answered.",
    "read": "You read it.",
    "dismissed": "You put it off.",
    "ignored": "You let it pass.",
}


def sentence(entry: Entry) -> str:
    """Why one message was told or kept, and what came of it."""
    parts = [f"{_WHEN[entry.when].capitalize()}: {_WHY[entry.why]}."]
    if entry.why == "learnt" and entry.chance < 0.5:
        parts[0] = f"{_WHEN[entry.when].capitalize()}: tried to see whether it is better so."
    if entry.outcome is not None:
        parts.append(_OUTCOME[entry.outcome])
    return " ".join(parts)


def learning(entries: Sequence[Entry]) -> str:
    """How far learning has come, of all entries."""
    known = experiences(entries)
    if len(known) < LEAST:
        return (
            f"Learning: {len(known)} of the {LEAST} messages that it needs before it decides "
            "anything; until then the rules do."
        )
    told = [one for one in known if one.told]
    heeded = sum(one.outcome in ("answered", "read") for one in told)
    tried = sum(entry.why == "learnt" and entry.chance < 0.5 for entry in entries)
    return (
        f"Learning: from {len(known)} messages. Of {len(told)} told at once you read or answered "
        f"{heeded}; {tried} were tries."
    )


def undecided(without: int, conversations: int) -> str:
    """That of so many of the conversations looked at no decision is kept, and how that may be."""
    some = f"{without} of {conversations} conversations"
    which = some if without < conversations else "any message here"
    return (
        f"No decision is kept about {which}. One is made when a message comes while `sidelong run` "
        "runs: none about messages that were imported, and those of a replay are forgotten with it."
    )


def about_chat(entries: Sequence[Entry]) -> str:
    """What the wearer did about one conversation so far; empty where nothing is known."""
    known = experiences(entries)
    if not known:
        return ""
    heeded = sum(one.outcome in ("answered", "read") for one in known)
    return f"Of {len(known)} messages of this conversation you read or answered {heeded}."


def at(entry: Entry, today: dt.date) -> str:
    """When, as short as is clear: "17:42", "Fri 17:42", "6 Mar 17:42"."""
    days = (today - entry.at.date()).days
    day = (
        "" if days == 0 else f"{entry.at:%a} " if 0 < days < 7 else f"{entry.at.day} {entry.at:%b} "
    )
    return f"{day}{entry.at:%H:%M}"
