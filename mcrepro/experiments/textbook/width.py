"""More columns than the truth has: what descent then fits, and what it finds.

Products of normal vectors (rank one, n = 30), seen independently with probability p; random starts
whose products are as large as the matrix or a thousandth of it (`scale`), with and without a ridge.
All settings meet the same matrices. Fitted means a relative residual below 0.01 on seen entries (it says nothing
with a ridge, which keeps it larger), found a relative error below 0.05 of the whole matrix, which
allows for the shrinkage by the ridge.
"""

import numpy as np
import pandas as pd

from mcrepro.experiments import Protocol, Sweep
from mcrepro.experiments.statistics import Estimate, mean

from ._descent import descend, random_start

BATCH = 20
FITTED, FOUND = 0.01, 0.05


def trial(
    seed: np.random.SeedSequence, *, n: int, p: float, width: int, ridge: float, scale: float
) -> list[dict]:
    """Descend once for each of `BATCH` matrices; a row each."""
    rng = np.random.default_rng(seed)
    M = rng.standard_normal((BATCH, n, 1)) @ rng.standard_normal((BATCH, 1, n))
    seen = rng.random(M.shape) < p
    U, V = random_start(rng, M.shape, width, np.full(BATCH, scale))
    ends = descend(M, seen, U, V, ridge=ridge, tol=1e-4, gtol=1e-4, max_iter=1500)
    errors = np.linalg.norm(ends.X - M, axis=(1, 2)) / np.linalg.norm(M, axis=(1, 2))
    return [
        {
            "matrix": k,
            "residual": float(residual),
            "error": float(error),
            "fitted": bool(residual <= FITTED),
            "found": bool(error < FOUND),
        }
        for k, (residual, error) in enumerate(zip(ends.residual, errors, strict=True))
    ]


def _gain(table: pd.DataFrame, what: str, width: int, ridge: float, scale: float) -> Estimate:
    """Mean over matrices of `what` at this width less `what` at width one, where p is least."""
    few = (table["p"] == table["p"].min()) & (table["ridge"] == ridge) & (table["scale"] == scale)
    wide = table[few].pivot(index=["trial", "matrix"], columns="width", values=what).astype(float)
    return mean((wide[width] - wide[1]).to_numpy())


def fits_more(table: pd.DataFrame) -> Estimate:
    """Gain in fitting what is seen: n columns against one, large starts, no ridge."""
    return _gain(table, "fitted", table["width"].max(), 0.0, 1.0)


def finds_more_small(table: pd.DataFrame) -> Estimate:
    """Gain in finding the matrix: two columns against one, small starts, no ridge."""
    return _gain(table, "found", 2, 0.0, 1e-3)


def finds_more_large(table: pd.DataFrame) -> Estimate:
    """Gain in finding the matrix: n columns against one, large starts, no ridge."""
    return _gain(table, "found", table["width"].max(), 0.0, 1.0)


def finds_more_ridge(table: pd.DataFrame) -> Estimate:
    """Gain in finding the matrix: n columns against one, with the ridge."""
    return _gain(table, "found", table["width"].max(), 0.01, 1.0)


CELLS = (
    {"ridge": 0.0, "scale": 1.0},
    {"ridge": 0.0, "scale": 1e-3},
    {"ridge": 0.01, "scale": 1.0},
)
PROTOCOL = Protocol(
    trial=trial,
    seed=2601,
    shared=("width", "ridge", "scale"),
    profiles={
        "smoke": Sweep({"n": 12, "p": 0.6, "width": [1, 2, 12]}, trials=1, cells=CELLS),
        "quick": Sweep({"n": 30, "p": [0.3, 0.5], "width": [1, 2, 4, 30]}, trials=1, cells=CELLS),
        "paper": Sweep({"n": 30, "p": [0.3, 0.5], "width": [1, 2, 4, 30]}, trials=8, cells=CELLS),
    },
)
