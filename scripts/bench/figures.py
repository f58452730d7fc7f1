"""Samples -> the figures of the JSON line, and issue 4's targets held against them."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from scripts.bench.limits import Limit
from scripts.bench.stats import Samples, percentile, ratios, spread

Figure = float | None

KEYS = (
    "ttft_speedup_vs_plain",
    "glance_speedup_vs_plain",
    "ttft_growth_1500_over_100",
    "three_drafts_over_one",
    "card_over_plain_summary",
    "decode_over_llama_bench",
    "prefill_over_llama_bench",
    "decode_share_of_limit",
    "bandwidth_gb_s",
    "restore_first_token_ms",
    "decode_step_ms",
    "cold_start_ms",
    "adapter_swap_ms",
    "rss_mb",
    "glance_ms_p50",
    "glance_ms_p95",
)
"""What the JSON has at least; null where it can't be measured here."""

_RATIOS = {
    "ttft_speedup_vs_plain": ("plain.ttft_ms", "llama.ttft_ms"),
    "glance_speedup_vs_plain": ("plain.glance_ms", "llama.glance_ms"),
    "three_drafts_over_one": ("llama.drafts_3_ms", "llama.drafts_1_ms"),
    "card_over_plain_summary": ("llama.card_ms", "plain.summary_ms"),
    "decode_over_llama_bench": ("llama.decode_tps", "bench.tg_tps"),
    "prefill_over_llama_bench": ("llama.prefill_tps", "bench.pp_tps"),
    "restore_over_decode_step": ("llama.restore_first_token_ms", "llama.decode_step_ms"),
}
_MEDIANS = {
    "restore_first_token_ms": "llama.restore_first_token_ms",
    "decode_step_ms": "llama.decode_step_ms",
    "cold_start_ms": "cold_start_ms",
    "adapter_swap_ms": "llama.adapter_swap_ms",
    "rss_mb": "rss_mb",
}


@dataclass(frozen=True, slots=True)
class Target:
    """What issue 4 asks of a figure."""

    figure: str
    says: str
    bound: float
    at_least: bool = False

    def met(self, value: Figure) -> bool | None:
        """None where it was not measured."""
        if value is None:
            return None
        return value >= self.bound if self.at_least else value <= self.bound


def targets(fits_cache: bool) -> tuple[Target, ...]:
    """Issue 4, point 3; three drafts may cost more where the weights fit the cache."""
    where = "weights fit the cache" if fits_cache else "weights don't fit the cache"
    return (
        Target("ttft_speedup_vs_plain", "first token, plain way over ours", 12, True),
        Target("glance_speedup_vs_plain", "glance, plain way over ours", 4, True),
        Target("ttft_growth_1500_over_100", "first token, 1,500 over 100 tokens of history", 1.5),
        Target(
            "three_drafts_over_one",
            f"three drafts over one ({where})",
            2.3 if fits_cache else 1.6,
        ),
        Target("card_over_plain_summary", "whole card over the plain way's one summary", 1),
        Target("decode_over_llama_bench", "decode over llama-bench's tg", 0.95, True),
        Target("prefill_over_llama_bench", "prefill over llama-bench's pp", 0.9, True),
        Target("restore_over_decode_step", "restore to first token, in single decodes", 3),
        Target("rss_over_model_mb", "peak memory less the model's file, MB", 150),
    )


def ceilings(samples: Samples) -> tuple[float, float]:
    """(GB/s, GFLOP/s): the most that was ever seen, as STREAM tells it. Whoever else was busy only
    took from it, so that the best round is nearest to what the machine can do."""
    return max(samples["bandwidth_gb_s"]), max(samples["gflops"])


def figures(
    samples: Samples,
    limit: Limit,
    model_mb: float,
    histories: Sequence[int],
    glances_ms: Sequence[float],
) -> dict[str, Figure]:
    """Every figure by its name in the JSON; `histories` in ascending order, two at least."""
    found: dict[str, Figure] = dict.fromkeys(KEYS)
    for name, (over, under) in _RATIOS.items():
        found[name] = _median(ratios(samples, over, under))
    for name, sample in _MEDIANS.items():
        found[name] = _median(samples.get(sample, ()))
    found["ttft_growth_1500_over_100"] = _median(growth(samples, histories))
    found["bandwidth_gb_s"], found["gflops"] = ceilings(samples)
    decode = _median(samples["llama.decode_tps"])
    share = None if decode is None else decode * limit.ms / 1000
    # More than all of it: what was measured is no ceiling for this model on this machine.
    found["decode_share_of_limit"] = None if share is None or share > 1 else share
    found["glance_ms_p50"] = percentile(glances_ms, 50)
    found["glance_ms_p95"] = percentile(glances_ms, 95)
    rss = found["rss_mb"]
    found["rss_over_model_mb"] = None if rss is None else rss - model_mb
    return found


def growth(samples: Samples, histories: Sequence[int]) -> list[float]:
    """Time to first token behind the longest history over the second shortest, each round."""
    return ratios(samples, f"llama@{histories[-1]}.ttft_ms", f"llama@{histories[1]}.ttft_ms")


def document(
    found: Mapping[str, Figure],
    samples: Samples,
    limit: Limit,
    absent: Mapping[str, str],
    about: Mapping[str, object],
) -> dict[str, object]:
    """The JSON line: figures first, then what they were made from."""
    held = {t.figure: t.met(found[t.figure]) for t in targets(limit.fits_cache)}
    return {
        **{name: None if value is None else round(value, 4) for name, value in found.items()},
        "limit": {**asdict(limit), "ms": limit.ms, "binds": limit.binds},
        "targets_met": held,
        "samples": {
            name: {k: round(v, 4) for k, v in asdict(spread(values)).items()}
            for name, values in samples.items()
        },
        "left_out": dict(absent),
        "about": dict(about),
    }


def _median(values: Sequence[float]) -> Figure:
    return statistics.median(values) if values else None
