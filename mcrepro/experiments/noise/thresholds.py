"""From which sampling rate on the nuclear norm provably recovers a matrix, as its size grows.

M* = U Vᵀ is the unique minimiser of the nuclear norm given its entries on Ω if Ω determines the
tangent space T at M* and some Y on Ω has P_T(Y) = U Vᵀ and ‖P_T⊥(Y)‖ < 1 (Candès and Recht 2009).
The Y of least norm with the first property is a linear solve. It need not exist where another one
does, so the rate found is an upper bound on the true threshold.

The entries get one uniform number each, and Ω_p are those below p: p is found by bisection.
"""

import numpy as np
import pandas as pd
from scipy.linalg import LinAlgError, cho_factor, cho_solve

from mcrepro.experiments import Protocol, Sweep
from mcrepro.experiments.statistics import Estimate, mean
from mcrepro.theory import recovery_conditions

from ._flat import singular_vectors


def trial(seed: np.random.SeedSequence, *, n: int, rank: int) -> dict:
    """Find the rate of one random order of the entries of a flat matrix (μ₀ = 1, κ = 1).

    Returns
    -------
    dict
        ``threshold``: p, to 1/256.
    """
    rng = np.random.default_rng(seed)
    U, V = singular_vectors(n, rank, rng)
    order = rng.random((n, n))
    low, high = 0.0, 1.0
    for _ in range(8):
        p = (low + high) / 2
        low, high = (low, p) if certified(U, V, order < p) else (p, high)
    return {"threshold": high}


def certified(U: np.ndarray, V: np.ndarray, mask: np.ndarray) -> bool:
    """Tell whether the least-norm Y proves U Vᵀ the unique solution, for the entries in `mask`."""
    n, rank = U.shape
    outside = np.linalg.svd(U)[0][:, rank:]  # an orthonormal basis of the rest of the columns
    rows, cols = np.nonzero(mask)
    # T = {U Aᵀ + outside B Vᵀ}; J maps its coordinates (A, B) to the entries on Ω.
    J = np.zeros((len(rows), rank * n + (n - rank) * rank))
    for k in range(rank):
        J[np.arange(len(rows)), k * n + cols] = U[rows, k]
        block = slice(rank * n + k * (n - rank), rank * n + (k + 1) * (n - rank))
        J[:, block] = outside[rows] * V[cols, k][:, None]
    target = np.concatenate([V.T.ravel(), np.zeros((n - rank) * rank)])  # U Vᵀ in T
    try:
        solution = cho_solve(cho_factor(J.T @ J), target)
    except LinAlgError:
        return False  # Ω does not determine T
    Y = np.zeros((n, n))
    Y[rows, cols] = J @ solution
    beyond = Y - U @ (U.T @ Y)
    beyond -= (beyond @ V) @ V.T
    return bool(np.linalg.norm(beyond, 2) < 1)


def _growth(table: pd.DataFrame, approach: str, ranks: tuple[int, ...]) -> Estimate:
    """Return the mean exponent of n in threshold/rate, a line fitted in each trial and rank.

    Sizes from 32 on: below, log n is not yet what matters.
    """
    slopes = []
    used = table[table["rank"].isin(ranks) & (table["n"] >= 32)]
    for _, part in used.groupby(["rank", "trial"]):
        sizes = zip(part["n"], part["rank"], strict=True)
        rates = [recovery_conditions.required_rate(approach, int(n), int(r)) for n, r in sizes]
        slopes.append(np.polyfit(np.log(part["n"]), np.log(part["threshold"] / rates), 1)[0])
    return mean(slopes)


def semidefinite_growth(table: pd.DataFrame) -> Estimate:
    """Exponent of n in threshold over r log(r) log(n)/n, for r = 2, 3."""
    return _growth(table, "semidefinite", (2, 3))


def candes_recht_growth(table: pd.DataFrame) -> Estimate:
    """Exponent of n in threshold over n^1.2 r log(n)/n²."""
    return _growth(table, "candes-recht", (1, 2, 3))


def unit_threshold(table: pd.DataFrame) -> Estimate:
    """Mean threshold at r = 1, where the printed condition asks for p ≥ 0; the largest n."""
    part = table[table["rank"] == 1]
    return mean(part.loc[part["n"] == part["n"].max(), "threshold"])


PROTOCOL = Protocol(
    trial=trial,
    seed=2601,
    profiles={
        "smoke": Sweep({"n": [16, 32, 64], "rank": [1, 2]}, trials=2),
        "quick": Sweep({"n": [16, 32, 64], "rank": [1, 2, 3]}, trials=10),
        "paper": Sweep({"n": [16, 32, 64, 128], "rank": [1, 2, 3]}, trials=20),
    },
)
