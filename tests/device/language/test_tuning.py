"""Tuning, by a measurer that says what a test tells it to; what is remembered, and where."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from device.errors import ModelError
from device.language import tuning
from device.language.llama_engine import LlamaEngine
from device.language.tuning import UNTUNED, VERSION, Trial, Tuning, Tunings, knobs, tune
from tests.engines import EXPECTED, GGUF, ROOT, fresh, words

SHA = "ab" * 32


def costs(tried: Tuning) -> float:
    """Milliseconds on a made-up CPU: two threads are best there, flash attention is not."""
    ms = {None: 100.0, 1: 130.0, 2: 80.0, 3: 95.0}[tried.threads]
    ms += {"on": 10.0, "off": 0.0}[tried.flash]
    return ms + (30.0 if not tried.repack else 0.0) - (40.0 if tried.keys == "q8_0" else 0.0)


def measured(tried: Tuning) -> Trial:
    return Trial(costs(tried), (7, 8, 9 if tried.keys == "f16" else 1))


def test_the_best_of_each_group_goes_on_to_the_next() -> None:
    best, found = tune(measured, knobs(4), rounds=3)
    assert best == Tuning(threads=2, flash="off")
    assert [group[0].tuning.threads for group in found] == [None, 2, 2, 2, 2]


def test_what_makes_the_model_say_other_words_is_out_however_fast() -> None:
    _, found = tune(measured, knobs(4), rounds=3)
    start, quicker = found[-1]
    assert quicker.ms < start.ms
    assert (start.same_words, quicker.same_words) == (True, False)


def test_a_gain_that_may_be_chance_changes_nothing() -> None:
    def nearly(tried: Tuning) -> Trial:
        return Trial(100.0 if tried == UNTUNED else 97.5, (1,))

    assert tune(nearly, knobs(4), rounds=3)[0] == UNTUNED


@pytest.mark.parametrize(("noise", "taken"), [((0, 8, -8, 9, -9), False), ((0, 1, -2, 3, 0), True)])
def test_a_gain_within_the_spread_of_its_rounds_changes_nothing(
    noise: tuple[float, ...], taken: bool
) -> None:
    """5 % quicker by the median either way; only what holds round by round counts."""
    moments = iter(noise)

    def noisy(tried: Tuning) -> Trial:
        return Trial(100.0 if tried == UNTUNED else 95.0 + next(moments), (1,))

    best, ((_, finding),) = tune(noisy, [[{"flash": "on"}]], rounds=5)
    assert finding.ms == 95
    assert (best != UNTUNED, finding.holds) == (taken, taken)


def test_candidates_are_measured_in_turn_and_a_slow_moment_does_not_decide() -> None:
    order: list[int | None] = []

    def jumpy(tried: Tuning) -> Trial:
        order.append(tried.threads)
        slow = 1000.0 if len(order) in (3, 4) else 0.0
        return Trial(costs(tried) + slow, (1,))

    best, _ = tune(jumpy, [[{"threads": 1}, {"threads": 2}]], rounds=5)
    assert order == [None, *[None, 1, 2] * 5]
    assert best.threads == 2


def test_what_the_model_cannot_be_run_with_is_out() -> None:
    def picky(tried: Tuning) -> Trial:
        if tried.keys == "q8_0":
            with LlamaEngine(GGUF, n_ctx=64, tuning=tried):  # its heads are too narrow
                raise AssertionError("this model was to be refused")
        return Trial(100.0, (1,))

    _, found = tune(picky, [[{"keys": "q8_0", "flash": "on"}]], rounds=3)
    assert (found[0][1].ms, found[0][1].same_words) == (float("inf"), False)
    with pytest.raises(ModelError):
        tune(lambda tried: picky(Tuning(keys="q8_0", flash="on")), [], rounds=3)


@pytest.mark.parametrize("cores", [1, 2, 4, 64])
def test_never_more_threads_than_there_are_cores(cores: int) -> None:
    threads = [change["threads"] for change in knobs(cores)[0]]
    assert len(threads) == len(set(threads)) <= 4
    assert all(0 < n < cores for n in threads)


def test_remembered_for_this_model_on_this_cpu(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tunings = Tunings(tmp_path / "data/tuning.json")
    assert tunings.of(SHA) is None
    assert not tunings.forget(SHA)
    monkeypatch.setattr(tuning, "cpu_name", lambda: "Raspberry Pi 5")
    tunings.remember(SHA, Tuning(threads=1, flash="off"))
    tunings.remember("other", UNTUNED)
    assert tunings.of(SHA) == Tuning(threads=1, flash="off")
    monkeypatch.setattr(tuning, "cpu_name", lambda: "Raspberry Pi 4")
    assert tunings.of(SHA) is None, "a card that was moved to another board"
    monkeypatch.setattr(tuning, "cpu_name", lambda: "Raspberry Pi 5")
    assert tunings.forget(SHA)
    assert (tunings.of(SHA), tunings.of("other")) == (None, UNTUNED)


@pytest.mark.parametrize(
    "change",
    [
        {"threads": 0},
        {"threads": 10_000},
        {"threads": True},
        {"batch": 1 << 40},
        {"flash": "maybe"},
        {"keys": ["f16"]},
        {"repack": 1},
        {"more": 1},
    ],
)
def test_what_llama_could_stumble_over_is_as_good_as_none(
    tmp_path: Path, change: dict[str, object]
) -> None:
    tunings = Tunings(tmp_path / "tuning.json")
    tunings.remember(SHA, UNTUNED)
    record = json.loads(tunings.path.read_text())
    (known,) = record["tunings"].values()
    known |= change
    tunings.path.write_text(json.dumps(record))
    assert tunings.of(SHA) is None


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff", b'{"version": 3, "tunings": {}}'])
def test_a_damaged_or_newer_file_is_as_good_as_none(tmp_path: Path, content: bytes) -> None:
    tunings = Tunings(tmp_path / "tuning.json")
    tunings.path.write_bytes(content)
    assert tunings.of(SHA) is None
    tunings.remember(SHA, UNTUNED)
    assert tunings.of(SHA) == UNTUNED


@pytest.mark.parametrize(
    "tried",
    [
        Tuning(batch=32),
        Tuning(flash="on"),
        Tuning(repack=False),
    ],
)
def test_every_tuning_says_what_the_model_says(tried: Tuning, tmp_path: Path) -> None:
    case = EXPECTED["plain"][1]
    with LlamaEngine(GGUF, n_ctx=200, threads=1, tuning=tried) as engine:
        assert fresh(engine, case["prompt"], len(case["greedy"])) == case["greedy"]
        assert len(fresh(engine, words(150), 3)) == 3, "more than a batch"


def test_a_tuning_of_another_release_is_forgotten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is untuned changed with version 2, llama.cpp's kernels change with every release."""
    tunings = Tunings(tmp_path / "tuning.json")
    tunings.remember(SHA, Tuning(batch=64))
    kept = tunings.path.read_text()
    tunings.path.write_text(kept.replace(f'"version": {VERSION}', f'"version": {VERSION - 1}'))
    assert tunings.of(SHA) is None
    tunings.path.write_text(kept)
    assert tunings.of(SHA) == Tuning(batch=64)
    monkeypatch.setattr("device.language.tuning.metadata.version", lambda _: "99.0")
    assert tunings.of(SHA) is None


def test_a_sequence_saved_under_another_layout_is_refused() -> None:
    """On a shipped model: the tiny one's heads are too narrow for keys in 8 bits."""
    layouts = [UNTUNED, Tuning(flash="on"), Tuning(keys="q8_0")]
    shipped = ROOT / "models/sidelong-60m.gguf"
    prints = set()
    for tried in layouts:
        with LlamaEngine(shipped, n_ctx=64, sha256="shipped", tuning=tried) as engine:
            prints.add(engine.fingerprint)
    assert len(prints) == len(layouts)
