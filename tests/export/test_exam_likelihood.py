"""Perplexity, ranking and pairs, by an engine whose probabilities a test sets."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pytest

from device.language.load import Loaded
from device.language.prompt import ThreadPrompt
from export.data import example_of
from export.exam_files import Pair
from export.exam_likelihood import OTHERS, Scorer, others_of
from export.exam_marks import Row, figures_of
from tests.export.conftest import record
from tests.fakes import ByteTokenizer, ScriptedEngine, script

EXAMPLES = [example_of(record("a", n)) for n in range(2, 4)]


class Likely(ScriptedEngine):
    """A nat a token; half of it for what ends in one of the `likely` texts."""

    def __init__(self, *likely: str):
        super().__init__(script())
        self.likely = likely
        self.asked: list[str] = []

    def score(self, seq: int, continuations: Sequence[Sequence[int]]) -> list[float]:
        tokenizer = ByteTokenizer()
        self.asked.append(tokenizer.text(self.tokens(seq)))
        texts = [tokenizer.decode(c).decode() for c in continuations]
        return [-len(c) * (0.5 if t in self.likely else 1.0)
                for c, t in zip(continuations, texts, strict=True)]  # fmt: skip


def scorer(engine: ScriptedEngine) -> Scorer:
    tokenizer = ByteTokenizer()
    return Scorer(Loaded(engine, ThreadPrompt(tokenizer), tokenizer))


def test_perplexity_by_task_and_the_true_reply_among_others() -> None:
    example = EXAMPLES[0]
    others = [f"number {n}" for n in range(OTHERS)]
    engine = Likely(example.summary, "number 3", "sure")
    marks = scorer(engine).answers(example, others)
    found = {name: f.value for name, f in figures_of([Row({}, marks)]).items()}
    assert found["glance_perplexity"] == round(math.e, 2)
    assert found["summary_perplexity"] == round(math.exp(0.5), 2)
    nats = 0.5 * len("sure") + len("where to?")
    assert found["reply_perplexity"] == round(math.exp(nats / len("surewhere to?")), 2)
    assert found["reply_recall_at_1_pct"] == 0, "one is as likely"
    assert (found["reply_recall_at_3_pct"], found["reply_mrr"]) == (100, 50)
    assert any(asked.endswith("<|im_start|>reply accept\n") for asked in engine.asked)
    assert engine.open_sequences == 0


def test_too_few_other_replies_rank_nothing() -> None:
    assert others_of(EXAMPLES[0], EXAMPLES) == []
    assert "reply_mrr" not in scorer(Likely()).answers(EXAMPLES[0], [])


def test_others_are_the_same_each_time_and_never_the_own() -> None:
    many = [example_of(record("a", n) | {"replies": [{"intent": "ack", "text": f"ok {n}"}]})
            for n in range(2, 40)]  # fmt: skip
    others = others_of(many[0], many)
    assert len(set(others)) == OTHERS
    assert "ok 2" not in others
    assert others == others_of(many[0], many)


@pytest.mark.parametrize(("likely", "right"), [("It is 2.", 100), ("It is 3.", 0), ("", 0)])
def test_a_pair_with_and_without_its_thread(likely: str, right: float) -> None:
    engine = Likely(likely)
    row = scorer(engine).pair(Pair(EXAMPLES[0], "It is 2.", "It is 3.", "amount"))
    found = {name: figure.value for name, figure in figures_of([row]).items()}
    assert found == {"pair_accuracy_pct": right, "pair_alone_pct": right}
    assert row.groups["kind"] == "amount"
    with_thread, alone = engine.asked
    assert "bring 2 chairs" in with_thread
    assert "chairs" not in alone
