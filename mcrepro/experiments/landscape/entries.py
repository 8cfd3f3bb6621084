"""The largest entry of ZZᵀ + N against what the proof of Theorem B.1 needs, for the flattest Z."""

import numpy as np
import pandas as pd

from mcrepro.experiments import Protocol, Sweep
from mcrepro.experiments.statistics import Estimate, rate
from mcrepro.theory.landscape_rank_r import noise_incoherence

DRAWS = 20


def trial(seed: np.random.SeedSequence, *, d: int) -> list[dict]:
    """Draw signs z/√d and symmetric noise at which both terms of μ̂ are equal, 4σ√log d = 1/d.

    Returns
    -------
    list of dict
        ``ratio``: max |zzᵀ + N| over μ̂²/d, `DRAWS` times.
    """
    rng = np.random.default_rng(seed)
    sigma = 1 / (4 * d * np.sqrt(np.log(d)))
    allowed = noise_incoherence(d, 1, 1.0, sigma) ** 2 / d
    rows = []
    for _ in range(DRAWS):
        z = rng.choice([-1.0, 1.0], d) / np.sqrt(d)
        N = np.triu(rng.standard_normal((d, d)) * sigma)  # the mirrored half has the same maximum
        upper = np.triu(np.outer(z, z)) + N
        rows.append({"ratio": float(np.abs(upper).max() / allowed)})
    return rows


def entries_fit(table: pd.DataFrame) -> Estimate:
    """Share of draws with max |M_ij| <= μ̂² r/d, as needed."""
    return rate(int((table["ratio"] <= 1).sum()), len(table))


def entries_fit_with_room(table: pd.DataFrame) -> Estimate:
    """Share of draws with max |M_ij| <= (3/2) μ̂² r/d."""
    return rate(int((table["ratio"] <= 1.5).sum()), len(table))


PROTOCOL = Protocol(
    trial=trial,
    seed=2601,
    profiles={
        "smoke": Sweep({"d": 50}, trials=2),
        "quick": Sweep({"d": [100, 300]}, trials=2),
        "paper": Sweep({"d": [100, 300, 1000]}, trials=2),
    },
)
