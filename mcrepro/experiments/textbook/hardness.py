"""The reduction behind "rank minimization is NP-hard": sparse vectors as diagonal matrices.

Minimizing the rank of diag(x) subject to A x = b is finding the sparsest solution of A x = b, since
the rank of a diagonal matrix is the number of its nonzero entries. Small systems over the integers
modulo a prime are solved by brute force over supports, once as vectors and once as matrices. The
constraints of the reduction are the rows of A; those of completion each fix a single entry.
"""

from itertools import combinations

import numpy as np
import pandas as pd

from mcrepro.experiments import Protocol, Sweep
from mcrepro.theory.identifiability import rank_modulo


def trial(_: None, *, n: int, system: int) -> dict:
    """Solve one random integer system with n unknowns and n // 2 equations both ways.

    Returns
    -------
    dict
        ``sparsest``: fewest nonzeros of a solution; ``least_rank``: least rank of diag(x) over the
        solutions found; ``entries_per_constraint``: fewest entries that a constraint involves.
    """
    rng = np.random.default_rng([n, system])
    A = rng.integers(-9, 10, size=(n // 2, n))
    A[A == 0] = 1
    planted = np.zeros(n, dtype=int)
    planted[rng.choice(n, size=max(1, n // 4), replace=False)] = rng.integers(1, 9)
    b = A @ planted
    sparsest = next(k for k in range(n + 1) if any(_supports(A, b, n, k)))
    # Each support that admits a solution gives a diagonal matrix whose rank is read off it.
    ranks = [
        rank_modulo(np.diag([1 if i in support else 0 for i in range(n)]))
        for support in combinations(range(n), sparsest)
        if _solvable(A, b, support)
    ]
    return {
        "sparsest": sparsest,
        "least_rank": min(ranks),
        "entries_per_constraint": int((A != 0).sum(axis=1).min()),
    }


def _supports(A, b, n, k):
    return (_solvable(A, b, support) for support in combinations(range(n), k))


def _solvable(A: np.ndarray, b: np.ndarray, support: tuple[int, ...]) -> bool:
    columns = A[:, list(support)]
    return rank_modulo(np.column_stack([columns, b])) == rank_modulo(columns)


def rank_is_sparsity(table: pd.DataFrame) -> bool:
    """Minimum-rank diagonal matrix and sparsest vector are one problem."""
    return bool((table["sparsest"] == table["least_rank"]).all())


def reduction_fixes_entries(table: pd.DataFrame) -> bool:
    """The constraints of the reduction are entry constraints, as those of completion are."""
    return bool((table["entries_per_constraint"] == 1).all())


PROTOCOL = Protocol(
    trial=trial,
    exact=True,
    profiles={
        "smoke": Sweep({"n": 4, "system": 0}),
        "quick": Sweep({"n": [4, 6], "system": [0, 1]}),
        "paper": Sweep({"n": [4, 6, 8], "system": [0, 1, 2]}),
    },
)
