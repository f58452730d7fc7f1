"""Models fed the same words: the share of likeliest tokens they have in common, and their loss."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from device.language.engine import Sampling
from export import parity
from tests.engines import llama

TINY = Path(__file__).parents[1] / "tiny"


def test_the_likeliest_token_behind_each_of_an_answer() -> None:
    """What is greedy agrees with itself everywhere; of another answer the first place does."""
    engine = llama()
    seq = engine.open()
    engine.extend(seq, [5, 9, 2, 30])
    one, two = engine.fork(seq, 2)
    greedy = [step[0] for step in engine.generate([one], Sampling(), (), 6)]
    assert parity.likeliest(engine, two, [t for t in greedy if t is not None]) == greedy
    (three,) = engine.fork(seq, 1)
    answer = [7, 11, 3]
    said = parity.likeliest(engine, three, answer)
    assert said[0] == greedy[0]
    assert engine.tokens(three) == (5, 9, 2, 30, *answer)


def test_one_model_in_two_formats_agrees(
    data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    options = [str(TINY / "tiny.gguf"), "--against", str(TINY), "--data", str(data), "--json"]
    monkeypatch.setattr("sys.argv", ["parity", *options])
    parity.main()
    exact, same = map(json.loads, capsys.readouterr().out.splitlines())
    assert exact["same_pct"] == 100
    assert exact["loss_above"] == 0
    assert exact["tokens"] == same["tokens"] > 50
    assert same["same_pct"] > 98
    assert abs(same["loss_above"]) < 0.01
    assert same["loss"] > 1, "its weights are random"


def test_a_model_that_is_not_there(
    data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["no.gguf", "--against", str(TINY), "--data", str(data)]
    monkeypatch.setattr("sys.argv", ["parity", *options])
    with pytest.raises(SystemExit) as stopped:
        parity.main()
    assert stopped.value.code == 2
    assert "no.gguf: no such model file" in capsys.readouterr().err
