"""How ultra-sparse is ultra-sparse: unknowns, empty rows, empty pairs, all in closed form.

With p = C/d a row shows C entries on average whatever d is. Then

- M of rank r has r(n + d - r) unknowns and nC observations are expected;
- a row shows nothing with probability (1 - p)^d ≈ e^{-C}, and such a row can be anything;
- two columns are seen together in np² = nC²/d² rows on average, never with probability (1 - p²)ⁿ.
"""

from fractions import Fraction

import numpy as np
import pandas as pd

from mcrepro.experiments import Protocol, Sweep
from mcrepro.experiments.statistics import Estimate, exact


def trial(_: None, *, n: int, d: int, rank: int, C: float) -> dict:
    """Evaluate the closed forms.

    Returns
    -------
    dict
        ``expected_count``: np²; ``log_d``; ``empty_pairs``: (1 - p²)ⁿ; ``empty_rows``: (1 - p)^d;
        ``some_row_empty``: probability that at least one row shows nothing;
        ``surplus``: r(n + d - r) - nC, unknowns beyond the expected number of observations.
    """
    p = C / d
    log_empty_row = d * np.log1p(-p)
    return {
        "expected_count": n * p * p,
        "log_d": float(np.log(d)),
        "empty_pairs": float(np.exp(n * np.log1p(-p * p))),
        "empty_rows": float(np.exp(log_empty_row)),
        "some_row_empty": float(-np.expm1(n * np.log1p(-np.exp(log_empty_row)))),
        "surplus": float(rank * (n + d - rank) - n * Fraction(C)),
    }


def not_determined(table: pd.DataFrame) -> bool:
    """Tell whether M is left undetermined, in both ways that the closed forms show.

    For r ≥ C there are more unknowns than observations are expected at every n of the grid; and for
    every C some row is empty, and may be anything, with probability above .999 at its largest n.
    """
    many = table[table["rank"] >= table["C"]]
    largest = table[table["n"] == table["n"].max()]
    return bool((many["surplus"] > 0).all() and (largest["some_row_empty"] > 0.999).all())


def _used(table: pd.DataFrame) -> pd.DataFrame:
    """Return the sizes of the paper's synthetic experiments."""
    return table[(table["d"] == 1000) & (table["n"] <= 10000)]


def empty_pairs(table: pd.DataFrame) -> Estimate:
    """(1 - p²)ⁿ at d = 1000, C = 2 and the larger n of the experiments, 10⁴."""
    return _empty_pairs(table, n=10**4, C=2)


def empty_pairs_c50(table: pd.DataFrame) -> Estimate:
    """(1 - p²)ⁿ at d = 1000, C = 50 and the larger n of the experiments, 10⁴."""
    return _empty_pairs(table, n=10**4, C=50)


def empty_pairs_large_n(table: pd.DataFrame) -> Estimate:
    """(1 - p²)ⁿ at d = 1000, C = 2, and n = 10⁷, far beyond the experiments."""
    return _empty_pairs(table, n=10**7, C=2)


def _empty_pairs(table: pd.DataFrame, n: int, C: float) -> Estimate:
    part = table[(table["d"] == 1000) & (table["n"] == n) & (table["C"] == C)]
    return exact(part["empty_pairs"].iloc[0])


def largest_regime(table: pd.DataFrame) -> Estimate:
    """The largest np²/log d over the sizes used with C ≤ 10."""
    used = _used(table)[lambda t: t["C"] <= 10]
    return exact((used["expected_count"] / used["log_d"]).max())


def largest_regime_c50(table: pd.DataFrame) -> Estimate:
    """The largest np²/log d over the sizes used with C = 50."""
    used = _used(table)[lambda t: t["C"] == 50]
    return exact((used["expected_count"] / used["log_d"]).max())


# Beyond the sizes of the experiments n grows until e^{-50} n is large: "constant C" is a statement
# about growing n and d.
_SIZES = Sweep(
    {"rank": 10, "C": [2.0, 10.0, 50.0]},
    cells=[
        *({"n": n, "d": 1000} for n in (10**3, 10**4, 10**7)),
        {"n": 10**25, "d": 10**6},
    ],
)

PROTOCOL = Protocol(
    trial=trial, exact=True, profiles={"smoke": _SIZES, "quick": _SIZES, "paper": _SIZES}
)
