"""Is what was learnt kept? Only where answers gain and lines don't suffer."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from device.language.adapter_choice import Adapters, Choice
from device.language.load import Model
from federated import personal_gate
from federated.personal_gate import judge
from federated.personal_run import learn
from federated.personal_verdict import Verdict, sign_flip_p
from tests.federated.personal import BASE, GGUF, alike, chat, quick, silent, user_of


def test_what_makes_the_last_answers_less_likely_is_refused(tmp_path: Path) -> None:
    strange = [f"{'काल मिलते हैं' if n % 2 else '😀👍'} {chr(0x0627 + n % 20) * 4}" for n in range(30)]
    user = user_of(chat(alike(40)), chat(strange, "Cem", first=40))
    others = dataclasses.replace(user, gate=user.train[-6:])  # else training stops at once
    adapters = Adapters(tmp_path)
    verdict = learn(quick(adapters.folder), others, adapters, silent)
    assert verdict.ppl_after > verdict.ppl_before
    assert not verdict.keeps
    assert "What was in use stays" in verdict.sentences()[-1]
    assert adapters.choice() == Choice()


def test_where_lines_suffer_less_of_the_adapter_is_tried(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    passed = {None: 8, "1.0": 6, "0.5": 7, "0.25": 8}

    def lines(model: Model, threads: object, cores: int, adapter: Path | None) -> list[bool]:
        good = passed[adapter and adapter.stem]
        return [True] * good + [False] * (10 - good)

    def write(strength: float) -> Path:
        return tmp_path / f"{strength}.gguf"

    def nats(engine: Path | None, held_out: object) -> tuple[object, object]:
        mean = 4.0 if engine is None else 4.0 - float(engine.stem)
        return np.arange(10) + 10 * mean, np.full(10, 10.0)

    class Engine:
        def __init__(self, model: Model, cores: int, adapter: Path | None = None):
            self.adapter = adapter

        def __enter__(self) -> Path | None:
            return self.adapter

        def __exit__(self, *_: object) -> None:
            pass

    monkeypatch.setattr(personal_gate, "lines_that_pass", lines)
    monkeypatch.setattr(personal_gate, "engine_of", Engine)
    monkeypatch.setattr(personal_gate, "likelihoods", nats)
    model = Model("tiny", GGUF, BASE)
    verdict, path = judge(model, [], [], 1, None, write)
    assert verdict.keeps
    assert (verdict.strength, path.stem) == (0.25, "0.25")
    assert verdict.ppl_after == pytest.approx(verdict.ppl_before * np.exp(-0.25))
    passed["0.25"] = 7
    verdict, _ = judge(model, [], [], 1, None, write)
    assert not verdict.keeps
    assert verdict.strength == 1.0
    assert "fewer lines would pass" in verdict.sentences()[-1]


def test_a_share_of_more_lines_is_a_share() -> None:
    def verdict(*numbers: int) -> Verdict:
        return Verdict(1.0, 10, 90.0, 80.0, 0.01, *numbers)

    assert verdict(10, 8, 20, 16).keeps
    assert not verdict(10, 8, 20, 15).keeps
    assert not dataclasses.replace(verdict(10, 8, 10, 8), p=0.06).keeps


def test_many_pairs_are_drawn_and_agree_with_all_cases() -> None:
    gains = np.random.default_rng(1).normal(0.4, 1.0, 20)
    drawn = sign_flip_p(gains)
    sums = np.zeros(1)
    for gain in gains:  # all 2**20 cases
        sums = np.concatenate([sums + gain, sums - gain])
    assert drawn == pytest.approx(float((sums >= gains.sum() - 1e-9).mean()), abs=0.01)
    assert sign_flip_p(-gains) > 0.5
