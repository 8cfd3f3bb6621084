"""Nonnegative matrix factorization of the observed entries.

Problem
    ``min f(U, V) = 1/2 sum over Omega of ((U V^T)_ij - M_ij)^2`` over U >= 0 and V >= 0. In one
    entry of a factor f is a parabola, whose minimum over the nonnegative numbers is

        U_ik <- max(0, U_ik + (sum_j R_ij V_jk) / (sum_j V_jk^2)),    j observed in row i,

    with the residual ``R = M - U V^T`` on Omega. One pass through the columns of U and then those of
    V is a sweep of HALS, and never increases f.
Optimality
    The projected gradient is zero: ``grad f = 0`` where a factor is positive, ``grad f >= 0`` where
    it is zero. That is necessary; f has local minima, and factorizations that are no permutation
    or scaling of each other can fit equally well.
Deviations
    Coordinates converge slowly where entries are scarce. By default a row is passed over until it
    settles, so that a sweep is nearly one of nonnegative least squares; and before it comes a
    Gauss-Newton step in the coordinates that are not held at zero, projected and shortened until f
    falls. The sweep finds which coordinates are zero, the step does the rest. The objective never
    increases. ``accelerate=False`` is HALS as first published.
References
    A. Cichocki, R. Zdunek, S. Amari, "Hierarchical ALS algorithms for nonnegative matrix and 3D
    tensor factorization", ICA 2007.
    N. Gillis, F. Glineur, "Accelerated multiplicative updates and hierarchical ALS algorithms for
    nonnegative matrix factorization", Neural Computation 24, 2012 (several passes).
    D. P. Bertsekas, "Projected Newton methods for optimization problems with simple constraints",
    SIAM Journal on Control and Optimization 20, 1982.
    C. Boutsidis, E. Gallopoulos, "SVD based initialization: a head start for nonnegative matrix
    factorization", Pattern Recognition 41, 2008 (NNDSVD).
"""

import numpy as np

from mcrepro._checks import flag, integer, one_of, real
from mcrepro._factors import entries
from mcrepro.solvers._given import pair
from mcrepro.solvers._nonnegative import NonnegativeLoss
from mcrepro.solvers._registry import method
from mcrepro.solvers._start import leading_eigenpairs


@method(
    "nmf",
    setting="nonnegative (U V^T with U, V >= 0)",
    cost="O(m r^2) a sweep, O(m r) an inner iteration; memory O((n1 + n2) r^2)",
    source="textbook, Nonnegative Matrix Factorization; Cichocki, Zdunek, Amari",
    citation="A. Cichocki, R. Zdunek and S. Amari, Hierarchical ALS algorithms for nonnegative "
    "matrix and 3D tensor factorization, ICA (2007) 169-176",
)
def nmf(
    problem,
    rank,
    rng,
    loop,
    *,
    init="nndsvd",
    accelerate=True,
    start=None,
    max_iter=5000,
    rtol=1e-9,
    gtol=1e-8,
):
    """Complete by nonnegative factors.

    Parameters
    ----------
    problem : Problem
        Shape (n1, n2), no observed value negative. A symmetric problem is factored as U V^T, with
        the mirror images of its entries observed too.
    rank : int
    init : {"nndsvd", "random"}
        The leading singular vectors of the zero-filled data, split into their nonnegative parts,
        with zeros replaced by small random numbers; or uniform random numbers. Both are scaled to
        the observed entries.
    accelerate : bool, default True
        False gives plain HALS.
    start : (array_like, array_like), optional
        Nonnegative factors of shapes (n1, rank) and (n2, rank) to start from, in place of `init`.
    max_iter : int, default 5000
    rtol : float, default 1e-9
        On ``||residual|| / ||data||``.
    gtol : float, default 1e-8
        On ``||projected gradient|| / (sqrt(2 f) ||(U, V)||_F)``.

    Raises
    ------
    ValueError
        A negative value observed, or in `start`.
    """
    one_of("init", init, ("nndsvd", "random"))
    flag("accelerate", accelerate)
    max_iter = integer("max_iter", max_iter, 0)
    rtol, gtol = real("rtol", rtol, 0), real("gtol", gtol, 0)
    _refuse_negative(problem)
    loss = NonnegativeLoss(problem)
    if start is None:
        U, V = _nndsvd(loss, rank, rng) if init == "nndsvd" else _random(loss, rank, rng)
    else:
        U, V = pair(start, problem.shape, rank)
        for name, factor in (("left", U), ("right", V)):
            if factor.min() < 0:
                raise ValueError(f"start: {name} must be nonnegative, got {factor.min()}")
    return loop(_iterates(loss, U, V, accelerate), max_iter=max_iter, rtol=rtol, gtol=gtol)


def _iterates(loss, U, V, accelerate):
    while True:
        yield loss.measure(U, V)
        if accelerate:
            U, V = loss.descend(*loss.gauss_newton(U, V))
        else:
            U, V = loss.descend(U, V, passes=1)


def _random(loss, rank, rng):
    n1, n2 = loss.shape
    return _scaled(loss, rng.random((n1, rank)), rng.random((n2, rank)))


def _nndsvd(loss, rank, rng):
    S = loss.matrix(loss.values)
    squares, V = leading_eigenpairs(lambda X: S.T @ (S @ X), S.shape[1], rank, rng)
    # Squares of singular values are sure to half the digits only.
    s = np.sqrt(np.where(squares > 1e-14 * squares[0], squares, 0.0))
    U = S @ V / np.where(s > 0, s, 1.0)
    left, right = np.empty(U.shape), np.empty(V.shape)
    for k in range(rank):
        # Of u v^T, either the positive parts or the negative ones hold more.
        parts = [(np.maximum(c * U[:, k], 0), np.maximum(c * V[:, k], 0)) for c in (1, -1)]
        sizes = [(np.linalg.norm(u), np.linalg.norm(v)) for u, v in parts]
        best = int(np.prod(sizes[1]) > np.prod(sizes[0]))
        (u, v), (a, b) = parts[best], sizes[best]
        left[:, k] = u * np.sqrt(s[k] * b / a) if a * b else 0
        right[:, k] = v * np.sqrt(s[k] * a / b) if a * b else 0
    for W in (left, right):
        zero = W == 0
        W[zero] = 0.01 * (W.mean() or 1.0) * rng.random(zero.sum())
    return _scaled(loss, left, right)


def _scaled(loss, U, V):
    """The multiple of U V^T nearest to the data."""
    fitted = entries(U, V, loss.rows, loss.cols)
    scale = np.sqrt(np.dot(fitted, loss.values) / (np.dot(fitted, fitted) or 1.0))
    return scale * U, scale * V


def _refuse_negative(problem):
    negative = np.flatnonzero(problem.values < 0)
    if negative.size:
        k = negative[0]
        raise ValueError(
            f"nmf needs nonnegative data, got {problem.values[k]} at entry "
            f"(row {problem.rows[k]}, col {problem.cols[k]}) ({negative.size} negative in all)"
        )
