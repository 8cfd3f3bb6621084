"""Nonnegative factorizations of two small matrices, in fractions.

    M = (1 1 2; 1 2 1)   has many of rank two,   N = (1 0 1; 0 1 1)   has one.

For N: the columns of W span a cone within the nonnegative quadrant that contains the columns e_1 and e_2
of N. The only such cone is the quadrant, so that W is the identity up to order and scale.
"""

from fractions import Fraction

import numpy as np
import pandas as pd

import mcrepro as mc
from mcrepro.experiments import Protocol, Sweep

M = np.array([[1, 1, 2], [1, 2, 1]])
N = np.array([[1, 0, 1], [0, 1, 1]])


def trial(_: None, *, a: str) -> dict:
    """Factor M with W = (1 a; a 1), and N numerically from the start with seed ``hash`` of a.

    Returns
    -------
    dict
        ``fits``: whether W H = M exactly; ``least``: least entry of H, a fraction in text; ``related``:
        whether W is the identity up to order and scale of its columns; ``separable``: whether the
        columns of M contain those of W = (2 1; 1 2); ``n_gap``: how far the columns of W that the
        method nmf finds for N are from multiples of e_1 and e_2; ``gauge``: change of U Vᵀ under an
        integer change of basis.
    """
    share = Fraction(a)
    W = np.array([[1, share], [share, 1]], dtype=object)
    determinant = 1 - share**2
    inverse = np.array([[1, -share], [-share, 1]], dtype=object) / determinant
    H = inverse @ M.astype(object)
    columns = {tuple(column) for column in M.T.tolist()}
    problem = mc.Problem.from_dense(N.astype(float), np.ones(N.shape, bool))
    seed = int(share * 100)
    found = mc.complete(problem, "nmf", rank=2, seed=seed, max_iter=5000, gtol=1e-9)
    left = found.left / found.left.max(axis=0)
    R, Rinv = np.array([[1, 3], [0, 1]]), np.array([[1, -3], [0, 1]])
    return {
        "fits": bool((W @ H == M).all()),
        "least": str(min(H.ravel())),
        "related": share == 0,
        "separable": {(2, 1), (1, 2)} <= columns,
        "n_gap": float(np.sort(left, axis=0)[0].max()),
        "gauge": int(np.abs((M.T @ R) @ (Rinv @ M) - M.T @ M).max()),
    }


def several_factorizations(table: pd.DataFrame) -> bool:
    """M has exact nonnegative factorizations that differ by more than order and scale."""
    exact = table["fits"].all() and all(Fraction(least) >= 0 for least in table["least"])
    return bool(exact and (~table["related"]).sum() >= 2)


def separable_is_unique(table: pd.DataFrame) -> bool:
    """A separable matrix has one nonnegative factorization up to order and scale."""
    return not bool(table["separable"].all() and several_factorizations(table))


def separable_is_unique_among_separable(table: pd.DataFrame) -> bool:  # noqa: ARG001
    """Of all pairs of columns of M, one alone gives a nonnegative H."""
    good = 0
    for i, j in ((0, 1), (0, 2), (1, 2)):
        (a, c), (b, d) = M[:, i].tolist(), M[:, j].tolist()
        determinant = Fraction(a * d - b * c)
        inverse = np.array([[d, -b], [-c, a]], dtype=object) / determinant
        good += all(h >= 0 for h in (inverse @ M.astype(object)).ravel())
    return good == 1


def may_be_unique(table: pd.DataFrame) -> bool:
    """N has one, and the method nmf finds it from every start."""
    return bool((table["n_gap"] < 1e-3).all())


def never_unique_without_signs(table: pd.DataFrame) -> bool:
    """Without nonnegativity every invertible change of basis gives another factorization."""
    return bool((table["gauge"] == 0).all())


PROTOCOL = Protocol(
    trial=trial,
    exact=True,
    profiles=dict.fromkeys(("smoke", "quick", "paper"), Sweep({"a": ["0", "1/5", "1/3", "1/2"]})),
)
