"""Which masks determine a matrix of given rank: counting, and the rank of a Jacobian.

Near a matrix ``U V^T`` of rank r the matrices of rank r form a smooth surface of dimension
(n1 + n2) r - r². Seeing the entries Ω maps it to a space of |Ω| numbers; where the differential of
this map is injective on the surface, the matrix is isolated among those of rank r that fit the
entries ("finitely completable"). The rank of the differential is the same at almost every matrix, so
that it belongs to the mask: it is computed here at a random point, in arithmetic modulo a prime,
which makes no rounding error and errs only by bad luck, with a probability near 1e-8.

References
----------
A. Singer and M. Cucuringu, "Uniqueness of low-rank matrix completion by rigidity theory", SIAM J.
Matrix Anal. Appl. 31 (2010).
"""

import numpy as np

#: Largest prime below 2³¹: products of two residues fit into 64 bits.
PRIME = 2**31 - 1


def degrees_of_freedom(n1: int, n2: int, rank: int) -> int:
    """Return (n1 + n2) r - r², the dimension of the n1-by-n2 matrices of rank r.

    Raises
    ------
    ValueError
        If `rank` is negative or exceeds n1 or n2.
    """
    if not 0 <= rank <= min(n1, n2):
        raise ValueError(f"rank must be from 0 to {min(n1, n2)}, got {rank}")
    return (n1 + n2) * rank - rank**2


def jacobian(left: np.ndarray, right: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Return the differential of (U, V) -> the entries of U Vᵀ on a mask.

    Parameters
    ----------
    left, right : (n1, r) and (n2, r) arrays
        The point (U, V).
    mask : (n1, n2) bool array
        Entries seen.

    Returns
    -------
    (|Ω|, (n1 + n2) r) array
        A row per seen entry in row-major order; columns as (U, V) raveled one after the other.
    """
    (n1, r), n2 = left.shape, len(right)
    rows, cols = np.nonzero(mask)
    matrix = np.zeros((len(rows), (n1 + n2) * r), dtype=left.dtype)
    entry, k = np.arange(len(rows))[:, None], np.arange(r)
    matrix[entry, rows[:, None] * r + k] = right[cols]
    matrix[entry, n1 * r + cols[:, None] * r + k] = left[rows]
    return matrix


def generic_rank(mask: np.ndarray, rank: int, seed: int = 0) -> int:
    """Return the rank of the differential at almost every matrix of rank r.

    Parameters
    ----------
    mask : (n1, n2) bool array
        Entries seen.
    rank : int
        Rank of the matrices.
    seed : int, default 0
        Of the random point.

    Returns
    -------
    int
        At most |Ω| and at most `degrees_of_freedom`.
    """
    n1, n2 = mask.shape
    degrees_of_freedom(n1, n2, rank)  # refuses an impossible rank
    rng = np.random.default_rng(seed)
    left = rng.integers(1, PRIME, size=(n1, rank))
    right = rng.integers(1, PRIME, size=(n2, rank))
    return rank_modulo(jacobian(left, right, np.asarray(mask, dtype=bool)))


def finitely_completable(mask: np.ndarray, rank: int, seed: int = 0) -> bool:
    """Tell whether a generic matrix of rank r is isolated among those that agree with it on a mask.

    It is necessary for uniqueness. For rank one it means that the bipartite graph whose edges are
    the seen entries connects all rows and columns, and is sufficient too.
    """
    n1, n2 = mask.shape
    return generic_rank(mask, rank, seed) == degrees_of_freedom(n1, n2, rank)


def rank_modulo(matrix: np.ndarray, prime: int = PRIME) -> int:
    """Return the rank of an integer matrix modulo a prime below 2³¹, by elimination."""
    work = np.array(matrix, dtype=np.int64) % prime
    rank = 0
    for column in range(work.shape[1]):
        pivots = np.flatnonzero(work[rank:, column])
        if len(pivots) == 0:
            continue
        pivot = rank + pivots[0]
        work[[rank, pivot]] = work[[pivot, rank]]
        work[rank] = work[rank] * pow(int(work[rank, column]), -1, prime) % prime
        below = work[rank + 1 :]
        below -= below[:, column, None] * work[rank] % prime
        below %= prime
        rank += 1
        if rank == len(work):
            break
    return rank
