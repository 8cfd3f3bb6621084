"""Rows that are not of low rank: independent noise on every entry.

With E_kj of standard deviation s/√d the products of a row have mean T_ij off the diagonal, and
T_ii + s²/d on it. So noise biases the diagonal of T̄ and nothing else; leaving the diagonal out of
the fit (``diagonal_weight=0``) avoids it.
"""

import numpy as np
import pandas as pd

import mcrepro as mc
from mcrepro.experiments import Protocol, Sweep
from mcrepro.experiments.statistics import Estimate, ratio
from mcrepro.theory import recovery as law

from ._rows import distance, draw, haar


def trial(
    seed: np.random.SeedSequence, *, d: int, rank: int, C: float, supply: float, noise: float
) -> list[dict]:
    """Recover T of the rows without their noise; one row with the diagonal and one without.

    Parameters
    ----------
    noise : float
        s, the standard deviation of the noise over the root mean square of an entry of M.

    Returns
    -------
    list of dict
        ``diagonal``: whether it was fitted; ``n``; ``relative``: ‖XXᵀ - T‖_F/‖T‖_F.
    """
    rng = np.random.default_rng(seed)
    n = law.supply_rows(supply, d, rank, C)
    rows = draw("mixture", n, haar(d, rank, rng), C / d, rng, noise)
    moments, gram, table = rows.moments(), rows.gram(), []
    for diagonal in (True, False):
        result = mc.recover_second_moment(moments, rank, gtol=1e-3, diagonal_weight=float(diagonal))
        error = distance(result.left, rows.factors, gram) / float(np.linalg.norm(gram))
        table.append({"diagonal": diagonal, "n": n, "relative": error})
    return table


def _ratio(table: pd.DataFrame, noise: float, diagonal: bool) -> Estimate:
    part = table[table["diagonal"] == diagonal]
    clean = part[part["noise"] == 0]["relative"]
    return ratio(part[part["noise"] == noise]["relative"], clean)


def slight_over_clean(table: pd.DataFrame) -> Estimate:
    """Error with noise a quarter as large as the entries over that without, diagonal fitted."""
    return _ratio(table, 0.25, True)


_GRID = {"d": 200, "rank": 5, "C": 4.0, "supply": 16.0, "noise": [0.0, 0.25, 0.5, 1.0, 2.0]}

PROTOCOL = Protocol(
    trial=trial,
    seed=2601,
    profiles={
        "smoke": Sweep({**_GRID, "d": 100}, trials=2),
        "quick": Sweep(_GRID, trials=4),
        "paper": Sweep(_GRID, trials=10),
    },
)
