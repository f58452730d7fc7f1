"""The mean, the refactored mean of products, and the promise about noise."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

from federated import privacy
from federated.adapters import Arrays, clipped, norm, plus
from federated.aggregate import combined, mean, split_valid
from federated.settings import Settings


def arrays(seed: int, rank: int = 3) -> Arrays:
    draw = np.random.default_rng(seed)
    shapes = {"m.lora_a": (rank, 10), "m.lora_b": (7, rank)}
    return {n: draw.normal(size=s).astype(np.float32) for n, s in shapes.items()}


def product(adapter: Arrays) -> np.ndarray:
    return adapter["m.lora_b"] @ adapter["m.lora_a"]


def test_with_a_frozen_the_mean_is_the_mean_of_products() -> None:
    start = arrays(0)
    updates = [{"m.lora_b": arrays(i)["m.lora_b"]} for i in (1, 2, 3)]
    after = combined(start, updates, Settings())
    wanted = np.mean([product(plus(start, u)) for u in updates], axis=0)
    np.testing.assert_allclose(product(after), wanted, atol=1e-5)


def test_averaging_a_and_b_apart_is_not() -> None:
    start, updates = arrays(0), [arrays(1), arrays(2)]
    wanted = np.mean([product(plus(start, u)) for u in updates], axis=0)
    apart = combined(start, updates, Settings(method="avg"))
    assert np.abs(product(apart) - wanted).max() > 0.1


@pytest.mark.parametrize("clients", [1, 2, 5])
def test_svd_is_the_nearest_of_its_rank(clients: int) -> None:
    start, updates = arrays(0), [arrays(i) for i in range(1, clients + 1)]
    wanted = np.mean([product(plus(start, u)) for u in updates], axis=0)
    u, s, v = np.linalg.svd(wanted)
    best = (u[:, :3] * s[:3]) @ v[:3]
    after = combined(start, updates, Settings(method="svd"))
    np.testing.assert_allclose(product(after), best, atol=1e-4)
    assert {n: a.shape for n, a in after.items()} == {n: a.shape for n, a in start.items()}


def test_one_bad_update_does_not_reach_the_mean() -> None:
    good, _ = clipped(arrays(1), 1.0)
    shapes = {n: v.shape for n, v in good.items()}
    updates = {7: good, 8: plus(good, good, 1e6), 9: {n: v * np.nan for n, v in good.items()}}
    valid, refused = split_valid(updates.items(), shapes, 1.0)
    assert len(valid) == 1
    assert "norm" in refused[8]
    assert "NaN" in refused[9]
    assert norm(mean(valid)) <= 1.0001


def test_epsilon_falls_with_noise_and_grows_with_rounds() -> None:
    assert privacy.epsilon([], 1e-5) == 0
    assert privacy.epsilon([1.0, 0.0], 1e-5) is None
    one, ten = privacy.epsilon([1.0], 1e-5), privacy.epsilon([1.0] * 10, 1e-5)
    quiet = privacy.epsilon([4.0] * 10, 1e-5)
    assert one is not None
    assert ten is not None
    assert quiet is not None
    assert 0 < quiet < one < ten
    # Composing n rounds of multiplier z is one round of z / sqrt(n).
    assert privacy.epsilon([1 / math.sqrt(10)], 1e-5) == pytest.approx(ten, rel=1e-9)


@pytest.mark.parametrize("multipliers", [[1.0] * 3, [0.5], [2.0, 1.5, 4.0], [0.7] * 100])
def test_epsilon_agrees_with_flowers_accountant(multipliers: list[float]) -> None:
    pytest.importorskip("dp_accounting", reason="dp-accounting is in the extra `federated`")
    pytest.importorskip("flwr", reason="flwr is in the extra `federated`")
    theirs = privacy.flower_epsilon(multipliers, 10, 1e-5)
    assert theirs is not None
    ours = privacy.epsilon(multipliers, 1e-5)
    assert ours == pytest.approx(theirs, rel=0.01)


@pytest.mark.parametrize("bound", [0.5, 100.0])
def test_clipping_and_noise_are_those_of_flowers_fixed_clipping(bound: float) -> None:
    pytest.importorskip("flwr", reason="flwr is in the extra `federated`")
    from flwr.supercore import differential_privacy as flowers

    update = arrays(1)
    theirs = [value.copy() for value in update.values()]
    flowers.clip_inputs_inplace(theirs, bound)
    ours, length = clipped(update, bound)
    assert length == pytest.approx(flowers.get_norm(list(update.values())))
    for value, wanted in zip(ours.values(), theirs, strict=True):
        np.testing.assert_allclose(value, wanted, rtol=1e-6)
    settings = Settings(clip=bound, noise=0.7)
    assert privacy.deviation(settings, 12) == flowers.compute_stdv(0.7, bound, 12)


def test_an_honest_noised_update_is_within_the_bound() -> None:
    settings = Settings(noise=1.0, noise_at="client", users=4, clip=2.0)
    draw = np.random.default_rng(0)
    update, _ = clipped({"x": draw.normal(size=20_000).astype(np.float32)}, 2.0)
    for _ in range(20):
        sent = privacy.noised(update, privacy.client_deviation(settings), draw)
        assert norm(sent) <= privacy.bound(settings, 20_000)
    assert privacy.bound(dataclasses.replace(settings, noise_at="server"), 20_000) == 2.0
    assert privacy.multiplier(settings, 1) == pytest.approx(0.5), "three of four are missing"


def test_the_statement_says_when_noise_is_useless() -> None:
    settings = Settings(noise=1.0)
    few = privacy.statement(settings, told(12))
    many = privacy.statement(settings, told(10_000))
    assert "times the largest" in few
    assert "useful" in many
    assert "no differential privacy" in privacy.statement(settings, told(12) | {"epsilon": None})
    assert "nothing was learnt" in privacy.statement(settings, told(12) | {"rounds_taken": 0})


def told(users: int) -> dict[str, float]:
    """What a report says of a noised run."""
    return {"epsilon": 5.0, "users": users, "values": 100_000, "rounds_taken": 3}


def test_epsilon_is_that_of_dp_accounting() -> None:
    """By RDP, and by privacy loss distributions, whose bound is tighter and must not be above."""
    accounting = pytest.importorskip(
        "dp_accounting", reason="dp-accounting is in the extra `federated`"
    )
    from dp_accounting import pld, rdp

    for z, rounds in ((0.5, 3), (1.0, 1), (1.0, 50), (4.0, 10), (10.0, 1000)):
        event = accounting.SelfComposedDpEvent(accounting.GaussianDpEvent(z), rounds)
        ours = privacy.epsilon([z] * rounds, 1e-5)
        theirs = rdp.RdpAccountant().compose(event).get_epsilon(1e-5)
        tight = pld.PLDAccountant().compose(event).get_epsilon(1e-5)
        assert ours == pytest.approx(theirs, rel=0.01), (z, rounds)
        assert tight * 0.999 < ours < tight * 1.35, (z, rounds)


def test_sampling_helps_and_taking_everybody_is_no_sampling() -> None:
    pytest.importorskip("dp_accounting", reason="dp-accounting is in the extra `federated`")
    from federated.curves import sampled

    everybody = sampled(1000, 1000, 10, 2.0, 1e-5)
    assert everybody == pytest.approx(privacy.epsilon([2.0] * 10, 1e-5), rel=0.02)
    assert sampled(10_000, 1000, 10, 2.0, 1e-5) < 0.3 * everybody


def test_more_clients_bear_more_noise_and_need_less_trust() -> None:
    from federated.curves import bearable, everybody

    found = [everybody(n, 10) for n in (100, 1000, 10_000)]
    assert found == sorted(found, reverse=True)
    share = bearable(333) * math.sqrt(110_592) / 333
    assert share == pytest.approx(0.5)
