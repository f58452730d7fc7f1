"""Learning when to interrupt, and keeping what it is learnt from."""

from __future__ import annotations

import datetime as dt
import random
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device.attention_log import KEPT, AttentionLog, Entry, experiences
from device.bandit import LEAST, OUTCOMES, Bandit, Experience
from device.inbox import Inbox
from tests.wearers import heeded, tells

AT = dt.datetime(2026, 3, 6, 12, 0)


def entry(outcome: str | None = None, conversation: str = "ben", **other: object) -> Entry:
    assert outcome is None or outcome in OUTCOMES
    fields = {"when": "now", "why": "reply", "activity": "walking", "chance": 1.0} | other
    return Entry(
        0, AT, "c", conversation, "m0", features=("from_a1", "reply"), outcome=outcome, **fields
    )  # type: ignore[arg-type]


def test_nothing_is_learnt_from_little() -> None:
    bandit = Bandit([Experience(("a",), True, 1.0, "answered")] * (LEAST - 1))
    assert bandit.choose(("a",), 0.5) is None
    bandit.learn(Experience(("a",), True, 1.0, "answered"))
    assert bandit.choose(("a",), 0.5) is not None


@pytest.mark.parametrize("seed", range(5))
def test_it_learns_whom_the_wearer_answers(seed: int) -> None:
    """Whom they mostly answer and whom they mostly put off, beside one who is between."""
    bandit = heeded({"ann": 0.95, "ben": 0.05, "cid": 0.5}, messages=120, seed=seed)
    assert tells(bandit, "ann") > 0.7
    assert tells(bandit, "ben") < 0.3


def test_it_learns_that_riding_is_no_time() -> None:
    bandit = Bandit()
    for i in range(60):
        riding = i % 2 == 0
        circumstances = ("from_ann", "activity_riding" if riding else "activity_seated")
        bandit.learn(Experience(circumstances, True, 1.0, "dismissed" if riding else "answered"))
        bandit.learn(Experience(circumstances, False, 1.0, "ignored" if riding else "answered"))
    for activity, told in (("riding", False), ("seated", True)):
        choice = bandit.choose(("from_ann", f"activity_{activity}"), 0.5)
        assert choice is not None
        assert choice.tell is told


def test_it_goes_on_trying() -> None:
    bandit = heeded({"ann": 0.95, "ben": 0.05}, messages=120, seed=1)
    rolled = [bandit.choose(("from_ben", "direct"), roll / 1000) for roll in range(1000)]
    tries = sum(choice is not None and choice.tell for choice in rolled)
    assert 0 < tries < 100
    assert all(choice and 0 < choice.chance <= 1 for choice in rolled)


def test_features_are_words() -> None:
    for bad in ("a b", "a:9", "|ns", "a\n1:0:1 | b", ""):
        with pytest.raises(ValueError, match="words"):
            Bandit().learn(Experience((bad,), True, 1.0, "read"))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "inbox.sqlite"


def test_decisions_are_kept_with_what_came_of_them(path: Path) -> None:
    with AttentionLog(path) as kept:
        first, second = kept.add(entry()), kept.add(entry(conversation="ann"))
        kept.came_of(first, "answered")
        kept.came_of(first, "dismissed")  # too late: the first word counts
    with AttentionLog(path) as kept:
        assert [(e.number, e.outcome) for e in kept.entries()] == [
            (first, "answered"), (second, None)
        ]  # fmt: skip
        assert [e.number for e in kept.entries("ann")] == [second]
        assert [e.outcome for e in experiences(kept.entries())] == ["answered"]


def test_ordered_silence_teaches_nothing(path: Path) -> None:
    assert experiences([entry("ignored", when="asked", why="quiet")]) == []


def test_forgetting_and_wiping_remove_it(path: Path) -> None:
    with AttentionLog(path) as kept, Inbox(path) as inbox:
        kept.add(entry())
        assert kept.forget() == 1
        assert kept.entries() == []
        kept.add(entry())
        inbox.wipe("another")
        assert len(kept.entries()) == 1
        inbox.wipe()
        assert kept.entries() == []


def test_old_decisions_make_room(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert KEPT > 3
    monkeypatch.setattr("device.attention_log.KEPT", 3)
    with AttentionLog(path) as kept:
        numbers = [kept.add(entry()) for _ in range(5)]
        assert [e.number for e in kept.entries()] == numbers[-3:]


COLUMNS = ["at", "when", "why", "activity", "features", "chance", "outcome"]
ANYTHING = st.text(max_size=30) | st.floats() | st.integers(-(2**60), 2**60) | st.binary(max_size=9)


@settings(max_examples=60)
@given(st.sampled_from(COLUMNS), ANYTHING)
def test_a_damaged_row_is_left_out(column: str, value: object) -> None:
    """What stands in the file may be anything: it raises nothing, and no learner sees it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "inbox.sqlite")
        with AttentionLog(path) as kept:
            kept.add(entry("read"))
            kept.add(entry("answered"))
        with closing(sqlite3.connect(path)) as db, db:
            if isinstance(value, str):
                value = value.encode("utf-8", "replace").decode()
            db.execute("PRAGMA ignore_check_constraints = ON")
            try:
                db.execute(f'UPDATE attention SET "{column}" = ? WHERE number = 1', (value,))
            except sqlite3.IntegrityError:  # NaN is NULL, which no column takes
                return
        with AttentionLog(path) as kept:
            found = kept.entries()
            assert found[-1].number == 2
            assert Bandit(experiences(found)).count == len(experiences(found))


def test_choosing_doesnt_depend_on_the_order_of_starts(path: Path) -> None:
    """Learnt anew from the store, it decides as it did."""
    rng = random.Random(3)
    rows = [
        entry(rng.choice(OUTCOMES), when=rng.choice(["now", "pause"]), why="reply")
        for _ in range(60)
    ]
    with AttentionLog(path) as kept:
        for row in rows:
            kept.came_of(kept.add(row), row.outcome or "read")
        again = Bandit(experiences(kept.entries()))
    one = Bandit(experiences(rows)).choose(("from_a1", "reply"), 0.5)
    assert again.choose(("from_a1", "reply"), 0.5) == one
