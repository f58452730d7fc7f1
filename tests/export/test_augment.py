"""A thread told another way: the same story, and every target still true of it."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

from device.language.grounding import check
from device.messages import Draft, Message, Thread, Triage
from export.augment import Renaming, Retelling, summed_up
from export.clock import shifted
from export.data import Example, split_glancechat
from export.noise import Typos, bare, merged, split
from export.recipe import Shares
from export.retell import stays_true, supported


def example(*said: tuple[str, str], unread_from: int = 0, **targets: str) -> Example:
    thread = Thread(
        "t", "Wren", tuple(Message(who, text) for who, text in said), "Orla", False, unread_from
    )
    lines = {"glance": "Orla: bring 3 chairs", "summary": "Orla asks for 3 chairs."} | targets
    drafts = (Draft("accept", "sure orla -Wren"),)
    return Example(
        thread, lines["glance"], lines["summary"], None, Triage(True, "low"), drafts, "p", "en"
    )


CHAIRS = example(("Orla", "Wren! bring 3 chairs to Mum's"), ("Wren", "which ones, orla?"))
OTHERS = [
    replace(
        CHAIRS, thread=replace(CHAIRS.thread, messages=(Message(name, "hello mum"),)), drafts=()
    )
    for name in ("Basil", "Clement", "Mum", "Mr Tench", "HMRC")
]
RENAMING = Renaming([CHAIRS, *OTHERS, *OTHERS, *OTHERS])


def test_renamed_everywhere_and_alike() -> None:
    found = RENAMING(CHAIRS, random.Random(0))
    sender = found.thread.messages[0].sender
    me = found.thread.me
    assert {sender, me} == {"Basil", "Clement"}
    assert [m.text for m in found.thread.messages] == [
        f"{me}! bring 3 chairs to Mum's",
        f"which ones, {sender.lower()}?",
    ]
    assert found.thread.messages[1].sender == me
    assert found.thread.title == sender
    assert found.glance == f"{sender}: bring 3 chairs"
    assert found.drafts[0].text == f"sure {sender.lower()} -{me}"


def test_kin_and_firms_keep_their_names() -> None:
    assert RENAMING.names(OTHERS[0].thread) == ["Basil", "Wren"]
    for other in OTHERS[2:]:
        assert RENAMING.names(other.thread) == ["Wren"]


def test_nobody_is_renamed_where_a_pronoun_would_be_wrong() -> None:
    pronoun = replace(CHAIRS, summary="Orla asks for 3 chairs; she is in a hurry.")
    assert RENAMING(pronoun, random.Random(0)) is pronoun


def test_old_messages_are_summed_up_while_the_targets_hold() -> None:
    long = example(
        ("Orla", "did you see the heron?"), ("Wren", "yes"), ("Orla", "bring 3 chairs"),
        unread_from=2,
    )  # fmt: skip
    found, earlier = summed_up(long, random.Random(0))
    assert earlier is not None
    assert "heron" in earlier
    assert [m.text for m in found.thread.unread] == ["bring 3 chairs"]
    assert check(found.glance, found.thread).passes

    leaning = replace(long, summary="Orla saw 1 heron at 7:45 and asks for 3 chairs.")
    assert summed_up(leaning, random.Random(0)) == (leaning, None)
    assert summed_up(CHAIRS, random.Random(0)) == (CHAIRS, None)


def test_a_telling_that_makes_a_target_false_is_taken_back() -> None:
    shares = Shares(renamed=1, shifted=1, merged=1, split=1, bare=1, typos=1)
    retelling = Retelling([CHAIRS, *OTHERS, *OTHERS, *OTHERS], shares)
    lies = [(lambda e, rng: replace(e, thread=replace(e.thread, messages=e.thread.messages[1:])))]
    retelling._ways = tuple((lie, 1.0) for lie in lies)
    assert retelling(CHAIRS, random.Random(0)) == (CHAIRS, None)


def test_targets_stay_true_of_real_threads(real_data: Path) -> None:
    """Each way alone, before anything is taken back; and then not one is lost."""
    training, _ = split_glancechat(real_data / "glancechat")
    few = training[::12]
    rng = random.Random(0)
    ways = [Renaming(training), Typos(training), shifted, merged, split, bare]
    for way in ways:
        told = [(e, way(e, rng)) for e in few]
        changed = [(old, new) for old, new in told if old != new]
        assert changed
        pairs = [
            (was, still)
            for old, new in changed
            for was, still in zip(supported(old), supported(new), strict=True)
        ]
        passed = sum(was for was, _ in pairs)
        assert sum(still for _, still in pairs) >= 0.97 * passed, way
    retelling = Retelling(training, Shares(1, 0, 1, 1, 1, 1, 1))
    assert all(stays_true(e, retelling(e, rng)[0]) for e in few)
