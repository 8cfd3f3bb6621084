"""Which share of the entries of U Vᵀ is within one standard deviation of zero, rank by rank."""

import pandas as pd

from mcrepro.experiments import Protocol, Sweep
from mcrepro.experiments.statistics import Estimate, exact
from mcrepro.theory.product_law import share_within


def trial(_: None, *, rank: int) -> dict:
    """Return ``share``, for matrices of rank `rank`, by quadrature."""
    return {"share": share_within(1, rank)}


def rank_one(table: pd.DataFrame) -> Estimate:
    """Share for rank one, as in the 2 × 2 example."""
    return _share(table, 1)


def rank_two(table: pd.DataFrame) -> Estimate:
    """Share for rank two, as in the 4 × 4 example."""
    return _share(table, 2)


def rank_hundreds(table: pd.DataFrame) -> Estimate:
    """Share for rank 180."""
    return _share(table, 180)


def _share(table, rank):
    return exact(table.loc[table["rank"] == rank, "share"].iloc[0])


PROTOCOL = Protocol(
    trial=trial,
    exact=True,
    profiles={
        "smoke": Sweep({"rank": [1, 2, 180]}),
        "quick": Sweep({"rank": [1, 2, 3, 4, 10, 50, 132, 133, 180, 297, 298, 299]}),
        "paper": Sweep({"rank": [1, 2, 3, 4, 10, 50, 132, 133, 180, 297, 298, 299]}),
    },
)
