"""How many uniform entries nuclear-norm completion needs: m = c · 2nr log²(2n).

The matrices are products of factors with entries ±1, whose singular vectors are as spread out as can
be: the bound as printed leaves out the incoherence of the matrix, which multiplies it. A row of the
table is one of a batch of matrices. Recovered means a relative error below 1e-3.
"""

import numpy as np
import pandas as pd

from mcrepro.experiments import Protocol, Sweep
from mcrepro.experiments.statistics import Estimate, rate
from mcrepro.theory.interpolation import interpolate

BATCH = 10
RECOVERED = 1e-3


def entries(n: int, rank: int, constant: float) -> int:
    """Return c · r (n + n) log²(n + n), rounded, at most n²."""
    return min(round(constant * rank * 2 * n * np.log(2 * n) ** 2), n * n)


def trial(seed: np.random.SeedSequence, *, n: int, rank: int, constant: float) -> list[dict]:
    """Complete `BATCH` matrices; a row each."""
    rng = np.random.default_rng(seed)
    M = rng.choice([-1.0, 1.0], (BATCH, n, rank)) @ rng.choice([-1.0, 1.0], (BATCH, rank, n))
    m = entries(n, rank, constant)
    masks = np.zeros((BATCH, n * n), bool)
    for mask in masks:
        mask[rng.choice(n * n, m, replace=False)] = True
    X, settled = interpolate(M, masks.reshape(M.shape), max_iter=800)
    errors = np.linalg.norm(X - M, axis=(1, 2)) / np.linalg.norm(M, axis=(1, 2))
    return [
        {
            "entries": m,
            "share": m / n**2,
            "error": float(error),
            "settled": bool(done),
            "recovered": bool(error < RECOVERED),
        }
        for error, done in zip(errors, settled, strict=True)
    ]


def same_constant_suffices(table: pd.DataFrame) -> Estimate:
    """Success at the larger sizes with the least constant that succeeds (nine in ten) at the smallest.

    Settings whose entries would be the whole matrix are left out.
    """
    open_ = table[table["share"] < 1]
    small = open_[open_["n"] == open_["n"].min()]
    chosen = []
    for rank, part in small.groupby("rank"):
        success = part.groupby("constant")["recovered"].mean()
        good = success[success >= 0.9]
        if len(good):
            larger = open_["n"] > small["n"].min()
            chosen.append(
                open_[larger & (open_["rank"] == rank) & (open_["constant"] == good.index.min())]
            )
    found = pd.concat([open_.iloc[:0], *chosen])["recovered"]
    return rate(int(found.sum()), len(found))


def above_threshold(table: pd.DataFrame) -> Estimate:
    """Success at the largest constant of the sweep."""
    part = table[(table["constant"] == table["constant"].max()) & (table["share"] < 1)]
    return rate(int(part["recovered"].sum()), len(part))


PROTOCOL = Protocol(
    trial=trial,
    seed=2601,
    profiles={
        "smoke": Sweep({"n": [10, 14], "rank": 1, "constant": [0.2, 0.4]}, trials=1),
        "quick": Sweep({"n": [20, 40], "rank": 1, "constant": [0.1, 0.2, 0.3, 0.4]}, trials=1),
        "paper": Sweep(
            {"n": [20, 30, 40, 60], "rank": [1, 2], "constant": [0.1, 0.15, 0.2, 0.25, 0.3, 0.4]},
            trials=3,
        ),
    },
)
