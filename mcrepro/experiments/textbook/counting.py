"""Degrees of freedom of the matrices of rank k, counted and measured as the rank of a Jacobian.

The differential of (U, V) -> U Vᵀ has rank (m + n) k - k²; its kernel, of dimension k², is what
changes of basis (U R, V R⁻ᵀ) move along. Both are computed modulo a prime, hence without rounding.
"""

from fractions import Fraction
from itertools import combinations_with_replacement

import numpy as np
import pandas as pd

from mcrepro.experiments import Protocol, Sweep
from mcrepro.theory.identifiability import degrees_of_freedom, generic_rank


def trial(_: None, *, largest: int) -> list[dict]:
    """Compare formula and Jacobian for all sizes up to `largest` and all ranks; a row each."""
    rows = []
    for m, n in combinations_with_replacement(range(1, largest + 1), 2):
        for k in range(1, m + 1):
            everything = np.ones((m, n), dtype=bool)
            measured = generic_rank(everything, k)
            rows.append(
                {
                    "m": m,
                    "n": n,
                    "k": k,
                    "formula": degrees_of_freedom(m, n, k),
                    "jacobian": measured,
                    "kernel": (m + n) * k - measured,
                    "basis_change": str(_basis_change(m, n, k)),
                }
            )
    return rows


def _basis_change(m: int, n: int, k: int) -> Fraction:
    """Return the largest change of U Vᵀ under (U R, V R⁻ᵀ), R unit triangular with integers."""
    rng = np.random.default_rng([m, n, k])
    U, V = rng.integers(-5, 6, (m, k)), rng.integers(-5, 6, (n, k))
    R = np.triu(rng.integers(-5, 6, (k, k)), 1) + np.eye(k, dtype=int)
    inverse = np.eye(k, dtype=int)
    power = np.eye(k, dtype=int)
    for _ in range(k - 1):  # R = I + N with N nilpotent: the inverse is a finite sum
        power = power @ (np.eye(k, dtype=int) - R)
        inverse = inverse + power
    change = (U @ R) @ (V @ inverse.T).T - U @ V.T
    return Fraction(int(np.abs(change).max()))


def formula_is_jacobian_rank(table: pd.DataFrame) -> bool:
    """(m + n) k - k² equals the rank of the Jacobian for every size and rank."""
    return bool((table["formula"] == table["jacobian"]).all())


def kernel_is_basis_changes(table: pd.DataFrame) -> bool:
    """The kernel has dimension k², and basis changes leave the product exactly as it is."""
    unchanged = [Fraction(change) == 0 for change in table["basis_change"]]
    return bool((table["kernel"] == table["k"] ** 2).all() and all(unchanged))


PROTOCOL = Protocol(
    trial=trial,
    exact=True,
    profiles={
        "smoke": Sweep({"largest": 4}),
        "quick": Sweep({"largest": 6}),
        "paper": Sweep({"largest": 8}),
    },
)
