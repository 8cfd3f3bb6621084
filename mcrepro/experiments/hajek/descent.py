"""Gradient descent itself: how many steps it takes, and which steps are too long.

The loss is that of the published code (uniform weights, its λ, α and q); the text gives no step.
"""

import numpy as np
import pandas as pd

import mcrepro as mc
from mcrepro.experiments import Protocol, Sweep
from mcrepro.experiments.statistics import Estimate, ratio

from ._rows import distance, draw, haar


def trial(
    seed: np.random.SeedSequence, *, d: int, rank: int, n: int, C: float, max_iter: int
) -> dict:
    """Descend with the best step along each gradient, from X₀ ~ N(0, 1/d).

    Returns
    -------
    dict
        ``iterations``: until the error stays within 1 % of the last one; ``relative``: the last
        one, ‖XXᵀ - T‖_F/‖T‖_F; ``finished``: whether the gradient met its tolerance.
    """
    rng = np.random.default_rng(seed)
    rows = draw("mixture", n, haar(d, rank, rng), C / d, rng)
    gram, errors = rows.gram(), []
    result = mc.recover_second_moment(
        rows.moments(),
        rank,
        seed=rng,
        preset="paper",
        init="normal",
        step="safe",
        max_iter=max_iter,
        callback=lambda _, point: errors.append(distance(point.left, rows.factors, gram)),
    )
    away = np.abs(np.array(errors) / errors[-1] - 1) > 0.01
    return {
        "iterations": int(np.flatnonzero(away)[-1]) + 1 if away.any() else 0,
        "relative": errors[-1] / float(np.linalg.norm(gram)),
        "finished": result.converged,
    }


def _ratio(table: pd.DataFrame, first: dict, second: dict) -> Estimate:
    def iterations(cell):
        part = table[(table["n"] == cell["n"]) & (table["C"] == cell["C"])]
        if part.empty:
            raise ValueError(f"the table has no rows with {cell}")
        return part.set_index("trial")["iterations"]

    return ratio(iterations(first), iterations(second))


def same_rows(table: pd.DataFrame) -> Estimate:
    """Iterations at C = 2 over those at C = 10, 5,000 rows both."""
    return _ratio(table, {"n": 5000, "C": 2.0}, {"n": 5000, "C": 10.0})


def same_pairs(table: pd.DataFrame) -> Estimate:
    """Iterations at C = 2 over those at C = 10, with nC² alike."""
    return _ratio(table, {"n": 50_000, "C": 2.0}, {"n": 2000, "C": 10.0})


_CELLS = [
    *({"n": 5000, "C": C} for C in (2.0, 4.0, 10.0, 50.0)),
    *({"n": n, "C": C} for n, C in ((50_000, 2.0), (12_500, 4.0), (2000, 10.0), (80, 50.0))),
]

PROTOCOL = Protocol(
    trial=trial,
    seed=2601,
    profiles={
        "smoke": Sweep({"d": 200, "rank": 5, "max_iter": 300}, trials=2, cells=_CELLS),
        "quick": Sweep({"d": 200, "rank": 5, "max_iter": 1000}, trials=3, cells=_CELLS),
        "paper": Sweep({"d": 200, "rank": 5, "max_iter": 3000}, trials=10, cells=_CELLS),
    },
)
