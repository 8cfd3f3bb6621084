"""The weight q of the diagonal against that of the pairs.

The paper weights all pairs of Ω alike and the diagonal by q, which "must match" the chance np² that a
pair is in Ω; that chance is 1 - (1 - p²)ⁿ, which np² exceeds as soon as pairs are seen twice.
"""

import numpy as np
import pandas as pd

import mcrepro as mc
from mcrepro.experiments import Protocol, Sweep
from mcrepro.experiments.statistics import Estimate, mean
from mcrepro.theory import recovery as law
from mcrepro.theory import second_moment

from ._rows import distance, draw, haar

FACTORS = (0.01, 0.1, 1.0, 10.0, 100.0)
"""q over np²."""


def trial(
    seed: np.random.SeedSequence, *, d: int, rank: int, C: float, supply: float
) -> list[dict]:
    """Recover T with uniform weights and several q, and with the counts as weights.

    Returns
    -------
    list of dict
        ``factor``: q over np² (None: weights N_ij); ``relative``: ‖XXᵀ - T‖_F/‖T‖_F;
        ``expected_pairs``: np²; ``pair_seen``: 1 - (1 - p²)ⁿ.
    """
    rng = np.random.default_rng(seed)
    n, p = law.supply_rows(supply, d, rank, C), C / d
    rows = draw("mixture", n, haar(d, rank, rng), p, rng)
    moments, gram, table = rows.moments(), rows.gram(), []
    for factor in (*FACTORS, None):
        options = {} if factor is None else {"diagonal_weight": factor * n * p * p}
        weights = "counts" if factor is None else "uniform"
        result = mc.recover_second_moment(moments, rank, gtol=1e-3, weights=weights, **options)
        error = distance(result.left, rows.factors, gram) / float(np.linalg.norm(gram))
        table.append(
            {
                "factor": factor,
                "relative": error,
                "expected_pairs": n * p * p,
                "pair_seen": second_moment.observation_probability(n, p),
            }
        )
    return table


def _ratio(table: pd.DataFrame, factor: float | None, supply: float) -> Estimate:
    part = table[table["supply"] == supply]
    right = part[part["factor"] == 1.0].set_index("trial")["relative"]
    chosen = part["factor"].isna() if factor is None else part["factor"] == factor
    return mean(part[chosen].set_index("trial")["relative"] / right)


def too_small(table: pd.DataFrame) -> Estimate:
    """Error with q = np²/10 over that with q = np², κ = 8."""
    return _ratio(table, 0.1, 8.0)


def too_large(table: pd.DataFrame) -> Estimate:
    """Error with q = 10 np² over that with q = np², κ = 8."""
    return _ratio(table, 10.0, 8.0)


def much_too_large(table: pd.DataFrame) -> Estimate:
    """Error with q = 100 np² over that with q = np², κ = 8."""
    return _ratio(table, 100.0, 8.0)


def counts_instead(table: pd.DataFrame) -> Estimate:
    """Error with the counts as weights over that with q = np², κ = 8."""
    return _ratio(table, None, 8.0)


def probability_ratio(table: pd.DataFrame) -> Estimate:
    """np² over the chance that a pair is in Ω, at κ = 32."""
    part = table[table["supply"] == 32.0]
    return mean(part["expected_pairs"] / part["pair_seen"])


_GRID = {"d": 500, "rank": 3, "C": 2.0, "supply": [2.0, 8.0, 32.0]}

PROTOCOL = Protocol(
    trial=trial,
    seed=2601,
    profiles={
        "smoke": Sweep({**_GRID, "d": 100}, trials=2),
        "quick": Sweep({**_GRID, "d": 200}, trials=3),
        "paper": Sweep(_GRID, trials=10),
    },
)
