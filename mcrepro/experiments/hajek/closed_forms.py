"""What the theorem's bound and the two incoherences are at given sizes; nothing is drawn.

The factors are columns of a Hadamard matrix: orthonormal, with rows of equal length, the most
incoherent there are. Everything about them is a fraction.
"""

from fractions import Fraction

import numpy as np
import pandas as pd
from scipy.linalg import hadamard

from mcrepro.experiments import Protocol, Sweep
from mcrepro.experiments.statistics import Estimate, exact
from mcrepro.theory import recovery as law


def trial(_: None, *, n: int, d: int, rank: int, C: float) -> dict:
    """Evaluate at one size.

    Returns
    -------
    dict
        ``normalized``, ``plain``: the source's two formulas for μ(U), as fractions in text, for the
        first `rank` columns of a Hadamard matrix with 64 rows; ``norm``: ‖T‖_F = r^{-1/2} of the
        mixture; ``guaranteed``: smallest ε that the theorem with constant 1 grants;
        ``rows_asked``: rows that it asks for ε = ‖T‖_F/10; ``supply``: κ; ``lawful``: the typical
        error of the first-order law, relative.
    """
    columns = hadamard(64)[:, :rank].tolist()
    squares = [sum(Fraction(x * x, 64) for x in row) for row in columns]
    normalized = Fraction(64, rank) * max(squares) / sum(squares)
    norm = rank**-0.5
    return {
        "normalized": str(normalized),
        "plain": str(Fraction(64, rank) * max(squares)),
        "norm": norm,
        "guaranteed": law.theorem_error(n, d, rank, C),
        "rows_asked": law.theorem_rows(d, rank, norm / 10, C),
        "supply": law.supply(n, d, rank, C),
        "lawful": law.typical_error(n, d, rank, C),
    }


def _at(table: pd.DataFrame, rank: int) -> pd.Series:
    return table[(table["n"] == 10_000) & (table["rank"] == rank)].iloc[0]


def incoherence_normalized(table: pd.DataFrame) -> Estimate:
    """μ of equal rows by the formula with ‖U‖_F² below, r = 4."""
    return exact(float(Fraction(_at(table, 4)["normalized"])))


def incoherence_plain(table: pd.DataFrame) -> Estimate:
    """μ of equal rows by the formula without it, r = 4."""
    return exact(float(Fraction(_at(table, 4)["plain"])))


def guarantee_over_norm(table: pd.DataFrame) -> Estimate:
    """Smallest ε that the theorem grants over ‖T‖_F, n = 10⁴, d = 10³, r = 10, C = 2."""
    row = _at(table, 10)
    return exact(row["guaranteed"] / row["norm"])


def exponents(table: pd.DataFrame) -> np.ndarray:
    """Rows asked by the theorem over rows of the law, for a relative error of a tenth, by rank."""
    part = table[table["n"] == 10_000].set_index("rank")
    return (part["rows_asked"] / (part["n"] * (part["lawful"] / 0.1) ** 2)).to_numpy()


_SIZES = Sweep({"n": [10_000, 1_000_000], "d": 1000, "rank": [2, 4, 10, 32], "C": 2.0})

PROTOCOL = Protocol(
    trial=trial, exact=True, profiles={"smoke": _SIZES, "quick": _SIZES, "paper": _SIZES}
)
