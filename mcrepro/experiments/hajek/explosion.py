"""Which fixed steps make gradient descent explode, from which starts, with how much regularizer.

The loss is that of the published code, with its α; the step and λ are varied. A start is *balanced*,
X₀ ~ N(0, 1/d), or has one row a hundred times as long.
"""

import numpy as np
import pandas as pd

import mcrepro as mc
from mcrepro.experiments import Protocol, Sweep
from mcrepro.experiments.statistics import Estimate, mean
from mcrepro.theory import recovery as law

from ._rows import draw, haar


def trial(
    seed: np.random.SeedSequence, *, d: int, rank: int, C: float, supply: float, lam: float
) -> list[dict]:
    """Find the longest step that survives 200 iterations; one row a start.

    Returns
    -------
    list of dict
        ``start``: "balanced" or "one long row"; ``log_step``: log10 of the longest of the steps
        10^-2, 10^-1.75, … that does not diverge, and of which no shorter one does.
    """
    rng = np.random.default_rng(seed)
    rows = draw("mixture", law.supply_rows(supply, d, rank, C), haar(d, rank, rng), C / d, rng)
    moments = rows.moments()
    balanced = rng.standard_normal((d, rank)) / np.sqrt(d)
    uneven = balanced.copy()
    uneven[0] *= 100
    return [
        {"start": name, "log_step": _longest(moments, rank, start, lam)}
        for name, start in (("balanced", balanced), ("one long row", uneven))
    ]


def _longest(moments, rank: int, start: np.ndarray, lam: float) -> float:
    longest = -2.25  # shorter than any that is tried
    for log_step in np.arange(-2, 6.01, 0.25):
        with np.errstate(all="ignore"):  # overflow is what is looked for
            result = mc.recover_second_moment(
                moments,
                rank,
                preset="paper",
                start=start,
                lam=lam,
                step=float(10**log_step),
                max_iter=200,
            )
        if result.stop_reason == "diverged":
            break
        longest = float(log_step)
    return longest


def _steps(table: pd.DataFrame, start: str, lam: float) -> pd.Series:
    part = table[(table["start"] == start) & (table["lam"] == lam)]
    if part.empty:
        raise ValueError(f"the table has no rows with start={start!r} and lam={lam}")
    return part.set_index("trial")["log_step"]


def imbalance(table: pd.DataFrame) -> Estimate:
    """log10 of the longest step from a balanced start over that with one long row, λ = 0."""
    return mean(_steps(table, "balanced", 0.0) - _steps(table, "one long row", 0.0))


def protection(table: pd.DataFrame) -> Estimate:
    """log10 of the longest step with λ = 1 over that with λ = 0, one long row."""
    return mean(_steps(table, "one long row", 1.0) - _steps(table, "one long row", 0.0))


_GRID = {"d": 100, "rank": 3, "C": 4.0, "supply": 8.0, "lam": [0.0, 1e-4, 1e-2, 1.0, 100.0]}

PROTOCOL = Protocol(
    trial=trial,
    seed=2601,
    shared=("lam",),
    profiles={
        "smoke": Sweep({**_GRID, "d": 50, "lam": [0.0, 1.0]}, trials=2),
        "quick": Sweep(_GRID, trials=2),
        "paper": Sweep(_GRID, trials=10),
    },
)
