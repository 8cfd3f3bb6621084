"""Every mask of a small matrix: how many entries, and do they determine a matrix of rank k?

For rank one the answer can be had twice: from the rank of the Jacobian, and from the bipartite graph
whose edges are the seen entries, which has to connect all rows and columns.
"""

from fractions import Fraction
from itertools import product

import numpy as np
import pandas as pd

from mcrepro.experiments import Protocol, Sweep
from mcrepro.theory.identifiability import degrees_of_freedom, generic_rank


def trial(_: None, *, n: int, rank: int) -> list[dict]:
    """Go through all 2^(n²) masks of an n-by-n matrix; a row for each number of seen entries.

    Returns
    -------
    list of dict
        ``seen``, ``masks`` of that many entries, how many of them are ``finite`` (finitely
        completable), in how many the Jacobian has rank ``full`` = |Ω|, ``connected`` graphs, and
        ``dof``.
    """
    counts = {seen: [0, 0, 0] for seen in range(n * n + 1)}
    dof = degrees_of_freedom(n, n, rank)
    for bits in product((False, True), repeat=n * n):
        mask = np.array(bits).reshape(n, n)
        seen = int(mask.sum())
        found = counts[seen]
        found[0] += 1
        # Fewer entries than unknowns: the Jacobian has too few rows for the rank.
        found[1] += seen >= dof and generic_rank(mask, rank) == dof
        found[2] += connects(mask)
    return [
        {"seen": seen, "masks": masks, "finite": finite, "connected": connected, "dof": dof}
        for seen, (masks, finite, connected) in counts.items()
    ]


def connects(mask: np.ndarray) -> bool:
    """Tell whether the bipartite graph of a mask connects all rows and columns."""
    reached = mask[:, 0]
    for _ in range(2 * len(mask)):
        columns = mask[reached].any(axis=0)
        reached = reached | mask[:, columns].any(axis=1)
    return bool(reached.all() and mask[reached].any(axis=0).all())


def family_member(t: Fraction) -> list[list[Fraction]]:
    """Return a 3-by-3 matrix of rank one with M_11 = 2 and M_22 = 3, another one for each t ≠ 0."""
    u, v = (Fraction(1), t, t), (Fraction(2), 3 / t, Fraction(1))
    return [[a * b for b in v] for a in u]


def count_is_necessary(table: pd.DataFrame) -> bool:
    """No mask of fewer entries than degrees of freedom is finitely completable."""
    few = table[table["seen"] < table["dof"]]
    return bool(len(few) and (few["finite"] == 0).all())


def count_is_sufficient(table: pd.DataFrame) -> bool:
    """Every mask of at least as many entries as degrees of freedom is finitely completable."""
    enough = table[table["seen"] >= table["dof"]]
    return bool((enough["finite"] == enough["masks"]).all())


def graph_agrees(table: pd.DataFrame) -> bool:
    """For rank one, finitely completable means connected."""
    one = table[table["rank"] == 1]
    return bool(len(one) and (one["finite"] == one["connected"]).all())


def family_is_infinite(table: pd.DataFrame) -> bool:  # noqa: ARG001 - it needs no masks
    """M_11 = 2, M_22 = 3: a hundred different completions of rank one, exactly."""
    found = [family_member(Fraction(k)) for k in range(1, 101)]
    fit = all(M[0][0] == 2 and M[1][1] == 3 for M in found)
    minors = all(
        M[i][k] * M[j][l] == M[i][l] * M[j][k]
        for M in found
        for i, j in ((0, 1), (0, 2), (1, 2))
        for k, l in ((0, 1), (0, 2), (1, 2))
    )
    return fit and minors and len({str(M) for M in found}) == 100


def zeros_need_their_count(table: pd.DataFrame) -> bool:  # noqa: ARG001 - it needs no masks
    """Also where all that is seen is one zero, there is more than one matrix of least rank."""
    # All 3-by-3 matrices with entries -1, 0, 1 and M_11 = 0; the least rank is 0, of the zero matrix.
    corner = [(0, *rest) for rest in product((-1, 0, 1), repeat=8)]
    of_rank_zero = [entries for entries in corner if not any(entries)]
    return len(of_rank_zero) > 1


PROTOCOL = Protocol(
    trial=trial,
    exact=True,
    profiles={
        "smoke": Sweep({"n": 3, "rank": 1}),
        "quick": Sweep({"n": 3, "rank": [1, 2]}),
        "paper": Sweep({"n": 3, "rank": [1, 2]}),
    },
)
