"""Random and spectral starts at the right rank: how often descent ends at the truth, and how soon.

The matrices are products of normal factors, n = 50 and rank 2 unless said otherwise; entries are seen independently with
probability p. Both starts meet the same matrices and masks. A row of the table is one matrix and one start.
"""

import numpy as np
import pandas as pd

from mcrepro.experiments import Protocol, Sweep
from mcrepro.experiments.statistics import Estimate, mean, rate

from ._descent import descend, random_start, spectral_start

BATCH = 20
RECOVERED = 1e-4


def trial(seed: np.random.SeedSequence, *, n: int, rank: int, p: float, start: str) -> list[dict]:
    """Descend from one start for each of `BATCH` matrices.

    Returns
    -------
    list of dict
        ``residual``: relative, on seen entries; ``error``: relative, of the whole matrix;
        ``iterations``; ``recovered``: error below 1e-4.
    """
    rng = np.random.default_rng(seed)
    M = rng.standard_normal((BATCH, n, rank)) @ rng.standard_normal((BATCH, rank, n))
    seen = rng.random(M.shape) < p
    if start == "spectral":
        U, V = spectral_start(M, seen, rank)
    else:
        U, V = random_start(rng, M.shape, rank, np.full(BATCH, np.sqrt(rank)))
    ends = descend(M, seen, U, V)
    errors = np.linalg.norm(ends.X - M, axis=(1, 2)) / np.linalg.norm(M, axis=(1, 2))
    return [
        {
            "residual": float(residual),
            "error": float(error),
            "iterations": int(iterations),
            "recovered": bool(error < RECOVERED),
        }
        for residual, error, iterations in zip(ends.residual, errors, ends.iterations, strict=True)
    ]


def _recovered(table: pd.DataFrame, start: str, p: float, confidence: float = 0.95) -> Estimate:
    part = table[(table["start"] == start) & (table["p"] == p)]
    return rate(int(part["recovered"].sum()), len(part), confidence)


def random_many(table: pd.DataFrame) -> Estimate:
    """Share of random starts that end at the truth where most entries are seen."""
    return _recovered(table, "random", table["p"].max())


def random_fewer(table: pd.DataFrame) -> Estimate:
    """The same with p = 0.2, still more entries than degrees of freedom."""
    return _recovered(table, "random", 0.2)


def spectral_many(table: pd.DataFrame) -> Estimate:
    """Share of spectral starts that end at the truth where most entries are seen."""
    return _recovered(table, "spectral", table["p"].max())


def fewer_by_start(table: pd.DataFrame) -> dict[str, Estimate]:
    """Share that ends at the truth with p = 0.2, for each kind of start."""
    return {start: _recovered(table, start, 0.2, 1 - 0.05 / 2) for start in ("random", "spectral")}


def log_iterations(table: pd.DataFrame) -> dict[str, Estimate]:
    """Mean log10 of the iterations of the starts that arrive, where most entries are seen."""
    part = table[(table["p"] == table["p"].max()) & table["recovered"]]
    return {
        start: mean(np.log10(rows["iterations"].to_numpy()), 1 - 0.05 / 2)
        for start, rows in part.groupby("start")
    }


GRID = {"n": 50, "rank": 2, "p": [0.1, 0.2, 0.4], "start": ["random", "spectral"]}
PROTOCOL = Protocol(
    trial=trial,
    seed=2601,
    shared=("start",),
    profiles={
        "smoke": Sweep({**GRID, "n": 30, "p": [0.2, 0.5]}, trials=1),
        "quick": Sweep(GRID, trials=1),
        "paper": Sweep(GRID, trials=12),
    },
)
