"""Descent from arbitrary starts: does it end at M (Theorem 4.3), and where else?

The share of seen pairs is p = c · r log(d)/d: with c about one the last rows and columns just get the
r entries that they need.
"""

import numpy as np
import pandas as pd

from mcrepro.experiments import Protocol, Sweep
from mcrepro.experiments.statistics import Estimate, rate
from mcrepro.theory.landscape import symmetric_mask
from mcrepro.theory.landscape_rank_r import RankR, factor

from ._rank_r import descend, relative_error, with_penalty

STARTS = ("gaussian", "tiny", "spiky")
RECOVERED, FITS = 1e-4, 1e-5


def share(d: int, rank: int, c: float) -> float:
    """Return p = c · r log(d)/d, at most 1."""
    return min(1.0, c * rank * np.log(d) / d)


def start(kind: str, d: int, rank: int, rng: np.random.Generator) -> np.ndarray:
    """Return a start: of the size of Z; next to the saddle 0; or with one row ten times Z."""
    X = rng.standard_normal((d, rank)) / np.sqrt(d)
    if kind == "tiny":
        return 1e-4 * X
    if kind == "spiky":
        X *= 0.01
        X[rng.integers(d)] = 10 * np.sqrt(rank) * rng.standard_normal(rank)
    return X


def trial(
    seed: np.random.SeedSequence, *, d: int, rank: int, kappa: float, c: float, penalty: str
) -> list[dict]:
    """One matrix and mask, descent from every start; one row a start.

    Returns
    -------
    list of dict
        ``start``, ``p``, relative ``error`` of X Xᵀ, ``residual`` on the seen entries, ``end``
        ("recovered", "another fit", "stuck"), ``lowest`` eigenvalue of the Hessian over the largest
        (0 where the residual vanishes, for there it cannot be negative).
    """
    rng = np.random.default_rng(seed)
    p = share(d, rank, c)
    Z, mask = factor(d, rank, kappa, rng), symmetric_mask(d, p, rng)
    f = with_penalty(Z, mask, p) if penalty == "theorem" else RankR(Z @ Z.T, mask)
    rows = []
    for kind in STARTS:
        result = descend(
            f, start(kind, d, rank, rng), max_iter=100, optimizer_options={"inner": 60}
        )
        error, residual = relative_error(result.left, f.M), result.certificate["residual"]
        end = "recovered" if error < RECOVERED else "another fit" if residual < FITS else "stuck"
        low, high = (result.certificate.get(f"hessian_{e}", 0.0) for e in ("min", "max"))
        rows.append(
            {
                "start": kind,
                "p": p,
                "error": error,
                "residual": float(residual),
                "end": end,
                "lowest": float(low / high) if high else 0.0,
                "stop": result.stop_reason,
            }
        )
    return rows


def ordinary_starts_recover(table: pd.DataFrame) -> Estimate:
    """Share of instances at the largest c, with the penalty, where the normal and the tiny start end at M."""
    return _every_start(table[table["start"] != "spiky"])


def spiky_starts_recover(table: pd.DataFrame) -> Estimate:
    """The same for the start with one row ten times as long as Z."""
    return _every_start(table[table["start"] == "spiky"])


def _every_start(table: pd.DataFrame) -> Estimate:
    part = table[(table["c"] == table["c"].max()) & (table["penalty"] == "theorem")]
    keys = ["d", "rank", "kappa", "trial"]
    ends = part.groupby(keys)["end"].apply(lambda e: bool((e == "recovered").all()))
    return rate(int(ends.sum()), len(ends))


PROTOCOL = Protocol(
    trial=trial,
    seed=2601,
    shared=("penalty",),
    profiles={
        "smoke": Sweep(
            {"d": 40, "rank": 2, "kappa": 1.0, "c": [1.0, 4.0], "penalty": ["theorem", "none"]},
            trials=1,
        ),
        "quick": Sweep(
            {
                "d": 80,
                "rank": [1, 2],
                "kappa": 1.0,
                "c": [1.0, 2.0, 4.0],
                "penalty": ["theorem", "none"],
            },
            trials=1,
        ),
        "paper": Sweep(
            {
                "d": 100,
                "rank": [1, 2, 4],
                "kappa": [1.0, 3.0],
                "c": [1.0, 2.0, 4.0],
                "penalty": ["theorem", "none"],
            },
            trials=6,
        ),
    },
)
