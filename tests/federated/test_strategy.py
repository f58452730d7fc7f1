"""The server's side of a round, with made-up clients and without a network."""

from __future__ import annotations

import dataclasses
import json
import warnings
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("flwr", reason="flwr is in the extra `federated`")
with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # while others are imported: not ours to mend
    from flwr.app import Error, Message, MetricRecord, RecordDict

    from federated.strategy import AdapterStrategy, load, nodes, save, to_record

from export.to_gguf import read_config
from federated import client
from federated.adapters import Arrays, initial, norm, sent
from federated.report import lines, report_of, summary, write_report
from federated.settings import Settings

pytestmark = pytest.mark.usefixtures("inside_a_run")
NODES = (11, 12, 13)


class Fake:
    """A grid on which these nodes are."""

    def __init__(self, there: Iterable[int] = NODES):
        self.there = list(there)

    def get_node_ids(self) -> list[int]:
        return self.there


def strategy_of(settings: Settings, said: list[str]) -> AdapterStrategy:
    arrays = initial(read_config(settings.path("model")), settings)
    return AdapterStrategy(settings, arrays, settings.path("out"), [], said.append)


def play(
    strategy: AdapterStrategy,
    settings: Settings,
    answers: dict[int, object],
    more: dict[str, MetricRecord] | None = None,
) -> None:
    """One round: an answer a node is an update, an error's text, or None for silence."""
    start = to_record(sent(strategy.arrays, settings))
    asked = {m.metadata.dst_node_id: m for m in strategy.configure_train(1, start, None, Fake())}
    replies = []
    for node, answer in answers.items():
        message = asked[node]
        # A reply's source is its request's destination, which Flower sets when it is delivered.
        if isinstance(answer, str):
            replies.append(Message(Error(code=0, reason=answer), reply_to=message))
        elif answer is not None:
            content = RecordDict({"update": to_record(answer)} | (more or {}))
            replies.append(Message(content, reply_to=message))
    strategy.aggregate_train(1, replies)


def update_of(settings: Settings, value: float) -> Arrays:
    shared = sent(initial(read_config(settings.path("model")), settings), settings)
    return {n: np.full_like(v, value) for n, v in shared.items()}


def test_the_mean_of_the_valid_ones(settings: Settings) -> None:
    said: list[str] = []
    strategy = strategy_of(settings, said)
    play(
        strategy,
        settings,
        {n: update_of(settings, v) for n, v in zip(NODES, (0.01, 0.03, 0.02), strict=True)},
    )
    for name, value in strategy.arrays.items():
        if name.endswith(".lora_b"):
            np.testing.assert_allclose(value, 0.02, rtol=1e-5)
    assert "3 of 3 updates taken" in said[-1]


@pytest.mark.parametrize(("kind", "reason"), [("nan", "NaN"), ("shape", "shape"), ("norm", "norm")])
def test_a_broken_client_is_survived_and_named(settings: Settings, kind: str, reason: str) -> None:
    said: list[str] = []
    strategy = strategy_of(settings, said)
    bad = client.misbehave(settings, kind, update_of(settings, 0.02))
    answers = {11: update_of(settings, 0.01), 12: update_of(settings, 0.03), 13: bad}
    play(strategy, settings, answers)
    b = next(v for n, v in strategy.arrays.items() if n.endswith(".lora_b"))
    np.testing.assert_allclose(b, 0.02, rtol=1e-5)
    assert any("refused client 13" in s and reason in s for s in said)
    assert reason in strategy.rounds[0].refused["13"]


def test_a_failure_and_a_silence(settings: Settings) -> None:
    said: list[str] = []
    strategy = strategy_of(settings, said)
    before = strategy.arrays
    play(strategy, settings, {11: update_of(settings, 0.01), 12: "out of memory", 13: None})
    assert "out of memory" in strategy.rounds[0].refused["12"]
    assert "no answer" in strategy.rounds[0].refused["13"]
    assert strategy.arrays is before, "one of two at least: nothing changed"
    assert "nothing changed" in said[-1]


def test_a_failure_without_a_word_and_an_update_that_is_no_array(settings: Settings) -> None:
    """Whatever a stranger sends, the others' part of the round goes on."""
    strategy = strategy_of(settings, [])
    strategy._asked = [11, 12, 13]
    asked = {m.metadata.dst_node_id: m for m in strategy.configure_train(1, None, None, Fake())}
    replies = [Message(Error(code=0, reason=why), reply_to=asked[node])
               for node, why in ((11, ""), (12, "out\n\x1b[2Jof memory"))]  # fmt: skip
    update = to_record(update_of(settings, 0.01))
    next(iter(update.values())).data = b"no array"
    replies.append(Message(RecordDict({"update": update}), reply_to=asked[13]))
    strategy.aggregate_train(1, replies)
    refused = strategy.rounds[0].refused
    assert refused["11"] == "failed: no reason given"
    assert refused["12"] == "failed: of memory"
    assert refused["13"].startswith("unreadable: ")


def test_who_sends_more_than_the_update_is_refused(settings: Settings) -> None:
    strategy = strategy_of(settings, [])
    before = strategy.arrays
    answers = {n: update_of(settings, 0.01) for n in NODES}
    play(strategy, settings, answers, {"figures": MetricRecord({"norm": 1.0})})
    assert strategy.arrays is before
    assert all("more than its update" in why for why in strategy.rounds[0].refused.values())


