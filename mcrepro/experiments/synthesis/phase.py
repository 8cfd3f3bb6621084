"""Success of each method over oversampling and condition number.

Square matrices of rank 2 with singular values 1 and κ; ρ times as many uniform entries as degrees of
freedom, at least two in every row and column. All methods of a trial meet the same problems.
"""

import numpy as np
import pandas as pd

import mcrepro as mc
from mcrepro.experiments import Protocol, Sweep
from mcrepro.experiments.statistics import Estimate, rate

from . import _maps


def trial(
    seed: np.random.SeedSequence, *, n: int, ratio: float, condition: float, method: str, batch: int
) -> list[dict]:
    """Draw `batch` problems and run one method on each; one row a problem (see `_maps.rows`)."""
    drawn, started = (np.random.default_rng(s) for s in seed.spawn(2))
    draw = mc.instances.oversampled
    problems = [draw(n, n, 2, ratio, condition, drawn) for _ in range(batch)]
    return _maps.rows(problems, method, 2, started)


def shares(table: pd.DataFrame) -> pd.DataFrame:
    """Share solved and share at the limit, by method, condition and ratio."""
    keys = ["method", "condition", "ratio"]
    return table.groupby(keys, sort=False)[["solved", "limit"]].mean().reset_index()


def threshold(table: pd.DataFrame, method: str, condition: float, level: float = 0.9) -> float:
    """Least ratio of the sweep from which on at least `level` are solved; infinite if none."""
    part = table[(table["method"] == method) & (table["condition"] == condition)]
    success = part.groupby("ratio")["solved"].mean().sort_index(ascending=False)
    good = (success >= level).cummin()
    return float(good[good].index.min()) if good.any() else float("inf")


def solved(table: pd.DataFrame, method: str, ratio: float) -> Estimate:
    """Share solved at one ratio, all condition numbers together."""
    part = table[(table["method"] == method) & (table["ratio"] == ratio)]
    return rate(int(part["solved"].sum()), len(part))


_ALL = list(_maps.METHODS)
_FEW = [method for method in _ALL if method != "alternating_gd"]

PROTOCOL = Protocol(
    trial=trial,
    seed=7304,
    shared=("method",),
    profiles={
        "smoke": Sweep(
            {"n": 16, "ratio": [1.5, 3.0], "condition": [1.0, 100.0], "method": _FEW, "batch": 1}
        ),
        "quick": Sweep(
            {
                "n": 20,
                "ratio": [1.1, 1.5, 2.0, 3.0],
                "condition": [1.0, 30.0, 1000.0],
                "method": _FEW,
                "batch": 2,
            }
        ),
        "paper": Sweep(
            {
                "n": 30,
                "ratio": [1.05, 1.2, 1.4, 1.6, 2.0, 2.5, 3.0, 4.0, 5.0],
                "condition": [1.0, 10.0, 100.0, 1000.0],
                "method": _ALL,
                "batch": 5,
            },
            trials=2,
        ),
    },
)
