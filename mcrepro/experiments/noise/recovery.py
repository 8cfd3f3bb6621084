"""Is exact recovery out of reach at n = 50, p = .3? Complete such matrices and see.

M* = Z Zᵀ with standard normal Z; each of the n² entries is observed by itself. A relative error
of 1e-6 counts as recovered: the method stops at residuals of 1e-9.
"""

import numpy as np
import pandas as pd

import mcrepro as mc
from mcrepro.experiments import Protocol, Sweep
from mcrepro.experiments.statistics import Estimate, rate


def trial(seed: np.random.SeedSequence, *, n: int, rank: int, p: float) -> dict:
    """Complete one matrix with the factored method, from a random start.

    Returns
    -------
    dict
        ``error``: relative; ``pairs``: distinct entries observed, up to symmetry; ``unknowns``:
        n r - r (r-1)/2.
    """
    instance, start = seed.spawn(2)
    problem = mc.instances.bernoulli(n, p, rank, seed=instance)
    result = mc.complete(problem, "bm", rank=rank, seed=np.random.default_rng(start))
    low, high = np.minimum(problem.rows, problem.cols), np.maximum(problem.rows, problem.cols)
    return {
        "error": float(result.relative_error(problem.truth)),
        "pairs": len(np.unique(low * n + high)),
        "unknowns": n * rank - rank * (rank - 1) // 2,
    }


def _rate(table: pd.DataFrame, rank: int) -> Estimate:
    part = table[table["rank"] == rank]
    return rate(int((part["error"] < 1e-6).sum()), len(part))


def rank_1(table: pd.DataFrame) -> Estimate:
    """Rate of recovery at rank 1."""
    return _rate(table, 1)


def rank_5(table: pd.DataFrame) -> Estimate:
    """Rate of recovery at rank 5."""
    return _rate(table, 5)


def rank_20(table: pd.DataFrame) -> Estimate:
    """Rate of recovery at rank 20, with more unknowns than entries."""
    return _rate(table, 20)


_FIXED = {"n": 50, "p": 0.3}

PROTOCOL = Protocol(
    trial=trial,
    seed=2601,
    profiles={
        "smoke": Sweep({"rank": [1, 5, 20], **_FIXED}, trials=2),
        "quick": Sweep({"rank": [1, 2, 5, 20], **_FIXED}, trials=8),
        "paper": Sweep({"rank": [1, 2, 5, 8, 20], **_FIXED}, trials=100),
    },
)
