"""Completion by vanishing minors: exact where it reaches, and without iteration.

In a matrix of rank r every minor of order r + 1 is zero. If all of its entries but M_ij are known,
and the minor R x C that is left after row i and column j are struck out is not zero, then

    M_ij = M_{i,C} (M_{R,C})⁻¹ M_{R,j},

the rule of three of rank one, M_ij = M_iq M_pj / M_pq. What was found helps to find more. Where the
rule gets to all entries the completion is unique, for all matrices for which the minors used are
not zero. It need not get to all entries that are determined (rigidity may come from longer cycles).

References
----------
F. Király, L. Theran and R. Tomioka, "The algebraic combinatorial approach for low-rank matrix
completion", J. Mach. Learn. Res. 16 (2015).
"""

from itertools import combinations

import numpy as np


def steps(mask: np.ndarray, rank: int) -> list[tuple[int, int, list]]:
    """Say in which order the unseen entries can be found, and from which minors.

    Parameters
    ----------
    mask : (n1, n2) bool array
        Entries seen.
    rank : int
        Rank of the matrices, at least 1.

    Returns
    -------
    list of (i, j, blocks)
        Unseen entries, each with all pairs (R, C) of r rows and r columns that give it from what
        is known by then. Entries that the rule does not reach are missing.
    """
    if rank < 1:
        raise ValueError(f"rank must be at least 1, got {rank}")
    known = np.array(mask, dtype=bool)
    plan: list[tuple[int, int, list]] = []
    while True:
        found = [
            (int(i), int(j), blocks)
            for i, j in zip(*np.nonzero(~known), strict=True)
            if (blocks := _blocks(known, int(i), int(j), rank))
        ]
        if not found:
            return plan
        plan += found
        for i, j, _ in found:
            known[i, j] = True


def fill(matrices: np.ndarray, mask: np.ndarray, rank: int) -> np.ndarray:
    """Fill the unseen entries of matrices of rank r by the rule, from the largest minor at each.

    Parameters
    ----------
    matrices : (..., n1, n2) array
        Unseen entries are not read.
    mask : (n1, n2) bool array
        Entries seen, the same for all matrices.
    rank : int

    Returns
    -------
    (..., n1, n2) array
        With NaN where the rule does not reach, or all its minors are zero.
    """
    filled = np.where(mask, matrices, np.nan).astype(float)
    for i, j, blocks in steps(mask, rank):
        entry = np.full(filled.shape[:-2], np.nan)
        largest = np.zeros(filled.shape[:-2])
        for R, C in blocks:
            corner = filled[..., R, :][..., C]
            size = np.abs(np.linalg.det(corner))
            better = size > largest
            if not better.any():
                continue
            right = filled[..., R, j][better][..., None]
            solved = np.linalg.solve(corner[better], right)[..., 0]
            entry[better] = np.sum(filled[..., i, C][better] * solved, axis=-1)
            largest[better] = size[better]
        filled[..., i, j] = entry
    return filled


def _blocks(known, i, j, rank):
    """Return the (R, C) with M_{R,C}, M_{i,C} and M_{R,j} known."""
    rows, cols = np.flatnonzero(known[:, j]), np.flatnonzero(known[i])
    return [
        (list(map(int, R)), list(map(int, C)))
        for R in combinations(rows, rank)
        for C in combinations(cols, rank)
        if known[np.ix_(R, C)].all()
    ]
