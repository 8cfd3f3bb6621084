"""What published guarantees ask of the sampling rate, with every unknown constant set to one.

Table 1 and Section 1.1 of "Using Noise to Help Reach Global Minima" (key ``noise``), for an n x n
matrix of rank r, incoherence mu (its mu_0, Definition 1.2) and condition number kappa. The
guarantees hold "up to a constant" that is not given: with the constant one, a value above 1 says
that the condition asks for more than all entries.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from mcrepro._checks import integer, one_of, real

TABLE: dict[str, Callable[[float, float, float, float], float]] = {
    "semidefinite": lambda n, r, mu, _: mu * r * math.log(mu * r) * math.log(n) / n,
    "factored": lambda n, r, mu, kappa: mu * r * max(math.log(n), mu * r * kappa**2) / n,
    "lasso": lambda n, _r, mu, _: mu**2 * math.log(n) ** 3 / n,
    "spectral": lambda n, r, mu, kappa: kappa**2 * mu * r * math.log(n) / n,
    "candes-recht": lambda n, r, mu, _: mu * r * math.log(n) / n**0.8,
}
"""The rows of Table 1 as (n, r, mu, kappa) -> p; the last is mu n^1.2 r log n entries of n^2."""


def required_rate(approach: str, n: int, rank: int, mu: float = 1.0, kappa: float = 1.0) -> float:
    """Sampling rate p that a guarantee asks for, constant one.

    "semidefinite" gives 0 at ``mu rank = 1``, where the printed logarithm vanishes.

    Parameters
    ----------
    approach : {"semidefinite", "factored", "lasso", "spectral", "candes-recht"}
    n : int
        Size, at least 2.
    rank : int
        Between 1 and n.
    mu : float, default 1
        Incoherence, in [1, n/rank].
    kappa : float, default 1
        Ratio of the largest to the smallest nonzero singular value, at least 1.
    """
    formula = TABLE[one_of("approach", approach, TABLE)]
    n = integer("n", n, 2)
    rank = integer("rank", rank, 1, n)
    return formula(n, rank, real("mu", mu, 1, n / rank), real("kappa", kappa, 1))


def counting_rate(n: int, rank: int) -> float:
    """Unknowns over entries, ``(2 n r - r^2)/n^2``: below it no method completes every matrix.

    Parameters
    ----------
    n : int
    rank : int
        Between 1 and n.
    """
    n = integer("n", n, 1)
    rank = integer("rank", rank, 1, n)
    return (2 * n * rank - rank**2) / n**2


def incoherence(M, rank: int | None = None) -> float:
    """mu_0 of Definition 1.2: the largest ``(n/r) ||e_i^T U||^2``, over left and right vectors.

    Between 1 and n/r for each side. Exact zeros of the spectrum are told from rounding at 1e-10
    of the largest singular value.

    Parameters
    ----------
    M : array_like, shape (n1, n2)
    rank : int, optional
        Number of singular vectors to keep; default: the numerical rank.
    """
    U, s, Vt = np.linalg.svd(np.asarray(M, dtype=float), full_matrices=False)
    found = int(np.sum(s > 1e-10 * s[0]))
    if found == 0:
        raise ValueError("M must not be zero")
    r = found if rank is None else integer("rank", rank, 1, found)
    left, right = np.sum(U[:, :r] ** 2, axis=1), np.sum(Vt[:r] ** 2, axis=0)
    return float(max(len(left) * left.max(), len(right) * right.max()) / r)


def search_rank(delta: float, rank: int = 1) -> float:
    """``r [(1 + delta)/(1 - delta) - 1]^2 / 4``: search ranks above it have no spurious solutions.

    Zhang (2022), as quoted in Section 1.1, for operators with the RIP constant `delta` and exact
    data. The ε-MC operator has ``(1 + delta)/(1 - delta) = 1/eps^2``.

    Parameters
    ----------
    delta : float
        In [0, 1).
    rank : int, default 1
        Rank r of the truth.
    """
    delta = real("delta", delta, 0, 1)
    if delta == 1:
        raise ValueError("delta must be below 1, got 1")
    return integer("rank", rank, 1) * ((1 + delta) / (1 - delta) - 1) ** 2 / 4


COLUMN_FORMULAS: dict[str, Callable[[float, float, Callable[[float], float]], float]] = {
    "12 log(d/q)": lambda d, q, log: 12 * log(d / q),
    "12 (log(d/q) + 1)": lambda d, q, log: 12 * (log(d / q) + 1),
    "9 log(d/q) + 12": lambda d, q, log: 9 * log(d / q) + 12,
}
"""Forms in which the condition of Pimentel-Alarcón, Boston and Nowak is quoted; q: failure."""


def column_entries(form: str, d: int, failure: float, base: float = math.e) -> float:
    """Entries a column that one quoted form of that condition asks for, before rounding up.

    Parameters
    ----------
    form : str
        One of `COLUMN_FORMULAS`.
    d : int
        Rows, at least 1.
    failure : float
        Allowed probability of failure, in (0, 1].
    base : float, default e
        Of the logarithm. Only 10 leads to the 29 printed in Section 2.
    """
    formula = COLUMN_FORMULAS[one_of("form", form, COLUMN_FORMULAS)]
    d, failure = integer("d", d, 1), real("failure", failure, 0, 1, open_low=True)
    scale = math.log(real("base", base, 1, open_low=True))
    return formula(d, failure, lambda x: math.log(x) / scale)
