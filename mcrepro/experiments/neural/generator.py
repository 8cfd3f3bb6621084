"""A product of two random n-by-r factors has rank r, with probability one but not always.

Where the upper left r-by-r minor of U Vᵀ, det(U_r) det(V_r), is not zero, the rank is r. It is a
polynomial in the entries, and not the zero polynomial: at the unit matrices it is one. So it
vanishes on a set of measure zero only, for every law of U and V with a density.
"""

import numpy as np
import pandas as pd

from mcrepro.experiments import Protocol, Sweep
from mcrepro.theory.identifiability import rank_modulo


def trial(_: None, *, largest: int, draws: int) -> list[dict]:
    """Check sizes up to `largest`, all ranks; a row each.

    Returns
    -------
    list of dict
        ``minor``: the minor at the unit matrices; ``excess``: products of random integer matrices
        of rank above r; ``deficient``: those of rank below r, among `draws` with entries from -99 to 99;
        ``numerical``: `draws` normal ones whose singular value r is below 1e-12 times the first, or
        r + 1 above; ``zero_column``: rank when a column of U is zero.
    """
    rows = []
    for n in range(2, largest + 1):
        for r in range(1, n + 1):
            rng = np.random.default_rng([n, r])
            U, V = rng.integers(-99, 100, (2, draws, n, r))
            ranks = np.array([rank_modulo(u @ v.T) for u, v in zip(U[:50], V[:50], strict=True)])
            normal = rng.standard_normal((2, draws, n, r))
            values = np.linalg.svd(normal[0] @ normal[1].transpose(0, 2, 1), compute_uv=False)
            relative = np.append(values / values[:, :1], np.zeros((draws, 1)), axis=1)
            wrong = (relative[:, r - 1] < 1e-12) | (relative[:, r] > 1e-12)
            U[0, :, 0] = 0
            unit = np.eye(n, r, dtype=int)
            rows.append(
                {
                    "n": n,
                    "r": r,
                    "minor": round(np.linalg.det((unit @ unit.T)[:r, :r])),
                    "excess": int((ranks > r).sum()),
                    "deficient": int((ranks < r).sum()),
                    "numerical": int(wrong.sum()),
                    "zero_column": rank_modulo(U[0] @ V[0].T),
                }
            )
    return rows


def has_rank_r(table: pd.DataFrame) -> bool:
    """The rank is never above r, and not below r outside a set of measure zero."""
    return bool((table["minor"] == 1).all() and (table["excess"] == 0).all())


def never_deficient(table: pd.DataFrame) -> bool:
    """No factors give a rank below r; a zero column does."""
    return bool((table["zero_column"] == table["r"]).all())


def makes_rank_r(table: pd.DataFrame) -> bool:
    """Normal factors gave rank r in every draw."""
    return bool((table["numerical"] == 0).all() and (table["excess"] == 0).all())


PROTOCOL = Protocol(
    trial=trial,
    exact=True,
    profiles={
        "smoke": Sweep({"largest": 4, "draws": 200}),
        "quick": Sweep({"largest": 5, "draws": 1000}),
        "paper": Sweep({"largest": 8, "draws": 10000}),
    },
)
