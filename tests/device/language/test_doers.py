"""Who does what to whom, who is asked, who has what, and how far a "not" reaches."""

from __future__ import annotations

import pytest

from device.language.clauses import index_of
from device.language.grounding import check
from device.language.judge import Judge
from device.messages import Thread
from tests.fakes import thread

LIFT = thread("Ben: I can pick up Cem at 7:30")
PAID = thread("Dana: hi", "Cem: I paid Dana 40", "Ben: ok")
PAID_ME = thread("Cem: Dana paid me 40", "Dana: yes", "Ben: ok")
SALAD = thread("Dana: I will bring the salad, not the bread")
SALAD_IN_ONE = thread("Dana: I will bring the salad not the bread")
KEYS = thread("Ben: The keys are with Dana", "Cem: thanks", "Dana: ok")
MY_KEYS = thread("Ben: the keys are with me", "Cem: thanks")
FETCH = thread("Ben: Can you pick up Cem?", "Cem: hi", "Ben: at 7:30")
CAKE = thread("Dana: Should I bring the cake, Wren?", "Ben: hi")


@pytest.mark.parametrize(
    ("there", "true", "false"),
    [
        (LIFT, "Ben will pick up Cem at 7:30.", "Cem will pick up Ben at 7:30."),
        (LIFT, "Ben can pick Cem up at 19:30.", "Cem picks up Ben at 7:30."),
        (PAID, "Cem paid Dana 40.", "Dana paid Cem 40."),
        (PAID, "Cem paid Dana 40.", "Cem paid Ben 40."),
        (PAID_ME, "Dana paid Cem 40.", "Cem paid Dana 40."),
        (SALAD, "Dana will bring the salad.", "Dana will not bring the salad."),
        (SALAD_IN_ONE, "Dana will not bring the bread.", "Dana will not bring the salad."),
        (KEYS, "The keys are with Dana.", "The keys are with Cem."),
        (MY_KEYS, "The keys are with Ben.", "The keys are with Cem."),
        (FETCH, "Ben asks you to pick up Cem at 19:30.", "Ben will pick up Cem."),
        (CAKE, "Dana asks if she should bring the cake.", "Dana asks you to bring the cake."),
    ],
)
def test_roles(there: Thread, true: str, false: str) -> None:
    assert Judge().judge(true, there).passes
    assert not check(false, there).passes


@pytest.mark.parametrize(
    ("said", "statement"),
    [
        (("Ben: I'll call Cem", "Cem: I'll call Ben, don't worry"), "Cem will call Ben."),
        (("Ben: can you pick up Cem?", "Cem: Dana picks me up"), "Dana picks up Cem."),
        (("Ben: I'm meeting Cem at 7", "Cem: great"), "Cem meets Ben at 7."),
        (("Ben: the boss paid him 40", "Cem: nice"), "Ben paid Cem 40."),
        (("Ben: can you bring the cake?", "Ben: I bring the tea"), "Ben brings the tea."),
        (("Cem: keys are with the porter", "Ben: ok"), "The keys are with Porter Ben."),
    ],
)
def test_where_roles_cannot_be_told_nothing_is_held_against(
    said: tuple[str, ...], statement: str
) -> None:
    assert check(statement, thread(*said)).passes


def test_an_object_at_the_end_is_no_address() -> None:
    cem = 2
    there = index_of(thread("Ben: can you pick up cem", "Cem: hi", "Ben: wait for me cem"))
    assert [c.addressed for c in there.clauses] == [None, None, cem]
