"""A thread told another way: the same story, and every target still true of it."""

from __future__ import annotations

import random
from dataclasses import replace

from device.language.grounding import check
from device.messages import Draft, Message, Thread, Triage
from export.augment import Renaming, summed_up
from export.data import Example


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
