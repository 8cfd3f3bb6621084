"""Observed entries that no matrix of rank one has, and where its zeros are.

With M_11 = M_22 = 1 and M_12 = 0 the determinant of the completion is 1 - 0·x, an affine function
of the open entry x: equal to 1 at two values of x, it is 1 at all of them. That a zero of u vᵀ
takes its row or its column along is checked for every u, v with entries from -2 to 2; for all others
it follows alike, since only which entries vanish matters.
"""

from itertools import product

import numpy as np
import pandas as pd

from mcrepro.experiments import Protocol, Sweep
from mcrepro.theory.identifiability import rank_modulo


def trial(_: None, *, n: int) -> dict:
    """Check both statements, the second for n-by-n matrices of rank one.

    Returns
    -------
    dict
        ``determinant_0``, ``determinant_1``: the determinant at x = 0 and x = 1; ``matrices``,
        ``violations``: matrices of rank at most one that were tried, and zeros with neither row
        nor column zero among them; ``rank_faults``: products U Vᵀ of integer matrices whose rank
        is not r, over r = 1 ... n.
    """
    determinants = [1 * 1 - 0 * x for x in (0, 1)]
    vectors = np.array(list(product(range(-2, 3), repeat=n)))
    violations = 0
    for u in vectors:
        matrices = u[None, :, None] * vectors[:, None, :]
        zero_row = (matrices == 0).all(axis=2, keepdims=True)
        zero_column = (matrices == 0).all(axis=1, keepdims=True)
        violations += int(((matrices == 0) & ~zero_row & ~zero_column).sum())
    rng = np.random.default_rng(n)
    size = 4 * n
    factors = [
        (rng.integers(-50, 51, (size, r)), rng.integers(-50, 51, (size, r)))
        for r in range(1, n + 1)
    ]
    faults = sum(rank_modulo(U @ V.T) != U.shape[1] for U, V in factors)
    return {
        "determinant_0": determinants[0],
        "determinant_1": determinants[1],
        "matrices": len(vectors) ** 2,
        "violations": violations,
        "rank_faults": faults,
    }


def no_completion(table: pd.DataFrame) -> bool:
    """The determinant is 1 whatever the open entry."""
    return bool((table[["determinant_0", "determinant_1"]] == 1).all(axis=None))


def zeros_spread(table: pd.DataFrame) -> bool:
    """Every zero of a matrix of rank one lies in a zero row or a zero column."""
    return bool((table["violations"] == 0).all())


def factors_give_rank(table: pd.DataFrame) -> bool:
    """Products of n1-by-r and r-by-n2 factors in general position have rank r."""
    return bool((table["rank_faults"] == 0).all())


PROTOCOL = Protocol(
    trial=trial,
    exact=True,
    profiles={
        "smoke": Sweep({"n": 2}),
        "quick": Sweep({"n": [2, 3]}),
        "paper": Sweep({"n": [2, 3, 4]}),
    },
)
