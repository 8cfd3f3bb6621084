"""Does the size of the random start matter?"""

import numpy as np
import pandas as pd

import mcrepro as mc
from mcrepro.experiments import Protocol, Sweep
from mcrepro.experiments.statistics import Estimate, mean
from mcrepro.theory import recovery as law

from ._rows import distance, draw, haar

SCALES = ("1/d²", "1/d", "1/√d", "1", "10")
"""Standard deviations of the entries of X₀; "N(0, 1/d)" is 1/√d read as a variance, else 1/d."""


def trial(
    seed: np.random.SeedSequence, *, d: int, rank: int, C: float, supply: float, scale: str
) -> dict:
    """Minimise from one normal start of the given scale.

    Returns
    -------
    dict
        ``relative``: ‖XXᵀ - T‖_F/‖T‖_F; ``iterations``.
    """
    deviation = dict(zip(SCALES, (d**-2, 1 / d, d**-0.5, 1.0, 10.0), strict=True))[scale]
    rng = np.random.default_rng(seed)
    n = law.supply_rows(supply, d, rank, C)
    rows = draw("mixture", n, haar(d, rank, rng), C / d, rng)
    gram = rows.gram()
    result = mc.recover_second_moment(
        rows.moments(), rank, seed=rng, init="normal", init_scale=deviation
    )
    return {
        "relative": distance(result.left, rows.factors, gram) / float(np.linalg.norm(gram)),
        "iterations": result.n_iter,
    }


def _spread(table: pd.DataFrame, supply: float) -> Estimate:
    errors = table[table["supply"] == supply].pivot(
        index="trial", columns="scale", values="relative"
    )
    return mean(errors.max(axis=1) / errors.min(axis=1))


def spread_rich(table: pd.DataFrame) -> Estimate:
    """Largest over smallest error among the scales, κ = 8."""
    return _spread(table, 8.0)


_GRID = {"d": 200, "rank": 5, "C": 4.0, "supply": [1.0, 8.0], "scale": SCALES}

PROTOCOL = Protocol(
    trial=trial,
    seed=2601,
    shared=("scale",),
    profiles={
        "smoke": Sweep({**_GRID, "d": 60}, trials=2),
        "quick": Sweep(_GRID, trials=3),
        "paper": Sweep(_GRID, trials=10),
    },
)
