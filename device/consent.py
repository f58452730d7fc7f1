"""Consent: nothing is sent but what the wearer confirmed, word for word, to whom it was read back.

    Idle -propose-> Proposed -choose-> Chosen -read back-> ReadBack -confirm-> Countdown
    Countdown -its end-> Sending -accepted-> Sent -undo or time-> Idle

A pure state machine: no I/O and no clock of its own; `step` is told what happened and when. An
order to send is made in one place, at the end of a `Countdown`; a `Countdown` begins in one place,
with a confirmation of a `ReadBack`; a `ReadBack` begins in one place, when that very text to that
very conversation has stood before the wearer. Everything else leads away from there: a newer
message, another conversation, silence, another choice, an unclear word. The wearer is told of it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeAlias

from device.consent_events import (
    Accepted,
    Arrived,
    Cancel,
    Choose,
    Confirm,
    Event,
    Leave,
    Offer,
    Own,
    Propose,
    Refused,
    Tick,
    Unclear,
    Undo,
    WasReadBack,
)


@dataclass(frozen=True, slots=True)
class Patience:
    """How long each step is waited for, in seconds."""

    answer: float = 60.0
    """For a choice among drafts, and for the word after a text was read back."""
    countdown: float = 3.0
    undo: float = 30.0


@dataclass(frozen=True, slots=True)
class Idle:
    """Nothing is being answered."""


@dataclass(frozen=True, slots=True)
class Proposed:
    """The drafts stand before the wearer."""

    offer: Offer
    until: float


@dataclass(frozen=True, slots=True)
class Chosen:
    """A text that has yet to be read back. No word confirms it before."""

    offer: Offer
    text: str
    own: bool
    """The wearer's own words, rather than a draft."""


@dataclass(frozen=True, slots=True)
class ReadBack:
    """Recipient and text stand before the wearer since `since`."""

    offer: Offer
    text: str
    own: bool
    since: float
    until: float


@dataclass(frozen=True, slots=True)
class Countdown:
    """Confirmed; it can still be stopped."""

    offer: Offer
    text: str
    own: bool
    ends: float


@dataclass(frozen=True, slots=True)
class Sending:
    """The connector has been asked and has not answered."""

    offer: Offer
    text: str


@dataclass(frozen=True, slots=True)
class Sent:
    """The other side has it; it can be taken back until `until`, unless it is `fixed`."""

    offer: Offer
    text: str
    message_id: str
    fixed: str
    until: float


State: TypeAlias = Idle | Proposed | Chosen | ReadBack | Countdown | Sending | Sent
Open: TypeAlias = Proposed | Chosen | ReadBack | Countdown
"""Not sent, and not yet on its way."""
OPEN = (Proposed, Chosen, ReadBack, Countdown)


@dataclass(frozen=True, slots=True)
class Send:
    """Order: send this text to this conversation, if its last message is still this one."""

    conversation: str
    last: str
    text: str


@dataclass(frozen=True, slots=True)
class Redact:
    """Order: take back what was sent."""

    conversation: str
    message_id: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """Where an event has led."""

    state: State
    told: str = ""
    """What the wearer has to know, or nothing."""
    order: Send | Redact | None = None


NEWER = "A newer message came. Nothing was sent."
SILENCE = "No answer. Nothing was sent."
NOTHING = "Nothing was sent."
NOT_OPEN = "There is nothing to send."
TOO_EARLY = "Read it first, then say send."
PICK = "Pick one first: 1, 2 or 3."
SAY = "There is no text yet. Say: type, and your own words."
UNCLEAR = "Not understood. Nothing was sent."
STOPPED = "Stopped. Nothing was sent."
ON_ITS_WAY = "It is already on its way."


def step(state: State, event: Event, now: float, patience: Patience) -> Outcome:
    """Where `event` at `now` (seconds on any steady clock) leads from `state`."""
    if isinstance(state, Proposed | ReadBack) and now >= state.until:
        if isinstance(event, Propose | Tick):
            return replace(step(Idle(), event, now, patience), told=SILENCE)
        return Outcome(Idle(), SILENCE)
    if isinstance(state, Sent) and now >= state.until:
        state = Idle()
    if isinstance(state, OPEN):
        return _open(state, event, now, patience)
    match state, event:
        case Sending(), Accepted(message_id, fixed):
            sent = Sent(state.offer, state.text, message_id, fixed, now + patience.undo)
            return Outcome(sent, f"Sent to {state.offer.recipient}.")
        case Sending(), Refused(why):
            return Outcome(Idle(), why)
        case Sending(), Propose() | Choose() | Own() | Confirm() | Cancel() | Undo():
            return Outcome(state, ON_ITS_WAY)
        case Sent(fixed=why), Undo() if why:
            return Outcome(Idle(), f"It stays sent: {why}.")
        case Sent(), Undo():
            order = Redact(state.offer.conversation, state.message_id)
            return Outcome(Idle(), order=order)
        case ((Idle() | Sent()), Propose(offer)):
            return Outcome(Proposed(offer, now + patience.answer))
        case _, Confirm() | Choose() | Own():
            return Outcome(state, NOT_OPEN)
        case _, Undo():
            return Outcome(state, "There is nothing to take back.")
    return Outcome(state)


def _open(state: Open, event: Event, now: float, patience: Patience) -> Outcome:
    """`step` while nothing has been sent yet."""
    offer = state.offer
    match event:
        case Arrived(conversation) if conversation == offer.conversation:
            return Outcome(Idle(), NEWER)
        case Cancel() | Leave() | Undo():
            return Outcome(Idle(), NOTHING)
        case Propose(other):
            told = "" if isinstance(state, Proposed) else NOTHING
            return Outcome(Proposed(other, now + patience.answer), told)
        case Choose(number) if 1 <= number <= len(offer.drafts):
            return Outcome(Chosen(offer, offer.drafts[number - 1], own=False))
        case Own(text) if text.strip():
            return Outcome(Chosen(offer, text, own=True))
    match state, event:
        case ((Chosen() | ReadBack()), WasReadBack(conversation, text)):
            if (conversation, text) != (offer.conversation, state.text):
                return Outcome(Chosen(offer, state.text, state.own))
            if isinstance(state, Chosen):
                until = now + patience.answer
                return Outcome(ReadBack(offer, text, state.own, since=now, until=until))
        # Said before the text stood there, it was meant for something else.
        case ReadBack(), Confirm() if now >= state.since:
            ends = now + patience.countdown
            return Outcome(Countdown(offer, state.text, state.own, ends))
        case ((Chosen() | ReadBack()), Confirm()):
            return Outcome(state, TOO_EARLY)
        case Proposed(), Confirm():
            return Outcome(state, PICK if offer.drafts else SAY)
        case Countdown(), Tick() if now >= state.ends:
            order = Send(offer.conversation, offer.last, state.text)
            return Outcome(Sending(offer, state.text), order=order)
        # In doubt the wearer wants it stopped. It is read back, and asked about, once more.
        case Countdown(), Unclear() | Choose() | Own():
            return Outcome(Chosen(offer, state.text, state.own), STOPPED)
        case _, Unclear() | Choose() | Own():
            return Outcome(state, UNCLEAR)
    return Outcome(state)


def deadline(state: State) -> float | None:
    """When `step` wants a `Tick`, where nothing else happens before."""
    match state:
        case Proposed(until=when) | ReadBack(until=when) | Sent(until=when):
            return when
        case Countdown(ends=when):
            return when
    return None