def test_a_poisoned_norm_is_refused_at_the_bound_and_not_below(settings: Settings) -> None:
    strategy = strategy_of(settings, [])
    one = update_of(settings, 1.0)
    answers = {
        11: scaled(one, settings.clip), 12: scaled(one, settings.clip), 13: scaled(one, 8.1)
    }  # fmt: skip
    play(strategy, settings, answers)
    assert strategy.rounds[0].taken == 2
    assert strategy.rounds[0].norms == pytest.approx([settings.clip] * 2, rel=1e-4)
    assert "norm" in strategy.rounds[0].refused["13"]


def scaled(update: Arrays, length: float) -> Arrays:
    """The update with another norm."""
    return {n: (v * (length / norm(update))).astype(np.float32) for n, v in update.items()}


def test_noise_is_that_of_the_sum(settings: Settings) -> None:
    settings = dataclasses.replace(settings, noise=2.0, clip=3.0)
    strategy = strategy_of(settings, [])
    play(strategy, settings, {n: update_of(settings, 0.0) for n in NODES})
    values = np.concatenate(
        [v.ravel() for n, v in strategy.arrays.items() if n.endswith(".lora_b")]
    )
    assert values.std() == pytest.approx(2.0 * 3.0 / 3, rel=0.1)
    assert strategy.rounds[0].multiplier == 2.0


def test_a_checkpoint_every_round_and_only_of_the_same_run(settings: Settings) -> None:
    strategy = strategy_of(settings, [])
    folder = settings.path("out")
    assert load(folder, settings) is None
    play(strategy, settings, {n: update_of(settings, 0.01) for n in NODES})
    found = load(folder, settings)
    assert found is not None
    arrays, rounds = found
    assert [r.taken for r in rounds] == [3]
    assert all((arrays[n] == v).all() for n, v in strategy.arrays.items())
    with pytest.raises(ValueError, match="other settings"):
        load(folder, dataclasses.replace(settings, clip=1.0))
    whole = (folder / "checkpoint.npz").read_bytes()
    for broken in (b"", b"no archive", whole[: len(whole) // 2]):
        (folder / "checkpoint.npz").write_bytes(broken)
        with pytest.raises(ValueError, match="no checkpoint of this version; move it away"):
            load(folder, settings)
    (folder / "checkpoint.npz").write_bytes(whole)
    (folder / "checkpoint.new").write_bytes(b"killed while writing")
    assert load(folder, settings) is not None
    save(folder, settings, arrays, rounds)
    assert not (folder / "checkpoint.new").exists()


def test_nobody_is_waited_for_for_ever(settings: Settings) -> None:
    assert nodes(Fake([2, 1]), 2, timeout=60) == [1, 2]
    assert nodes(Fake([1]), 2, timeout=0.01) == [1]
    with pytest.raises(RuntimeError, match="0 nodes"):
        nodes(Fake([]), 2, timeout=0.01)


def test_the_report(settings: Settings, tmp_path: Path) -> None:
    strategy = strategy_of(settings, [])
    play(strategy, settings, {n: update_of(settings, 0.01) for n in NODES})
    figures = []
    for user, gain in enumerate((0.5, -0.1)):
        row = {f"nll-{w}": 4.0 - gain for w in ("local", "federated", "both", "hard")}
        row |= {"nll-none": 4.0, "nll-kept": 4.0 - max(0, gain), "kept": 2.0 if gain > 0 else 0.0}
        for way in ("none", "local", "federated", "both", "kept"):
            row |= {f"best3-{way}": 20.0 + user, f"style-{way}": 0.5 - gain / 2}
        row |= {"train-texts": 9.0, "gate-texts": 2.0, "test-texts": 3.0, "seconds": 1.0}
        figures.append(row | {"peak-mb": 500.0 + user, "user": float(user)})
    report = report_of(settings, ["ann", "ben", "cy"], strategy.rounds, figures, strategy.arrays)
    report |= {"seconds": 3.0, "memory_bound_mb": 600, "status": "finished:completed"}
    assert report["hurt_share"] == 0.5
    assert report["hurt_share_after_gate"] == 0
    assert report["ppl_federated_local"] == pytest.approx(np.exp(3.8), rel=1e-3)
    assert (report["best3_none"], report["style_federated_local"]) == (20.5, 0.4)
    said = "\n".join(lines(report))
    assert all(title in said for title in ("ann", "ROUGE-L", "style distance"))
    assert "not examined: 1 of 3 users" in "\n".join(lines(report))
    last = json.loads(summary(report))
    assert {
        "users", "rounds", "seconds", "peak_mb", "ppl_none", "ppl_local", "ppl_federated",
        "ppl_federated_local", "best3_none", "best3_federated_local", "hurt_share",
        "hurt_share_after_gate", "style_none", "style_federated_local",
        "bytes_up_per_client_round", "epsilon", "delta",
    } <= set(last)  # fmt: skip
    pytest.importorskip("matplotlib", reason="matplotlib is in the extra `federated`")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        write_report(tmp_path, report)
    assert (tmp_path / "report.png").stat().st_size > 5000
