"""From which p on does a random start end at M, and how does that p grow with r and κ?

Masks are nested: pair (i, j) is seen from p = u_ij on. The least p is found by bisection on its
logarithm, for one start; that success is monotone in p is an assumption, nearly true.
"""

import numpy as np
import pandas as pd

from mcrepro.experiments import Protocol, Sweep
from mcrepro.experiments.statistics import Estimate, mean
from mcrepro.theory.landscape_rank_r import factor

from ._rank_r import descend, relative_error, with_penalty

STEPS = 4


def trial(seed: np.random.SeedSequence, *, d: int, rank: int, kappa: float) -> dict:
    """Return ``threshold``, the least p with success, to about a factor of 1.1."""
    rng = np.random.default_rng(seed)
    Z, start = factor(d, rank, kappa, rng), rng.standard_normal((d, rank)) / np.sqrt(d)
    U = np.triu(rng.random((d, d)))
    U += np.triu(U, 1).T
    low, high = np.log(2 * rank / d), 0.0
    for _ in range(STEPS):
        middle = (low + high) / 2
        p = np.exp(middle)
        f = with_penalty(Z, p >= U, p)
        result = descend(f, start, "lbfgs", max_iter=200, gtol=1e-7, rtol=1e-7)
        if relative_error(result.left, f.M) < 1e-3:
            high = middle
        else:
            low = middle
    return {"threshold": float(np.exp(high))}


def _slope(table: pd.DataFrame, x: str, fixed: str) -> Estimate:
    part = table[(table[fixed] == table[fixed].unique()[0]) & (table["rank"] > 1)]
    slopes = [
        np.polyfit(np.log(g[x]), np.log(g["threshold"]), 1)[0] for _, g in part.groupby("trial")
    ]
    return mean(slopes)


def exponent_in_rank(table: pd.DataFrame) -> Estimate:
    """Slope of log p against log r at κ = 1, from r = 2 on."""
    return _slope(table, "rank", "kappa")


def exponent_in_condition(table: pd.DataFrame) -> Estimate:
    """Slope of log p against log κ at the least rank above 1."""
    return _slope(table, "kappa", "rank")


PROTOCOL = Protocol(
    trial=trial,
    seed=2601,
    profiles={
        "smoke": Sweep({"d": 30, "rank": [2, 4], "kappa": [1.0, 3.0]}, trials=1),
        "quick": Sweep({"d": 40, "rank": [2, 4], "kappa": [1.0, 3.0]}, trials=2),
        "paper": Sweep({"d": 100, "rank": [2, 4, 8], "kappa": [1.0, 2.0, 4.0]}, trials=4),
    },
)
