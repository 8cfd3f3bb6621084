"""Degrees of freedom of the square matrices of rank r, 2nr - r², against the rank of a Jacobian."""

import numpy as np
import pandas as pd

from mcrepro.experiments import Protocol, Sweep
from mcrepro.theory.identifiability import generic_rank


def trial(_: None, *, n: int) -> list[dict]:
    """Compare the two for n-by-n matrices of every rank; a row each."""
    everything = np.ones((n, n), dtype=bool)
    return [
        {"r": r, "formula": 2 * n * r - r**2, "jacobian": generic_rank(everything, r)}
        for r in range(1, n + 1)
    ]


def formula_is_jacobian_rank(table: pd.DataFrame) -> bool:
    """2nr - r² equals the rank of the Jacobian for every size and rank."""
    return bool((table["formula"] == table["jacobian"]).all())


PROTOCOL = Protocol(
    trial=trial,
    exact=True,
    profiles={
        "smoke": Sweep({"n": [2, 3, 4]}),
        "quick": Sweep({"n": [2, 3, 4, 5, 6]}),
        "paper": Sweep({"n": [2, 3, 4, 5, 6, 7, 8, 9, 10]}),
    },
)
