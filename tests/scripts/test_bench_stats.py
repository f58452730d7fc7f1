"""What the benchmark makes of its samples; nothing here is timed."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.bench import energy
from scripts.bench.figures import KEYS, figures, targets
from scripts.bench.limits import limit
from scripts.bench.report import disturbed
from scripts.bench.stats import Case, Spread, interleave, percentile, ratios, spread


def test_spread() -> None:
    assert spread([3.0]) == Spread(3.0, 3.0, 3.0, 1)
    assert spread([5.0, 1.0, 2.0, 4.0, 3.0]) == Spread(3.0, 2.0, 4.0, 5)
    with pytest.raises(ValueError, match="no values"):
        spread([])


def test_percentile() -> None:
    values = [4.0, 1.0, 3.0, 2.0, 5.0]
    assert [percentile(values, p) for p in (0, 50, 95, 100)] == pytest.approx([1, 3, 4.8, 5])
    with pytest.raises(ValueError, match="no values"):
        percentile([], 50)


def test_ratios_pair_rounds() -> None:
    samples = {"slow": [10.0, 40.0, 9.0], "quick": [1.0, 4.0]}
    assert ratios(samples, "slow", "quick") == [10.0, 10.0]
    assert ratios(samples, "slow", "missing") == []
    assert ratios({"a": [1.0], "b": [0.0]}, "a", "b") == []


def test_cases_take_turns() -> None:
    ran: list[str] = []

    def case(name: str, slow: bool = False) -> Case:
        def run() -> dict[str, float]:
            ran.append(name)
            return {name: float(len(ran))}

        return Case(name, run, slow)

    heard: list[str] = []
    samples = interleave([case("a"), case("b", slow=True)], 3, 1, heard.append, rest=0)
    assert ran == ["a", "b", "a", "a"]
    assert samples == {"a": [1.0, 3.0, 4.0], "b": [2.0]}
    assert heard[0] == "round 1 of 3: a"


def test_which_limit_binds() -> None:
    memory = limit(72_000_000, 118_000_000, gb_s=20, gflops=200, cache_bytes=32_000_000)
    assert memory.ms == pytest.approx(3.6)
    assert memory.binds == "memory"
    slow = limit(72_000_000, 118_000_000, gb_s=20, gflops=20, cache_bytes=None)
    assert (slow.binds, slow.ms) == ("arithmetic", pytest.approx(11.8))
    fits = limit(30_000_000, 50_000_000, gb_s=1, gflops=100, cache_bytes=32_000_000)
    assert (fits.binds, fits.ms) == ("arithmetic", pytest.approx(1.0))


def test_figures_and_targets() -> None:
    samples = {
        "bandwidth_gb_s": [10.0, 20.0],
        "gflops": [100.0, 200.0],
        "plain.ttft_ms": [900.0, 1000.0],
        "llama.ttft_ms": [45.0, 50.0],
        "llama@100.ttft_ms": [40.0, 40.0],
        "llama@1500.ttft_ms": [50.0, 70.0],
        "llama.decode_tps": [100.0, 100.0],
        "llama.drafts_1_ms": [100.0],
        "llama.drafts_3_ms": [200.0],
        "rss_mb": [200.0],
    }
    bound = limit(72_000_000, 118_000_000, 20, 200, None)
    found = figures(samples, bound, 72.0, (10, 100, 500, 1500), [30.0, 50.0])
    assert set(KEYS) <= set(found)
    assert found["ttft_speedup_vs_plain"] == 20
    assert found["ttft_growth_1500_over_100"] == 1.5
    assert found["decode_share_of_limit"] == pytest.approx(0.36)
    assert found["bandwidth_gb_s"] == 20
    samples["llama.decode_tps"] = [300.0]
    beyond = figures(samples, bound, 72.0, (10, 100, 500, 1500), [30.0])["decode_share_of_limit"]
    assert beyond is None, "no share of what is no ceiling"
    assert found["decode_over_llama_bench"] is None
    assert found["rss_over_model_mb"] == 128
    held = {t.figure: t.met(found[t.figure]) for t in targets(fits_cache=False)}
    assert held["ttft_speedup_vs_plain"] is True
    assert held["ttft_growth_1500_over_100"] is True
    assert held["three_drafts_over_one"] is False
    assert held["decode_over_llama_bench"] is None
    drafts = {t.figure: t for t in targets(fits_cache=True)}["three_drafts_over_one"]
    assert drafts.met(found["three_drafts_over_one"]) is True


def test_how_far_the_figures_may_be_trusted() -> None:
    samples = {"llama.ttft_ms": [90.0, 100.0, 110.0], "llama.card_ms": [100.0, 200.0, 300.0]}
    said = disturbed({**samples, "rss_mb": [1.0]}, 1.94, 2)
    assert "1.9 on 2 cores" in said
    assert "quartiles lie 30% of the median apart as a rule, 50% at most" in said
    assert disturbed({}, None, 2).endswith("not told here; nothing was measured twice")


def test_rapl(tmp_path: Path) -> None:
    package = tmp_path / "intel-rapl:0"
    package.mkdir()
    (package / "name").write_text("package-0\n")
    (package / "energy_uj").write_text("900000\n")
    (package / "max_energy_range_uj").write_text("1000000\n")
    core = tmp_path / "intel-rapl:0:0"
    core.mkdir()
    (core / "name").write_text("core\n")

    def use() -> None:
        (package / "energy_uj").write_text("400000\n")

    assert energy.joules(use, tmp_path) == pytest.approx(0.5)  # the counter went round


def test_no_meter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert energy.joules(lambda: None, tmp_path) is None


def test_a_pis_rails() -> None:
    reading = (
        "   3V7_WL_SW_A current(0)=0.10000000A\n"
        "   VDD_CORE_A current(7)=2.00000000A\n"
        "   3V7_WL_SW_V volt(8)=3.70000000V\n"
        "   VDD_CORE_V volt(15)=0.80000000V\n"
        "   EXT5V_V volt(24)=5.10000000V\n"
    )
    assert energy.watts(reading) == pytest.approx(0.37 + 1.6)
    assert energy.watts("") == 0
