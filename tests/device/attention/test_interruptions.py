"""Attention at work: what counts as an interruption, when a batch is due, what teaches it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from device.attention_log import AttentionLog
from device.bandit import LEAST, Outcome
from device.card_queue import Written, quoted_card
from device.interruptions import GOES_ON, LOOK_AGAIN, Interruptions
from device.messages import Message, Thread, Triage
from device.settings import Activity, Settings
from tests.lives import Clock


def written(text: str, needs_reply: bool, conversation: str = "ben") -> Written:
    thread = Thread(conversation, "Me", (Message("Ben", text, id="m0"),), "Ben")
    card = replace(quoted_card(thread), triage=Triage(needs_reply, "low"))
    return Written(card, thread, None)


ASKS, CHATTER = written("coming?", True), written("look at this cloud", False)


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[AttentionLog]:
    with AttentionLog(tmp_path / "inbox.sqlite") as log:
        yield log


@pytest.fixture
def clock() -> Clock:
    return Clock()


def begun(kept: AttentionLog, clock: Clock, roll: float = 0.5, **chosen: object) -> Interruptions:
    return Interruptions("c", Settings(**chosen), kept, clock, lambda: roll)  # type: ignore[arg-type]


def test_a_burst_is_one_interruption_after_a_restart_too(kept: AttentionLog, clock: Clock) -> None:
    before = begun(kept, clock, interruptions=3)
    for _ in range(3):
        assert before.judge(ASKS) == "now"
        clock.now += GOES_ON / 4
    assert before.left == begun(kept, clock, interruptions=3).left == 2
    clock.now += GOES_ON
    assert before.judge(ASKS) == "now"
    assert before.left == begun(kept, clock, interruptions=3).left == 1
    clock.now += dt.timedelta(hours=1)
    assert before.left == begun(kept, clock, interruptions=3).left == 3


@pytest.mark.parametrize(
    ("hour", "activity", "due"),
    [(12, "walking", True), (12, "riding", False), (23, "walking", False)],
)
def test_no_batch_is_due_while_riding_or_in_quiet_hours(
    kept: AttentionLog, clock: Clock, hour: int, activity: Activity, due: bool
) -> None:
    clock.now = clock.now.replace(hour=hour)
    attention = begun(kept, clock, batch=10, quiet="22:00-07:00", activity=activity)
    assert attention.batch_in() is None
    attention.judge(CHATTER)
    wait = attention.batch_in()
    assert wait == pytest.approx(600)
    clock.now += dt.timedelta(minutes=10)
    assert attention.batch_in() == (0 if due else LOOK_AGAIN)


@pytest.mark.parametrize(("outcome", "told"), [("answered", "now"), ("ignored", "pause")])
def test_what_the_wearer_does_teaches_and_is_asked(
    kept: AttentionLog, clock: Clock, outcome: Outcome, told: str
) -> None:
    """The rule keeps chatter for a pause, and tells of a question."""
    attention = begun(kept, clock)
    for _ in range(2 * LEAST):
        for one in (CHATTER, written("coming?", True, "ida")):
            attention.judge(one)
            attention.came_of(one.thread.id, outcome)
            clock.now += dt.timedelta(hours=1)
    attention.judge(CHATTER)
    [last] = kept.entries(last=1)
    assert (last.when, last.why) == (told, "learnt")
    begun(kept, clock).judge(CHATTER)
    [again] = kept.entries(last=1)
    assert (again.when, again.why) == (told, "learnt"), "learnt anew from the store"
    begun(kept, clock, learn=False).judge(CHATTER)
    assert kept.entries(last=1)[0].why == "chatter"


def test_the_first_that_came_of_it_counts(kept: AttentionLog, clock: Clock) -> None:
    attention = begun(kept, clock)
    attention.judge(ASKS)
    attention.came_of("ben", "read")
    attention.came_of("ben", "dismissed")
    attention.came_of("nobody", "answered")
    assert [entry.outcome for entry in kept.entries()] == ["read"]
