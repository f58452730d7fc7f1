"""Consent: no order of events sends what the wearer did not confirm."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

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
    deadline,
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


CONVERSATIONS = st.sampled_from(["ben", "anna"])
TEXTS = st.sampled_from(["yes", "no", "see you"])


class Judged:
    """A state, and what has led to it; each order to send is held against that.

    The judge knows nothing of states: only what stood before the wearer, what the wearer said, and
    when.
    """

    def start(self) -> None:
        self.now = 0.0
        self.state: State = Idle()
        self.done: list[tuple[float, Event, State]] = []
        self.newest = {"ben": 0, "anna": 0}
        self.sends = 0

    def happens(self, event: Event) -> None:
        if isinstance(event, Arrived):
            self.newest[event.conversation] += 1
        before = self.state
        outcome = step(before, event, self.now, PATIENCE)
        self.state = outcome.state
        if isinstance(outcome.order, Send):
            self.sends += 1
            self.judge(outcome.order, event)
        elif isinstance(outcome.order, Redact):
            assert isinstance(event, Undo)
        lost = isinstance(before, consent.OPEN) and isinstance(outcome.state, Idle)
        assert not lost or outcome.told, "a reply was dropped in silence"
        self.done.append((self.now, event, outcome.state))

    def judge(self, order: Send, event: Event) -> None:
        assert isinstance(event, Tick)
        events = [e for _, e, _ in self.done]
        confirmed = max(i for i, e in enumerate(events) if isinstance(e, Confirm))
        # The countdown began at the first of several confirmations in a row.
        while isinstance(self.done[confirmed - 1][2], Countdown):
            confirmed -= 1
        assert isinstance(events[confirmed], Confirm)
        read = max(i for i, e in enumerate(events[:confirmed]) if isinstance(e, WasReadBack))
        assert events[read] == WasReadBack(order.conversation, order.text)
        assert 0 <= self.done[confirmed][0] - self.done[read][0] < PATIENCE.answer
        assert self.now - self.done[confirmed][0] >= PATIENCE.countdown
        undoing = (Cancel, Leave, Unclear, Undo, Choose, Own, Propose)
        assert not [e for e in events[confirmed:] if isinstance(e, undoing)]
        assert not [e for e in events[read:] if isinstance(e, Cancel | Leave | Undo | Propose)]
        assert Arrived(order.conversation) not in events[read:]
        assert order.last == f"m{self.newest[order.conversation]}"
        sends = [s for _, _, s in self.done[read:] if isinstance(s, Sending)]
        assert not sends, "one confirmation, one message"

    def waits(self, seconds: float) -> None:
        self.now += seconds
        self.happens(Tick())

    def wants_to_answer(self, conversation: str) -> None:
        last = f"m{self.newest[conversation]}"
        self.happens(Propose(Offer(conversation, conversation, last, ("yes", "no"))))

    def goes_on(self, conversation: str) -> None:
        """One step of the way to a sent message."""
        match self.state:
            case Idle() | Sent():
                self.wants_to_answer(conversation)
            case Proposed():
                self.happens(Choose(1))
            case Chosen(offer, text):
                self.happens(WasReadBack(offer.conversation, text))
            case ReadBack():
                self.happens(Confirm())
            case Countdown():
                self.waits(PATIENCE.countdown)
            case Sending():
                self.happens(Accepted("x"))


ANYTHING: list[Event] = [
    Cancel(), Unclear(), Leave(), Undo(), Confirm(), Choose(2), Choose(9), Own("see you"), Own(" "),
    Arrived("ben"), Arrived("anna"), WasReadBack("ben", "yes"), WasReadBack("ben", "no"),
    WasReadBack("anna", "yes"), Tick(), Accepted("x"), Refused("no."),
]  # fmt: skip


def test_any_two_things_on_the_way_to_a_sent_message() -> None:
    sends = 0
    for one, two in itertools.product(ANYTHING, repeat=2):
        for first, second in itertools.combinations_with_replacement(range(6), 2):
            run = Judged()
            run.start()
            for place in range(11):
                for event, at in ((one, first), (two, second)):
                    if at == place:
                        run.now += 0.1
                        run.happens(event)
                run.now += 0.1
                run.goes_on("ben")
            sends += run.sends
    assert sends > 1000


class AnyOrder(Judged, RuleBasedStateMachine):
    """Random events at random times."""

    @initialize()
    def begin(self) -> None:
        self.start()

    @rule(seconds=st.sampled_from([0.0, 0.5, 1.0, 3.0, 10.0, 61.0]))
    def time_passes(self, seconds: float) -> None:
        self.waits(seconds)

    @rule(conversation=CONVERSATIONS)
    def reply(self, conversation: str) -> None:
        self.wants_to_answer(conversation)

    @rule(event=st.sampled_from(ANYTHING))
    def something(self, event: Event) -> None:
        self.happens(event)

    @rule(text=TEXTS)
    def own_words(self, text: str) -> None:
        self.happens(Own(text))

    @rule(conversation=CONVERSATIONS, text=TEXTS)
    def something_is_read_back(self, conversation: str, text: str) -> None:
        self.happens(WasReadBack(conversation, text))

    @rule(steps=st.integers(1, 6), conversation=CONVERSATIONS)
    def straight_on(self, steps: int, conversation: str) -> None:
        """What chance alone would seldom find."""
        for _ in range(steps):
            self.goes_on(conversation)

    @rule(seconds=st.sampled_from([0.5, 5.0]))
    def confirm_what_stood_there_earlier(self, seconds: float) -> None:
        now, self.now = self.now, max(0.0, self.now - seconds)
        if not isinstance(self.state, ReadBack) or self.now < self.state.since:
            before = self.state
            self.happens(Confirm())
            assert not isinstance(self.state, Countdown) or self.state == before
        self.now = now

    @invariant()
    def no_deadline_without_waiting(self) -> None:
        assert deadline(self.state) is None or not isinstance(self.state, Idle | Chosen | Sending)


AnyOrder.TestCase.settings = settings(max_examples=100, stateful_step_count=20)
TestAnyOrder = AnyOrder.TestCase
