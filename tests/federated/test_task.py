"""Local training: the kept states change nothing, and the user's own replies get likelier."""

from __future__ import annotations

import dataclasses
import random

import numpy as np
import pytest
import torch

from export.pack import collate
from export.train import loss_of
from federated import client, privacy
from federated.adapters import Arrays, initial, norm, sent
from federated.settings import Settings
from federated.task import Bench, memory_bound, pack_replies
from federated.users import split, write_partitions
from tests.federated.conftest import LlamaForCausalLM, sents


def usual_start(bench: Bench, settings: Settings) -> Arrays:
    return initial(bench.config, settings)


@pytest.fixture
def two_users(settings: Settings) -> Settings:
    """Two users' files lie where the clients look for them."""
    users = [split(name, sents(name, 20), 24) for name in ("ann", "ben")]
    write_partitions([u for u in users if u], settings.path("out") / "users")
    return settings


def test_nothing_but_the_users_own_replies_has_weight(settings: Settings) -> None:
    bench = Bench(settings)
    sent = sents("ann", 1)[0]
    packed = pack_replies(sent, bench.prompt)
    learnt = [t for t, w in zip(packed.tokens, packed.weights, strict=True) if w]
    assert learnt == [*bench.prompt.answer(sent.replies[0].text), bench.prompt.end]
    assert set(packed.weights) == {0.0, 1.0}


def test_kept_states_give_the_whole_models_loss(settings: Settings) -> None:
    bench = Bench(settings)
    history = sents("ann", 5)
    prepared = bench.prepare(history, random.Random(0))
    nll = bench.nll(usual_start(bench, settings), prepared)
    model = LlamaForCausalLM.from_pretrained(settings.path("model"), dtype=torch.float32).eval()
    batch = collate([pack_replies(s, bench.prompt) for s in history])
    with torch.no_grad():
        whole, _ = loss_of(model, batch)
    assert nll == pytest.approx(float(whole), rel=1e-4)


@pytest.mark.parametrize("method", ["ffa", "avg"])
def test_training_makes_replies_likelier(settings: Settings, method: str) -> None:
    settings = dataclasses.replace(settings, method=method)
    bench = Bench(settings)
    prepared = bench.prepare(sents("ann", 12), random.Random(0))
    start = usual_start(bench, settings)
    *_, after = bench.train(start, prepared, 20, random.Random(0), every=5)
    assert bench.nll(after, prepared) < bench.nll(start, prepared) - 0.1
    changed = {n.rpartition(".")[2] for n in start if (after[n] != start[n]).any()}
    assert changed == ({"lora_b"} if method == "ffa" else {"lora_a", "lora_b"})


def test_a_round_sends_a_clipped_update_and_is_repeatable(two_users: Settings) -> None:
    settings = dataclasses.replace(two_users, clip=0.05)
    shared = sent(usual_start(client.bench(settings), settings), settings)
    update = client.train_round(settings, 0, shared, 1)
    again = client.train_round(settings, 0, shared, 1)
    other = client.train_round(settings, 1, shared, 1)
    assert list(update) == list(shared)
    assert norm(update) == pytest.approx(0.05, rel=1e-3)
    assert all((update[n] == again[n]).all() for n in update)
    assert any((update[n] != other[n]).any() for n in update)


def test_the_clients_noise_is_not_repeatable(two_users: Settings) -> None:
    settings = dataclasses.replace(two_users, noise=1.0, noise_at="client")
    shared = sent(usual_start(client.bench(settings), settings), settings)
    one = client.train_round(settings, 0, shared, 1)
    two = client.train_round(settings, 0, shared, 1)
    difference = np.concatenate([(one[n] - two[n]).ravel() for n in one])
    expected = 2**0.5 * settings.noise * settings.clip / settings.users**0.5
    assert difference.std() == pytest.approx(expected, rel=0.1)


def test_a_user_is_examined_every_way(two_users: Settings) -> None:
    settings = two_users
    shared = sent(usual_start(client.bench(settings), settings), settings)
    figures = client.examine(settings, 0, shared)
    assert figures["nll-federated"] == pytest.approx(figures["nll-none"]), "B is still zero"
    assert {f"nll-{way}" for way in ("none", "local", "federated", "both", "hard", "kept")} <= set(
        figures
    )
    assert figures["nll-kept"] in {figures[f"nll-{w}"] for w in ("none", "federated", "both")}
    assert 0 <= figures["best3-none"] <= 100
    assert figures["style-federated"] == figures["style-none"] > 0, "the same drafts"
    assert tuple(figures) == privacy.FIGURES, "these and no others"
    assert all(isinstance(v, float) for v in figures.values()), "figures, never text"


def test_memory_stays_below_the_bound(two_users: Settings) -> None:
    bench = client.bench(two_users)
    arrays = usual_start(bench, two_users)
    wide = memory_bound(bench.config, two_users, arrays, 10_000)
    assert wide > memory_bound(bench.config, two_users, arrays, 100)


def test_faults_are_what_they_say(two_users: Settings) -> None:
    settings = dataclasses.replace(two_users, faults="nan:0,crash:1")
    assert client.fault_of(settings, 0) == "nan"
    assert client.fault_of(settings, 2) is None
    update = {"x": np.zeros((2, 2), np.float32)}
    assert np.isnan(client.misbehave(settings, "nan", update)["x"]).all()
    assert client.misbehave(settings, "shape", update)["x"].shape == (1, 2)
    assert norm(client.misbehave(settings, "norm", update)) > 1e3
    with pytest.raises(RuntimeError, match="fails"):
        client.misbehave(settings, "crash", update)
    with pytest.raises(ValueError, match="hiccup"):
        client.misbehave(settings, "hiccup", update)
