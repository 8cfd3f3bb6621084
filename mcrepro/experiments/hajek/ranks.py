"""A fit with fewer or more factors than there are."""

import numpy as np
import pandas as pd

import mcrepro as mc
from mcrepro.experiments import Protocol, Sweep
from mcrepro.experiments.statistics import Estimate, mean
from mcrepro.theory import recovery as law

from ._rows import draw, haar


def trial(
    seed: np.random.SeedSequence, *, d: int, rank: int, C: float, supply: float, fitted: int
) -> dict:
    """Fit `fitted` factors to rows of `rank` factors.

    Returns
    -------
    dict
        ``n``; ``relative``: ‖XXᵀ - T‖_F/‖T‖_F; ``unseen``: the same over the pairs outside Ω alone
        (None if there are none); ``floor``: relative distance of T from the nearest matrix of rank
        `fitted`.
    """
    rng = np.random.default_rng(seed)
    n = law.supply_rows(supply, d, rank, C)
    rows = draw("mixture", n, haar(d, rank, rng), C / d, rng)
    moments, truth = rows.moments(), rows.truth()
    result = mc.recover_second_moment(moments, fitted, gtol=1e-3, max_iter=3000)
    error = result.matrix() - truth
    outside = moments.counts.toarray() == 0
    eigenvalues = np.linalg.eigvalsh(truth)[::-1]
    norm = float(np.linalg.norm(truth))
    return {
        "n": n,
        "relative": float(np.linalg.norm(error)) / norm,
        "unseen": float(np.linalg.norm(error[outside]) / np.linalg.norm(truth[outside]))
        if outside.any()
        else None,
        "floor": float(np.linalg.norm(eigenvalues[fitted:])) / norm if fitted < rank else 0.0,
    }


def _at(table: pd.DataFrame, supply: float, fitted: int) -> pd.DataFrame:
    part = table[(table["supply"] == supply) & (table["fitted"] == fitted)]
    if part.empty:
        raise ValueError(f"the table has no rows with supply={supply} and fitted={fitted}")
    return part.set_index("trial")


def plateau(table: pd.DataFrame) -> Estimate:
    """Error of a fit with one factor too few, over the Eckart-Young floor, at κ = 128."""
    part = _at(table, 128.0, 4)
    return mean(part["relative"] / part["floor"])


def twice_the_rank(table: pd.DataFrame) -> Estimate:
    """Error on unseen pairs with 2r factors over that with r, at κ = 8."""
    return mean(_at(table, 8.0, 10)["unseen"] / _at(table, 8.0, 5)["unseen"])


_GRID = {"d": 200, "rank": 5, "C": 4.0, "supply": [8.0, 32.0, 128.0], "fitted": [4, 5, 10, 20]}

PROTOCOL = Protocol(
    trial=trial,
    seed=2601,
    shared=("fitted",),
    profiles={
        "smoke": Sweep({**_GRID, "d": 100}, trials=2),
        "quick": Sweep(_GRID, trials=3),
        "paper": Sweep(_GRID, trials=10),
    },
)
