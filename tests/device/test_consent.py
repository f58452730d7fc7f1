"""Consent, event by event: the way to a sent message, and what turns back on it."""

from __future__ import annotations

import pytest

from device import consent
from device.consent import (
    Chosen,
    Countdown,
    Idle,
    Outcome,
    Patience,
    Proposed,
    ReadBack,
    Redact,
    Send,
    Sending,
    Sent,
    State,
    step,
)
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

PATIENCE = Patience(answer=60, countdown=3, undo=30)
OFFER = Offer("ben", "Ben", "m7", ("yes", "no", "maybe"))


def walk(*events: tuple[float, Event], state: State | None = None) -> list[Outcome]:
    """What each event at its time leads to."""
    outcomes = [Outcome(state or Idle())]
    for now, event in events:
        outcomes.append(step(outcomes[-1].state, event, now, PATIENCE))
    return outcomes[1:]


READ = ((0.0, Propose(OFFER)), (1.0, Choose(2)), (2.0, WasReadBack("ben", "no")))
GOING = (*READ, (3.0, Confirm()))


def test_the_way_to_a_sent_message_and_back() -> None:
    outcomes = walk(*GOING, (5.9, Tick()), (6.0, Tick()), (6.5, Accepted("m8")), (20.0, Undo()))
    assert [type(o.state) for o in outcomes] == [
        Proposed, Chosen, ReadBack, Countdown, Countdown, Sending, Sent, Idle,
    ]  # fmt: skip
    assert [o.order for o in outcomes if o.order] == [
        Send("ben", "m7", "no"),
        Redact("ben", "m8"),
    ]
    assert outcomes[-2].told == "Sent to Ben."


@pytest.mark.parametrize("begun", [READ[:1], READ[:2], READ, GOING], ids=len)
@pytest.mark.parametrize(
    ("event", "told"),
    [
        (Arrived("ben"), consent.NEWER),
        (Cancel(), consent.NOTHING),
        (Leave(), consent.NOTHING),
        (Undo(), consent.NOTHING),
    ],
)
def test_whatever_comes_between_is_told_and_nothing_is_sent(
    begun: tuple[tuple[float, Event], ...], event: Event, told: str
) -> None:
    *_, between, after, later = walk(*begun, (4.0, event), (5.0, Confirm()), (99.0, Tick()))
    assert between == Outcome(Idle(), told)
    assert (after.state, after.told) == (Idle(), consent.NOT_OPEN)
    assert later == Outcome(Idle())


def test_silence() -> None:
    for begun in (READ[:1], READ):
        *_, late = walk(*begun, (62.5, Tick()))
        assert late == Outcome(Idle(), consent.SILENCE)
        *_, too_late = walk(*begun, (62.5, Confirm()))  # without a tick before
        assert too_late == Outcome(Idle(), consent.SILENCE)


def test_another_conversations_message_changes_nothing() -> None:
    *_, before, after = walk(*GOING, (4.0, Arrived("anna")))
    assert after == Outcome(before.state)


def test_an_unclear_word_stops_the_countdown_and_asks_again() -> None:
    *_, stopped, again, early, read, going = walk(
        *GOING,
        (4.0, Unclear()),
        (9.0, Tick()),
        (9.0, Confirm()),
        (9.5, WasReadBack("ben", "no")),
        (10.0, Confirm()),
    )
    assert stopped == Outcome(Chosen(OFFER, "no", own=False), consent.STOPPED)
    assert again.state == early.state == stopped.state
    assert isinstance(read.state, ReadBack)
    assert going.state == Countdown(OFFER, "no", own=False, ends=13.0)


def test_an_edit_asks_again() -> None:
    *_, edited, old, _ = walk(
        *GOING, (4.0, Own("no, sorry")), (4.1, WasReadBack("ben", "no")), (9.0, Tick())
    )
    assert edited.state == old.state == Chosen(OFFER, "no, sorry", own=True)


def test_a_word_said_before_the_text_stood_there_is_not_for_it() -> None:
    *_, early = walk(*READ, (1.9, Confirm()))
    assert isinstance(early.state, ReadBack)
    assert early.told == consent.TOO_EARLY


def test_something_else_before_the_wearers_eyes_asks_again() -> None:
    *_, other, early = walk(*READ, (2.5, WasReadBack("anna", "no")), (3.0, Confirm()))
    assert other.state == early.state == Chosen(OFFER, "no", own=False)
    assert early.told == consent.TOO_EARLY


def test_what_can_be_taken_back_and_how_long() -> None:
    sent = [*GOING, (6.0, Tick())]
    *_, fixed, undo = walk(*sent, (6.5, Accepted("m8", fixed="the phone keeps it")), (7.0, Undo()))
    assert isinstance(fixed.state, Sent)
    assert undo == Outcome(Idle(), "It stays sent: the phone keeps it.")
    *_, late = walk(*sent, (6.5, Accepted("m8")), (36.5, Undo()))
    assert late.order is None
    *_, refused = walk(*sent, (6.5, Refused("Ben's server refuses.")))
    assert refused == Outcome(Idle(), "Ben's server refuses.")
    *_, waiting = walk(*sent, (6.5, Propose(OFFER)))
    assert (type(waiting.state), waiting.told) == (Sending, consent.ON_ITS_WAY)
