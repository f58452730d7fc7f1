"""What noise costs and buys, computed: epsilon over clients and rounds, as a table and a plot.

    python -m federated.curves [--plot docs/federated-privacy.png]

Nothing is trained. The noise is as large as the adapter bears: on the mean update it has a norm of
`SHARE` of the clipping norm, which with d values and n clients a round is a multiplier of
z = SHARE n / sqrt(d). So more clients allow more noise, and a smaller epsilon at the same harm.
"""

from __future__ import annotations

import argparse
import logging
import math
import sys
from collections.abc import Sequence
from pathlib import Path

from federated import privacy

VALUES = 110_592
"""Of the default adapter."""
SHARE = 0.5
"""Norm of the noise on the mean update, over the clipping norm. A choice, and a hopeful one: honest
updates had norms of 0.3 to 0.65 of it, and their mean has less."""
ROUNDS = (3, 10, 100, 1000)
COHORTS = (300, 1_000, 10_000)
MANY = 1000
"""Rounds of the sampled runs."""


def bearable(clients: int, share: float = SHARE) -> float:
    """The noise multiplier whose noise on the mean of so many updates has `share` of clip."""
    return share * clients / math.sqrt(VALUES)


def delta_of(population: int) -> float:
    """1 / population^1.1, as McMahan et al. 2018 (arXiv:1710.06963) choose it."""
    return float(population**-1.1)


def everybody(clients: int, rounds: int) -> float:
    """Epsilon where all take part in each round (`privacy.epsilon`)."""
    found = privacy.epsilon([bearable(clients)] * rounds, delta_of(clients))
    assert found is not None  # there is noise
    return found


def sampled(population: int, cohort: int, rounds: int, multiplier: float, delta: float) -> float:
    """Epsilon where each round takes each of the population with probability cohort / population.

    Poisson sampling, add or remove one, by dp-accounting's RdpAccountant. Who takes part must be
    drawn by chance and stay unknown; devices that come when they like give no such promise. Raises
    `ImportError` where dp-accounting is not installed.
    """
    import dp_accounting
    from dp_accounting import rdp

    event = dp_accounting.SelfComposedDpEvent(
        dp_accounting.PoissonSampledDpEvent(
            cohort / population, dp_accounting.GaussianDpEvent(multiplier)
        ),
        rounds,
    )
    return float(rdp.RdpAccountant().compose(event).get_epsilon(delta))


def table() -> list[str]:
    """For people."""
    head = f"{'clients':>10}{'noise z':>9}" + "".join(f"{f'{r} rounds':>13}" for r in ROUNDS)
    out = [f"everybody in each round, noise on the mean {SHARE:g} of clip, delta 1/n^1.1", head]
    for n in (10, 100, 333, 1_000, 10_000, 100_000):
        cells = "".join(f"{everybody(n, r):13.3g}" for r in ROUNDS)
        out.append(f"{n:10,}{bearable(n):9.3g}{cells}")
    out += ["", f"{MANY} rounds of a sampled cohort; epsilon by size of the population",
            f"{'population':>12}" + "".join(f"{f'cohort {c:,}':>16}" for c in COHORTS)]  # fmt: skip
    for n in (10_000, 100_000, 1_000_000, 10_000_000):
        cells = "".join(f"{_sampled(n, c):16.3g}" for c in COHORTS)
        out.append(f"{n:12,}{cells}")
    return out


def _sampled(population: int, cohort: int) -> float:
    return sampled(population, cohort, MANY, bearable(cohort), delta_of(population))


def draw(path: Path) -> None:
    """Both tables as curves."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 4.2), layout="tight")
    left, right = figure.subplots(1, 2, sharey=True)
    clients = [round(10 ** (k / 8)) for k in range(8, 41)]
    for r in ROUNDS:
        left.plot(clients, [everybody(n, r) for n in clients], label=f"{r} rounds")
    left.set_xlabel("clients, all of them in each round")
    left.set_ylabel("epsilon at delta = 1/clients^1.1")
    populations = [10 ** (k / 4) for k in range(16, 29)]
    for c in COHORTS:
        known: Sequence[tuple[float, float]] = [
            (n, _sampled(round(n), c)) for n in populations if c <= n
        ]
        right.plot(*zip(*known, strict=True), label=f"{c:,} a round")
    right.set_xlabel(f"wearers, sampled for {MANY} rounds")
    for axes in (left, right):
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.axhspan(1e-3, 1, color="green", alpha=0.08, lw=0)
        axes.grid(alpha=0.3, which="major")
        axes.legend(fontsize=8)
    left.set_ylim(3e-2, 1e6)  # below, the orders of `privacy` end: what they give there is no less
    figure.suptitle(
        f"Privacy at the same harm: noise of {SHARE:g} clipping norms on the mean of "
        f"{VALUES:,} values (green: epsilon below 1)",
        fontsize=10,
    )
    figure.savefig(path, dpi=110)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--plot", type=Path)
    args = parser.parse_args()
    # Orders for which a sum doesn't converge are left out; the bound of the others holds.
    logging.getLogger("absl").setLevel(logging.ERROR)
    try:
        print("\n".join(table()))
        if args.plot:
            draw(args.plot)
    except (ImportError, OSError) as error:
        print(f"federated: {error}", file=sys.stderr)
        raise SystemExit(2) from None


if __name__ == "__main__":
    main()
