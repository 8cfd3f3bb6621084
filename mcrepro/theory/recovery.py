r"""How well T is recovered from a sparse Hájek estimate: the theorem's bound and a first-order law.

The n rows of M are combinations of the r columns of U (the factors, orthonormal), each entry is
observed with probability ``p = C/d``, and ``T = U G U^T`` with ``G`` the second moment of the
combinations. The source ("One-sided matrix completion from ultra-sparse samples",
arXiv:2601.12213, Mechanism 3) proves that every local minimum X of its regularized loss has
``||X X^T - T||_F <= epsilon`` with high probability, if

    n >= O(d r^5 log(d) / (epsilon^2 C^2)).

The *law* below is ours. Near T the fit of rank r is, to first order, the projection of the noise
of Tbar onto the tangent space ``{P Z + Z P - P Z P}`` of the matrices of rank r, with P the
projector on the span of U. A pair (i, j) is a mean over N_ij rows, about n p^2 of them, of products
with variance s_ij^2. Weighted by its count it contributes s_ij^2 / (n p^2), whether it is seen once
or often, and with leverages ``h_i = P_ii``

    E ||X X^T - T||_F^2  ~  2/(n p^2) sum_ij h_i s_ij^2.

The diagonal is seen far more often than the pairs, and P Z P is small beside P Z; both are left
out, so the law needs d >> r and leverages that are alike. The variances are those of the two models
of `mcrepro.experiments`, for rows

    "mixture"      each equal to one of the r factors, drawn with equal chances:
                   s_ij^2 = (1/r) sum_k U_ik^2 U_jk^2 - T_ij^2;
    "combination"  Gaussian combinations of the factors:  s_ij^2 = T_ii T_jj + T_ij^2.

For uniformly random factors the sums have closed forms (``E U_ik^4 = 3/d^2``), see `typical_error`.
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
    """First-order law of ``||X X^T - T||_F / ||T||_F`` for uniformly random factors.

    ``sqrt(2 d (r + 2)(r - 1) / (n C^2))`` for the mixture and ``sqrt(2 d (r + 2)(r + 1) / (n C^2))``
    for Gaussian combinations: 0 for a mixture of one factor, whose rows are all alike. The absolute
    error is this over sqrt(r), so that n grows as r for a given absolute error and as r^2 for a given
    relative one.

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
    return float(np.sqrt(2 * d * (rank + 2) * (rank + sign) / (n * C**2)))


def expected_error(factors, n: int, p: float, model: str = "mixture") -> float:
    """First-order law of ``||X X^T - T||_F / ||T||_F`` for given factors.

    Parameters
    ----------
    factors : array_like, shape (d, r)
        U, with orthonormal columns; ``T = U U^T / r``.
    n : int
        Rows.
    p : float
        Probability in (0, 1] of each entry.
    model : {"mixture", "combination"}
    """
    one_of("model", model, MODELS)
    n, p = integer("n", n, 1), real("p", p, 0, 1, open_low=True)
    U = _factors(factors)
    r = U.shape[1]
    leverage = np.sum(U**2, axis=1)
    T = U @ U.T / r
    if model == "mixture":
        variance = U**2 @ (U**2).T / r - T**2
    else:
        variance = np.outer(leverage, leverage) / r**2 + T**2
    square = 2 / (n * p**2) * np.sum(leverage @ variance)
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


def _factors(factors) -> np.ndarray:
    U = np.asarray(factors, dtype=np.float64)
    if U.ndim != 2 or U.shape[0] < U.shape[1] or 0 in U.shape:
        raise ValueError(f"factors must be of shape (d, r) with d >= r >= 1, got {U.shape}")
    if not np.allclose(U.T @ U, np.eye(U.shape[1]), atol=1e-8):
        raise ValueError("factors must have orthonormal columns")
    return U
