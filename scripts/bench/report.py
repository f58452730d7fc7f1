"""The figures as tables for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.table import Table

from scripts.bench.figures import Figure, targets
from scripts.bench.limits import Limit
from scripts.bench.stats import Samples, percentile, spread

_ROWS = (
    ("llama.ttft_ms", "message arrives -> first token of the glance", "ms"),
    ("llama.glance_ms", "message arrives -> glance shown", "ms"),
    ("llama.card_ms", "message arrives -> whole card", "ms"),
    ("llama.decode_step_ms", "one token behind the thread", "ms"),
    ("llama.decode_tps", "decode, empty cache", "tokens/s"),
    ("llama.prefill_tps", "prefill, empty cache", "tokens/s"),
    ("bench.tg_tps", "llama-bench: decode", "tokens/s"),
    ("bench.pp_tps", "llama-bench: prefill", "tokens/s"),
    ("llama.drafts_1_ms", "one draft", "ms"),
    ("llama.drafts_3_ms", "three drafts together", "ms"),
    ("llama.save_ms", "thread to disk", "ms"),
    ("llama.load_ms", "thread from disk", "ms"),
    ("llama.restore_first_token_ms", "thread from disk -> first token", "ms"),
    ("llama.adapter_swap_ms", "adapter put in", "ms"),
    ("llama.adapter_first_token_ms", "adapter put in, thread read anew -> first token", "ms"),
    ("cold_start_ms", "fresh process -> first glance", "ms"),
    ("rss_mb", "peak memory of that process", "MB"),
)


def show(
    console: Console,
    samples: Samples,
    found: Mapping[str, Figure],
    limit: Limit,
    histories: Sequence[int],
    peers: Mapping[str, str],
    absent: Mapping[str, str],
) -> None:
    """`peers` has the name that is shown for each prefix of the samples."""
    console.print(_limits(found, limit))
    console.print(_measured(samples, found, histories))
    console.print(_compared(samples, peers))
    console.print(_held(found, limit))
    for name, why in absent.items():
        # "pip install '.[export]'" is no markup.
        console.print(f"left out: {name}: {why}", soft_wrap=True, highlight=False, markup=False)


def disturbed(samples: Samples, load: float | None, n_cores: int) -> str:
    """How far the figures may be trusted: one line. `load` is the load average before the run."""
    spreads = [spread(samples[name]) for name, _, _ in _ROWS if name in samples]
    widths = [(s.high - s.low) / s.median for s in spreads if s.n > 1]
    wide = "nothing was measured twice"
    if widths:
        wide = f"quartiles lie {percentile(widths, 50):.0%} of the median apart as a rule, "
        wide += f"{max(widths):.0%} at most"
    before = "not told here" if load is None else f"{load:.1f} on {n_cores} cores"
    return f"load average before the run: {before}; {wide}"


def _limits(found: Mapping[str, Figure], limit: Limit) -> Table:
    table = Table(title="What this machine allows", title_justify="left")
    for column in ("ceiling", "measured", "one token takes at least"):
        table.add_column(column)
    memory = "nothing: the weights fit the last cache"
    if not limit.fits_cache:
        memory = f"{limit.memory_ms:.2f} ms"
    table.add_row("memory read", f"{found['bandwidth_gb_s']:.1f} GB/s", memory)
    table.add_row(
        "float32 arithmetic", f"{found['gflops']:.0f} GFLOP/s", f"{limit.arithmetic_ms:.2f} ms"
    )
    share = found["decode_share_of_limit"]
    reached = (
        "decode is quicker than that, so it is none"
        if share is None
        else f"decode reaches {share:.0%} of it"
    )
    table.add_row(f"{limit.binds} binds", "", reached)
    return table


def _measured(samples: Samples, found: Mapping[str, Figure], histories: Sequence[int]) -> Table:
    table = Table(title="What the wearer waits for", title_justify="left")
    for column in ("figure", "median", "quartiles", "unit", "rounds"):
        table.add_column(column, justify="left" if column in ("figure", "unit") else "right")
    grown = [
        (f"llama@{n}.ttft_ms", f"first token behind {n:,} tokens of history", "ms")
        for n in histories
    ]
    for name, says, unit in (*_ROWS[:1], *grown, *_ROWS[1:]):
        if name in samples:
            s = spread(samples[name])
            table.add_row(
                says, _round(s.median), f"{_round(s.low)}-{_round(s.high)}", unit, str(s.n)
            )
    p50, p95 = found["glance_ms_p50"], found["glance_ms_p95"]
    table.add_row("glance shown: half of all; 95% of all", _round(p50), _round(p95), "ms", "")
    table.add_row("energy a glance", _text(found["joules_a_glance"], ".2f"), "", "J", "")
    return table


def _compared(samples: Samples, peers: Mapping[str, str]) -> Table:
    table = Table(
        title="The same glance by others (ours: shown; theirs: written), ms", title_justify="left"
    )
    for column in ("way", "first token", "quartiles", "glance", "quartiles", "plain over it"):
        table.add_column(column, justify="left" if column == "way" else "right")
    plain = samples.get("plain.glance_ms")
    for prefix, name in peers.items():
        if f"{prefix}.ttft_ms" in samples:
            first = spread(samples[f"{prefix}.ttft_ms"])
            whole = spread(samples[f"{prefix}.glance_ms"])
            table.add_row(
                name,
                _round(first.median),
                f"{_round(first.low)}-{_round(first.high)}",
                _round(whole.median),
                f"{_round(whole.low)}-{_round(whole.high)}",
                f"{spread(plain).median / whole.median:.1f}" if plain else "-",
            )
    return table


def _held(found: Mapping[str, Figure], limit: Limit) -> Table:
    table = Table(title="Targets", title_justify="left")
    for column in ("what", "asked", "measured", ""):
        table.add_column(column, justify="left" if column in ("what", "") else "right")
    verdicts = {True: "[green]met[/]", False: "[red]missed[/]", None: "not measured"}
    for target in targets(limit.fits_cache):
        sign = "≥" if target.at_least else "≤"
        value = found[target.figure]
        table.add_row(
            target.says,
            f"{sign} {target.bound:g}",
            _text(value, ".2f"),
            verdicts[target.met(value)],
        )
    return table


def _round(value: Figure) -> str:
    """Three figures or so."""
    if value is None:
        return "-"
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def _text(value: Figure, form: str) -> str:
    return "-" if value is None else format(value, form)
