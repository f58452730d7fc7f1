"""What the audit measures, on scores whose answer is known, and once whole on the tiny model."""

from __future__ import annotations

import dataclasses
import math
import random
import warnings

import numpy as np
import pytest

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # while others are imported: not ours to mend
    from federated.audit import FALSE, Audit, audited, exposure, lines, planted, rank, sentence

from federated.settings import Settings
from federated.users import User, split
from tests.federated.conftest import sents


def test_rank_and_exposure() -> None:
    assert rank([1.0, 2.0, 3.0]) == 1
    assert rank([3.0, 2.0, 1.0]) == 3
    assert rank([1.0, 1.0, 1.0]) == 3, "a tie is no memory"
    assert exposure([0.0, *range(1, 16)]) == 4.0
    assert exposure([99.0, *range(1, 16)]) == 0.0


def test_exposure_by_chance() -> None:
    draw = np.random.default_rng(0)
    mean = np.mean([exposure(list(draw.normal(size=32))) for _ in range(4000)])
    assert abs(mean - np.mean([5 - math.log2(k) for k in range(1, 33)])) < 0.08


@pytest.mark.parametrize(
    ("more", "noises", "why"),
    [
        ({"rounds": 0}, [0.0], "without rounds"),
        ({"method": "local-only"}, [0.0], "without rounds"),
        ({"method": "svd"}, [0.0, 1.0], "noise with method = 'svd'"),
        ({}, [0.0, -1.0], "noise = -1"),
    ],
)
def test_what_can_not_be_audited_is_refused_beforehand(
    settings: Settings, more: dict[str, object], noises: list[float], why: str
) -> None:
    """Before a model is read, let alone a round: its folder and its data aren't there."""
    nowhere = {"model": "/nowhere", "gguf": "/nowhere.gguf", "data": "/nowhere"}
    told = Settings.from_config(settings.to_config() | nowhere | more)
    with pytest.raises(ValueError, match=why):
        audited(told, noises)


def users() -> list[User]:
    found = (split(name, sents(name, 24), 12) for name in ("ann", "ben"))
    return [user for user in found if user is not None]


def test_a_canary_is_trained_on_and_its_like_are_not() -> None:
    draw = random.Random(0)
    made = {sentence(draw) for _ in range(1000)}
    assert len(made) == 1000, "no false sentence is a true one"
    user = planted(users()[0], "tell Tom the gate code is 000001")
    assert user.train[-1].replies[0].text.endswith("000001")
    assert all("000001" not in r.text for s in (*user.gate, *user.test) for r in s.replies)


def test_a_model_that_is_trained_hard_remembers_and_noise_hides_it(settings: Settings) -> None:
    """Ranks before any training are chance; after a lot of it the canaries stand out."""
    hard = dataclasses.replace(settings, steps=60, rounds=3, lr=3e-2, clip=100.0, layers=2)
    audit = Audit(hard, users())
    before, after, alone = audit.run(0.0)
    (noisy,) = audit.run(20.0)
    assert before["epsilon"] is after["epsilon"] is None
    assert after["canary_auc"] > 0.8
    assert alone["canary_auc"] > 0.8
    assert noisy["epsilon"] is not None
    assert noisy["canary_auc"] < after["canary_auc"]
    assert 0 <= before["exposure"] <= math.log2(FALSE + 1)
    assert len(lines({"users": 2, "rows": [before, after, alone, noisy]})) == 5
