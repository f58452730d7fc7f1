"""What rules can only suspect is weighed, and what is unlikely or about something else fails."""

from __future__ import annotations

import pytest

from device.language.claims import FEATURES, features
from device.language.grounding import check
from device.language.judge import Judge, probability
from device.language.judge_weights import WEIGHTS
from tests.fakes import thread


@pytest.mark.parametrize(
    ("said", "true", "false"),
    [
        (("Ada: train is at 5:10", "Ada: no wait, it's 5:40 now"),
         "Ada's train is at 5:40", "Ada's train is at 5:10"),
        (("Ada: meet at the north gate, not the mill",),
         "Meet Ada at the north gate", "Meet Ada at the mill"),
        (("Ada: Cy has paid the deposit", "Bo: i paid for the tent"),
         "Bo paid for the tent", "Cy paid for the tent"),
        (("Ada: can you make 40 labels pls", "Ada: blue ones"),
         "Ada wants you to make labels", "Ada offers to make labels"),
        (("Ada: i'll carry the ladder over tonight",),
         "Ada offers to carry the ladder", "Ada asks you to carry the ladder"),
        (("Ada: hi both", "Ada: wren could you lock up?", "Bo: nice one"),
         "Ada asks you to lock up", "Ada asks Bo to lock up"),
        (("Ada: the ferry is running", "Ada: the café isn't open"),
         "Ada says the ferry is running", "Ada says the ferry is not running"),
        (("Ada: please don't feed the cat",),
         "Ada asks you not to feed the cat", "Ada asks you to feed the cat"),
        (("Ada: could you carry the piano stool up?",),
         "Ada asks you to carry the piano stool up", "Ada offers to carry the piano stool up"),
        (("Ada: red lorry takes 30 crates", "Ada: blue lorry takes 12 crates"),
         "The blue lorry takes 12 crates", "The blue lorry takes 30 crates"),
    ],
)  # fmt: skip
def test_the_judge_prefers_the_true_twin(said: tuple[str, ...], true: str, false: str) -> None:
    there = thread(*said)
    assert probability(features(true, there)) > probability(features(false, there))


def test_every_feature_has_a_weight() -> None:
    assert (
        set(WEIGHTS)
        == set(FEATURES)
        == set(features("Ada moved dinner", thread("Ada: dinner at 7?")))
    )


def test_a_line_in_other_words_altogether_fails_where_that_is_asked_for() -> None:
    there = thread("Kai: ok see you at the pier, pay at the gate")
    strange = "A new car was bought somewhere"
    assert check(strange, there).passes
    assert Judge(threshold=0).judge(strange, there).passes
    judge = Judge(threshold=0, least_covered=0.4)
    assert not judge.judge(strange, there).passes
    assert judge.judge("Kai sees you at the pier", there).passes
    scam = "Likely scam: a message claims to be your pier"
    assert judge.judge(scam, there).passes, "what is said of a thread need not stand in it"


@pytest.mark.parametrize("nothing", ["", "  ", "\n"])
def test_an_empty_statement_fails(nothing: str) -> None:
    assert not Judge().judge(nothing, thread("Kai: see you at the pier")).passes
