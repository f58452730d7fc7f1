"""Consent: no order of events sends what the wearer did not confirm."""

from __future__ import annotations

import itertools

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from device import consent
from device.consent import (
    Chosen,
    Countdown,
    Idle,
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
