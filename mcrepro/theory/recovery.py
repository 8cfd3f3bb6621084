r"""How well T is recovered from a sparse Hájek estimate: the theorem's bound and a first-order law.

The n rows of M are combinations of the r columns of U (the factors, orthonormal), each entry is
observed with probability ``p = C/d``, and ``T = U G U^T`` with ``G`` the second moment of the
combinations. The source ("One-sided matrix completion from ultra-sparse samples",
arXiv:2601.12213, Mechanism 3) proves that every local minimum X of its regularized loss has
``||X X^T - T||_F <= epsilon`` with high probability, if

    n >= O(d r^5 log(d) / (epsilon^2 C^2)).

The *law* below is ours. Take the weights N_ij, the default of `mcrepro.recover_second_moment`. Near
T = X X^T the fit solves a linear least-squares problem, and its normal equations nearly fall apart
into one for each row of X, for what couples two rows is smaller by h = r/d. With
``B_k`` the mask of row k of M, the noise of the gradient of row i is a sum over the rows of M,

    g_i = 2 sum_k B_ki [ sum_{j != i} B_kj (M_ki M_kj - T_ij) x_j + q (M_ki^2 - T_ii) x_i ],

the curvature is ``H_i = 2 n [p^2 sum_{j != i} x_j x_j^T + 2 q p x_i x_i^T]``, with q the weight of the
diagonal, and

    E ||X' X'^T - T||_F^2  ~  2 sum_i tr(H_i^-1 Var(g_i) H_i^-1 X^T X).

All of this is a finite sum (`expected_error`). With the diagonal left out, q = 0, and for uniformly
random factors (``E U_ik^4 = 3/d^2``) it has the closed form of `typical_error`: a term with
``C^-2``, from the pairs, and one with ``C^-1``, from pairs that one row contributes together.
"""

from __future__ import annotations

import numpy as np

from mcrepro._checks import integer, one_of, real

MODELS = ("mixture", "combination")


def theorem_rows(d: int, rank: int, epsilon: float, C: float = 2.0, constant: float = 1.0) -> float:
    """Rows that the source's theorem asks for: ``constant d r^5 log(d) / (epsilon^2 C^2)``.

    Parameters
    ----------
    d, rank : int
        Columns, at least 2, and number of factors r.
    epsilon : float
        Wanted ``||X X^T - T||_F``, positive, in units in which the rows have length about 1.
    C : float, default 2.0
        Expected number of observed entries of a row.
    constant : float, default 1.0
        The factor in O(.), which is not printed.
    """
    d, rank = integer("d", d, 2), integer("rank", rank, 1)
    epsilon, C = real("epsilon", epsilon, 0, open_low=True), real("C", C, 0, open_low=True)
    constant = real("constant", constant, 0, open_low=True)
    return constant * d * rank**5 * np.log(d) / (epsilon * C) ** 2


def theorem_error(n: int, d: int, rank: int, C: float = 2.0, constant: float = 1.0) -> float:
    """Smallest epsilon that `theorem_rows` grants with n rows.

    Parameters
    ----------
    n : int
        Rows, at least 1.
    d, rank, C, constant
        As for `theorem_rows`.
    """
    n = integer("n", n, 1)
    return float(np.sqrt(theorem_rows(d, rank, 1.0, C, constant) / n))


def supply(n: int, d: int, rank: int, C: float) -> float:
    """``n C^2 / (2 d r^2)``: pairs in the data over those that a relative error of 1 takes.

    n rows with C entries each show about n C^2 / 2 pairs; T has about d r unknowns, and the noise
    of one pair is sqrt(r) times as large as the entry of T. The relative error of a good fit is
    about ``supply**-0.5``.

    Parameters
    ----------
    n, d, rank : int
        Rows, columns, number of factors.
    C : float
        Expected number of observed entries of a row.
    """
    n, d, rank = integer("n", n, 1), integer("d", d, 1), integer("rank", rank, 1)
    return n * real("C", C, 0, open_low=True) ** 2 / (2 * d * rank**2)


def supply_rows(supply: float, d: int, rank: int, C: float) -> int:
    """Rows with the given `supply`, at least 1, to the nearest whole number.

    Parameters
    ----------
    supply : float
        Positive.
    d, rank, C
        As for the function `supply`.
    """
    supply, C = real("supply", supply, 0, open_low=True), real("C", C, 0, open_low=True)
    d, rank = integer("d", d, 1), integer("rank", rank, 1)
    return max(1, round(supply * 2 * d * rank**2 / C**2))


def typical_error(n: int, d: int, rank: int, C: float, model: str = "mixture") -> float:
    """First-order law of ``||X X^T - T||_F / ||T||_F`` for random factors, diagonal left out.

    ``sqrt(2 d (r - 1)(r + 2 + C) / (n C^2))`` for a mixture, in which every row is one of the r
    factors, and r + 1 in place of r - 1 for independent normal combinations of them. The absolute
    error is this over sqrt(r): for C below r, the rows needed grow as r for a given absolute error, and
    as r^2 for a given relative one. Fitting the diagonal too lowers it by a tenth or so.

    Parameters
    ----------
    n, d, rank : int
        Rows, columns, number of factors.
    C : float
        Expected number of observed entries of a row.
    model : {"mixture", "combination"}
    """
    sign = {"mixture": -1, "combination": 1}[one_of("model", model, MODELS)]
    n, d, rank = integer("n", n, 1), integer("d", d, 1), integer("rank", rank, 1)
    C = real("C", C, 0, open_low=True)
    return float(np.sqrt(2 * d * (rank + sign) * (rank + 2 + C) / (n * C**2)))


