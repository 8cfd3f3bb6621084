"""Noise on the flattest matrix, zzᵀ with z of ±1/√d: its largest entry, and what is lost with p = 1."""

import numpy as np
import pandas as pd
from scipy.sparse.linalg import eigsh

from mcrepro.experiments import Protocol, Sweep
from mcrepro.experiments.statistics import Estimate, mean, rate
from mcrepro.theory.landscape_rank_r import noise_incoherence

DRAWS = 20


def trial(seed: np.random.SeedSequence, *, d: int) -> list[dict]:
    """Draw signs z/√d and symmetric noise at which both terms of μ̂ are equal, 4σ√log d = 1/d.

    Returns
    -------
    list of dict
        ``ratio``: max |zzᵀ + N| over μ̂²/d, `DRAWS` times; in the first row also ``error``:
        ‖xxᵀ - zzᵀ‖_F of the minimiser x with everything seen and σ = 1/d.
    """
    rng = np.random.default_rng(seed)
    sigma = 1 / (4 * d * np.sqrt(np.log(d)))
    allowed = noise_incoherence(d, 1, 1.0, sigma) ** 2 / d
    rows = []
    for _ in range(DRAWS):
        z = rng.choice([-1.0, 1.0], d) / np.sqrt(d)
        N = np.triu(rng.standard_normal((d, d)) * sigma)  # the mirrored half has the same maximum
        upper = np.triu(np.outer(z, z)) + N
        rows.append({"ratio": float(np.abs(upper).max() / allowed), "error": np.nan})
    # With everything seen the minimiser is the leading eigenpair.
    N = rng.standard_normal((d, d)) / d
    truth = np.outer(z, z)
    value, vector = eigsh(truth + np.triu(N) + np.triu(N, 1).T, k=1, which="LA", v0=np.ones(d))
    rows[0]["error"] = float(np.linalg.norm(value[0] * np.outer(vector, vector) - truth))
    return rows


def entries_fit(table: pd.DataFrame) -> Estimate:
    """Share of draws with max |M_ij| <= μ̂² r/d, as needed."""
    return rate(int((table["ratio"] <= 1).sum()), len(table))


def entries_fit_with_room(table: pd.DataFrame) -> Estimate:
    """Share of draws with max |M_ij| <= (3/2) μ̂² r/d."""
    return rate(int((table["ratio"] <= 1.5).sum()), len(table))


def error_with_everything_seen(table: pd.DataFrame) -> Estimate:
    """Mean error at the largest d, with σ = 1/d, as large as the entries, and p = 1."""
    part = table[table["d"] == table["d"].max()]
    return mean(part["error"].dropna())


PROTOCOL = Protocol(
    trial=trial,
    seed=2601,
    profiles={
        "smoke": Sweep({"d": 50}, trials=2),
        "quick": Sweep({"d": [100, 300]}, trials=2),
        "paper": Sweep({"d": [100, 300, 1000]}, trials=4),
    },
)
