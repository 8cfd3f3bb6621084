"""As many rows as the theorem asks for, with constant 1, and the worst of many starts.

The theorem says that every local minimum is within ε of T. It is put to the test at small d and r,
where that many rows can be had.
"""

from math import ceil

import numpy as np
import pandas as pd

import mcrepro as mc
from mcrepro.experiments import Protocol, Sweep
from mcrepro.experiments.statistics import Estimate, rate
from mcrepro.theory import recovery as law

from ._rows import distance, draw, haar


def trial(
    seed: np.random.SeedSequence, *, d: int, rank: int, C: float, epsilon: float, starts: int
) -> dict:
    """Fit from random starts with the rows of the bound.

    Returns
    -------
    dict
        ``n``; ``worst``: largest ‖XXᵀ - T‖_F over the starts; ``within``: whether it is at most ε.
    """
    rng = np.random.default_rng(seed)
    n = ceil(law.theorem_rows(d, rank, epsilon, C))
    rows = draw("mixture", n, haar(d, rank, rng), C / d, rng)
    moments, gram = rows.moments(), rows.gram()
    errors = [
        distance(
            mc.recover_second_moment(moments, rank, seed=rng, init="normal").left,
            rows.factors,
            gram,
        )
        for _ in range(starts)
    ]
    return {"n": n, "worst": max(errors), "within": max(errors) <= epsilon}


def _within(table: pd.DataFrame, rank: int) -> Estimate:
    part = table[table["rank"] == rank]
    return rate(int(part["within"].sum()), len(part))


def within_rank_1(table: pd.DataFrame) -> Estimate:
    """Share of instances of rank 1 in which every start ends within ε."""
    return _within(table, 1)


def within_rank_2(table: pd.DataFrame) -> Estimate:
    """The same at rank 2."""
    return _within(table, 2)


def within_rank_3(table: pd.DataFrame) -> Estimate:
    """The same at rank 3."""
    return _within(table, 3)


_GRID = {"d": 50, "rank": [1, 2, 3], "C": 4.0, "epsilon": 0.3, "starts": 6}

PROTOCOL = Protocol(
    trial=trial,
    seed=2601,
    profiles={
        "smoke": Sweep({**_GRID, "starts": 3}, trials=2),
        "quick": Sweep(_GRID, trials=5),
        "paper": Sweep(_GRID, trials=40),
    },
)