def expected_error(factors, weights, n: int, p: float, diagonal: float = 1.0) -> float:
    """First-order law of ``||X X^T - T||_F / ||T||_F`` for given factors.

    Parameters
    ----------
    factors : array_like, shape (d, r)
        U; the rows of M are ``U w``.
    weights : array_like, shape (m, r)
        Equally likely values of w, which span r dimensions: the identity for the mixture.
    n : int
        Rows.
    p : float
        Probability in (0, 1] of each entry.
    diagonal : float, default 1.0
        q, the weight of the diagonal, at least 0.
    """
    n, p = integer("n", n, 1), real("p", p, 0, 1, open_low=True)
    q = real("diagonal", diagonal, 0)
    U, W = (np.asarray(array, dtype=np.float64) for array in (factors, weights))
    if U.ndim != 2 or W.ndim != 2 or U.shape[1] != W.shape[1]:
        raise ValueError(
            f"factors and weights must be of shape (d, r) and (m, r), got {U.shape} and {W.shape}"
        )
    X = U @ np.linalg.cholesky(W.T @ W / len(W))
    T = X @ X.T
    own = np.einsum("ia,ib->iab", X, X)
    variance = np.zeros_like(own)
    for m in W @ U.T:
        centred = np.outer(m, m) - T
        diagonal_part = q * np.diagonal(centred)[:, None] * X
        np.fill_diagonal(centred, 0.0)
        given = p * centred @ X + diagonal_part  # mean over the other entries' masks
        variance += p * (1 - p) * np.tensordot(centred**2, own, axes=1)
        variance += np.einsum("ia,ib->iab", given, given)
    variance *= n * p / len(W)
    gram = X.T @ X
    inverse = np.linalg.inv(n * p * p * (gram - own) + 2 * q * n * p * own)
    square = 2 * np.einsum("iab,ibc,icd,da->", inverse, variance, inverse, gram)
    return float(np.sqrt(max(square, 0.0)) / np.linalg.norm(T))


def incoherence(factors, normalized: bool = True) -> float:
    """The source's ``mu(U)``, in either of the two normalizations that it prints.

    Parameters
    ----------
    factors : array_like, shape (d, r)
        U, not zero.
    normalized : bool, default True
        ``(d/r) max_i ||u_i||^2 / ||U||_F^2`` (Mechanism 3), which is between 1/r and d/r; otherwise
        ``(d/r) max_i ||u_i||^2`` (the quick check), between 1 and d/r for orthonormal columns.
    """
    U = np.asarray(factors, dtype=np.float64)
    if U.ndim != 2 or 0 in U.shape or not np.isfinite(U).all():
        raise ValueError(f"factors must be a finite matrix, got shape {U.shape}")
    d, r = U.shape
    largest, total = float(np.max(np.sum(U**2, axis=1))), float(np.sum(U**2))
    if total == 0:
        raise ValueError("factors must not be zero")
    return d / r * largest / (total if normalized else 1.0)


def hessian(X, estimate, weights) -> np.ndarray:
    """Hessian of ``f(X) = 1/2 sum_ij w_ij ((X X^T)_ij - Tbar_ij)^2``, the sum over all (i, j).

    ``hess f [D] = 2 (w o (X X^T - Tbar)) D + 2 (w o (X D^T + D X^T)) X``. Where X is stationary,
    turning it by an orthogonal matrix changes nothing, so r (r - 1)/2 eigenvalues are zero; a
    negative one tells a saddle from a minimum.

    Parameters
    ----------
    X : array_like, shape (d, r)
    estimate, weights : array_like, shape (d, d)
        Symmetric; Tbar counts only where w is not zero.

    Returns
    -------
    ndarray, shape (d r, d r)
        In the order of ``X.ravel()``.
    """
    X = np.asarray(X, dtype=np.float64)
    estimate, w = np.asarray(estimate, dtype=np.float64), np.asarray(weights, dtype=np.float64)
    if X.ndim != 2 or not estimate.shape == w.shape == (len(X), len(X)):
        raise ValueError(
            "estimate and weights must be of shape (d, d) for X of shape (d, r), got "
            f"{estimate.shape}, {w.shape} and {X.shape}"
        )
    if not (np.allclose(estimate, estimate.T) and np.allclose(w, w.T)):
        raise ValueError("estimate and weights must be symmetric")
    d, r = X.shape
    weighted = w * (X @ X.T - estimate)
    # Block (i, j), r x r: 2 weighted_ij 1 + 2 w_ij x_j x_i^T, and on the diagonal 2 sum w x x^T.
    blocks = np.einsum("ij,jk,il->ikjl", w, X, X)
    blocks += np.einsum("ij,kl->ikjl", weighted, np.eye(r))
    own = np.einsum("ij,jk,jl->ikl", w, X, X)
    i = np.arange(d)
    blocks[i, :, i, :] += own
    return 2 * blocks.reshape(d * r, d * r)
