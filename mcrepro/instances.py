"""Problems of the papers, random or structured, each with the place that defines it.

Random ones take a `seed`: an integer, a ``numpy.random.SeedSequence`` or a
``numpy.random.Generator``.
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from mcrepro._checks import generator, integer, real, reals
from mcrepro.problem import Problem


def structured(n: int, even_value: float = 0.0) -> Problem:
    """The deterministic instance of the ε-MC paper, eq. (20).

    Observed are the diagonal and all entries (i, 2k) and (2k, i), i = 1..n, k = 1..floor(n/2),
    counted from one. The truth is ``z z^T`` with z = 1 at odd and `even_value` at even indices.
    With `even_value` 0 every sign pattern on the ``ceil(n/2)`` ones fits all observed entries, so
    that the truth is one of ``2^(ceil(n/2) - 1)`` exact completions of rank one.

    Parameters
    ----------
    n : int
        Size, at least 1.
    even_value : float, default 0.0
        The paper prints the mask only; its code has 0.

    Returns
    -------
    Problem
        Symmetric, shape (n, n), with ``n^2 - m (m - 1)`` entries, ``m = ceil(n/2)``.
    """
    n = integer("n", n, 1)
    even = np.arange(1, n + 1) % 2 == 0
    z = np.where(even, real("even_value", even_value), 1.0)
    mask = np.eye(n, dtype=bool) | even[:, None] | even[None, :]
    return Problem.from_dense(np.outer(z, z), mask, symmetric=True)


def bernoulli(n: int, p: float, rank: int = 1, seed=0) -> Problem:
    """Independent observations of a symmetric positive semidefinite matrix.

    The independent model of the ε-MC paper (Theorem 2.2, Section 5): each of the n^2 entries is
    observed with probability `p` by itself, so that the mask is not symmetric. The paper leaves the
    law of the truth open; here it is ``Z Z^T`` with standard normal ``Z``, shape (n, rank).

    Parameters
    ----------
    n : int
        Size, at least 1.
    p : float
        Probability in (0, 1].
    rank : int, default 1
        Between 1 and n.
    seed : int, SeedSequence or Generator, default 0

    Raises
    ------
    ValueError
        A parameter out of range, or no entry observed.
    """
    n = integer("n", n, 1)
    p = real("p", p, 0, 1, open_low=True)
    rank = integer("rank", rank, 1, n)
    rng = generator(seed)
    Z = rng.standard_normal((n, rank))
    mask = rng.random((n, n)) < p
    if not mask.any():
        raise ValueError(f"no entry was observed for n={n}, p={p}; take a larger p or another seed")
    M = Z @ Z.T
    return Problem.from_dense((M + M.T) / 2, mask, symmetric=True)


def oversampled(
    n1: int, n2: int, rank: int, ratio: float, condition: float = 10.0, seed=0
) -> Problem:
    """Uniform observations at a given multiple of the degrees of freedom.

    The experiments of GNMR (Zilber and Nadler, "GNMR: a provable one-line algorithm for low rank
    matrix recovery", 2022): the truth is ``U diag(s) V^T`` with uniformly random orthonormal U, V
    and singular values s equally spaced from 1 to `condition`. ``round(ratio * rank (n1 + n2 -
    rank))`` entries are observed, uniformly among the sets with at least `rank` entries in every
    row and every column. A uniform set that is not such is mended, and then mixed, by exchanges of
    an observed entry for any other. That walk is symmetric, so its limit is the uniform law; it
    takes 30 exchanges for each entry. (Redrawing whole sets finds none in thousands of draws at a
    ratio of 1.1.) Only far below a ratio of one, with hardly an entry to spare, the walk may be
    stuck and the law another.

    Parameters
    ----------
    n1, n2 : int
        Size of the matrix.
    rank : int
        Between 1 and min(n1, n2).
    ratio : float
        Oversampling ratio, positive; below 1 recovery is hopeless.
    condition : float, default 10.0
        Largest singular value, at least 1; with rank 1 it is not used.
    seed : int, SeedSequence or Generator, default 0

    Raises
    ------
    ValueError
        A parameter out of range; more entries asked than there are; too few for every row and
        column, or no such set found.
    """
    n1, n2 = integer("n1", n1, 1), integer("n2", n2, 1)
    rank = integer("rank", rank, 1, min(n1, n2))
    ratio = real("ratio", ratio, 0, open_low=True)
    condition = real("condition", condition, 1)
    rng = generator(seed)
    m = round(ratio * rank * (n1 + n2 - rank))
    if m > n1 * n2:
        raise ValueError(
            f"ratio={ratio} asks for {m} entries of a {n1} x {n2} matrix, which has {n1 * n2}; "
            f"at rank {rank} the ratio can be at most {n1 * n2 / (rank * (n1 + n2 - rank)):.4g}"
        )
    if m < rank * max(n1, n2):
        raise ValueError(
            f"ratio={ratio} gives {m} entries, but {rank} in every row and column need at least "
            f"{rank * max(n1, n2)}"
        )
    U, V = _haar(rng, n1, rank), _haar(rng, n2, rank)
    M = (U * np.linspace(1.0, condition, rank)) @ V.T
    flat = rng.choice(n1 * n2, size=m, replace=False, shuffle=False)
    per_row, per_col = np.bincount(flat // n2, minlength=n1), np.bincount(flat % n2, minlength=n2)
    if min(per_row.min(), per_col.min()) < rank:
        # Compiled, so not loaded before it is needed.
        from mcrepro._exchange import mend

        flat = mend(flat, n1, n2, rank, rng)
    if flat is None:
        raise ValueError(
            f"found no set of {m} entries with {rank} in every row and column of a {n1} x {n2} "
            f"matrix; take a larger ratio than {ratio}"
        )
    rows, cols = np.divmod(flat, n2)
    return Problem(rows, cols, M[rows, cols], (n1, n2), truth=M)


def mixture_rows(n: int, d: int, rank: int, seed=0) -> np.ndarray:
    """A matrix whose rows are drawn uniformly from few factors (one-sided paper, Section 3).

    The "common means" model of its theorem. The factors are `rank` orthonormal vectors of R^d,
    uniformly random, hence incoherent up to logarithms: T has trace 1.

    Parameters
    ----------
    n, d : int
        Rows and columns.
    rank : int
        Number of factors, between 1 and d.
    seed : int, SeedSequence or Generator, default 0

    Returns
    -------
    ndarray, shape (n, d)
        The whole matrix; `sample_rows` observes it.
    """
    n, d = integer("n", n, 1), integer("d", d, 1)
    rank = integer("rank", rank, 1, d)
    rng = generator(seed)
    factors = _haar(rng, d, rank).T
    return factors[rng.integers(rank, size=n)]


def gaussian_rows(
    n: int, d: int, rank: int, seed=0, mean: float | None = None, std: float | None = None
) -> np.ndarray:
    """An independent Gaussian matrix, truncated to its best approximation of the given rank.

    First experiment of the one-sided paper, which writes the law as "N(1/√d, 1/d)": read with 1/d
    as the variance, std = 1/√d (the default here); read with 1/d as the standard deviation, pass
    ``std=1/d``. The paper's code has ``mean=2/√d, std=1/d``. In the second and third reading the
    result is numerically of rank one.

    Parameters
    ----------
    n, d : int
        Rows and columns.
    rank : int
        Between 1 and min(n, d).
    seed : int, SeedSequence or Generator, default 0
    mean : float, optional
        Mean of the entries before truncation; default 1/√d.
    std : float, optional
        Their standard deviation, at least 0; default 1/√d.

    Returns
    -------
    ndarray, shape (n, d)
        The whole matrix; `sample_rows` observes it.
    """
    n, d = integer("n", n, 1), integer("d", d, 1)
    rank = integer("rank", rank, 1, min(n, d))
    mean = 1 / np.sqrt(d) if mean is None else real("mean", mean)
    std = 1 / np.sqrt(d) if std is None else real("std", std, 0)
    M = mean + std * generator(seed).standard_normal((n, d))
    # The projection onto the top right singular vectors is the truncated SVD, and only a Gram
    # matrix of the shorter side is needed for it.
    if n >= d:
        _, V = np.linalg.eigh(M.T @ M)
        V = V[:, -rank:]
        return (M @ V) @ V.T
    _, U = np.linalg.eigh(M @ M.T)
    U = U[:, -rank:]
    return U @ (U.T @ M)


def sample_rows(M, p: float, seed=0) -> sp.csr_array:
    """Observe each entry of a matrix independently with the same probability.

    Parameters
    ----------
    M : array_like of real, shape (n, d)
    p : float
        Probability in (0, 1].
    seed : int, SeedSequence or Generator, default 0

    Returns
    -------
    csr_array, shape (n, d)
        Stored entries are the observed ones, zeros of M included.
    """
    M = reals("M", M)
    if M.ndim != 2:
        raise ValueError(f"M must be a matrix, got an array of shape {M.shape}")
    p = real("p", p, 0, 1, open_low=True)
    rows, cols = np.nonzero(generator(seed).random(M.shape) < p)
    indptr = np.searchsorted(rows, np.arange(len(M) + 1))
    return sp.csr_array((M[rows, cols].astype(np.float64), cols, indptr), shape=M.shape)


def _haar(rng: np.random.Generator, n: int, r: int) -> np.ndarray:
    """n x r matrix with orthonormal columns, uniformly distributed."""
    Q, R = np.linalg.qr(rng.standard_normal((n, r)))
    # Without the signs of R the law depends on the QR routine's convention.
    return Q * np.where(np.diagonal(R) < 0, -1.0, 1.0)
