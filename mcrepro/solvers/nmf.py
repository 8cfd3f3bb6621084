"""Nonnegative matrix factorization of the observed entries, by hierarchical least squares (HALS).

Problem
    ``min f(U, V) = 1/2 sum over Omega of ((U V^T)_ij - M_ij)^2`` over U >= 0 and V >= 0. In one
    entry of a factor f is a parabola, whose minimum over the nonnegative numbers is

        U_ik <- max(0, U_ik + (sum_j R_ij V_jk) / (sum_j V_jk^2)),    j observed in row i,

    with the residual ``R = M - U V^T`` on Omega. Entries of one column of U lie in different rows
    and do not interact: a column is one sparse product. A sweep goes through the columns of U, then
    those of V, and never increases f.
Optimality
    The projected gradient is zero: ``grad f = 0`` where a factor is positive, ``grad f >= 0`` where
    it is zero. That is necessary; f has local minima, and factorizations that are no permutation
    or scaling of each other can fit equally well.
Deviations
    A sweep starts from extrapolated factors ``W + weight (W - W_before)``, as in Ang and Gillis, but
    with a fixed cap on the weight; where that does not lower f, the sweep is repeated from W itself,
    so that the objective never increases. `extrapolate=False` is HALS as first published.
References
    A. Cichocki, R. Zdunek, S. Amari, "Hierarchical ALS algorithms for nonnegative matrix and 3D
    tensor factorization", ICA 2007.
    A. M. S. Ang, N. Gillis, "Accelerating nonnegative matrix factorization algorithms using
    extrapolation", Neural Computation 31, 2019.
    C. Boutsidis, E. Gallopoulos, "SVD based initialization: a head start for nonnegative matrix
    factorization", Pattern Recognition 41, 2008 (NNDSVD).
"""

import numpy as np
import scipy.sparse as sp

from mcrepro._checks import integer, one_of, real
from mcrepro._factors import entries
from mcrepro.solvers._given import mirrored, pair
from mcrepro.solvers._loop import Iterate
from mcrepro.solvers._registry import method

# Weight of the first extrapolation, its growth on success, its fall on failure, its cap.
_WEIGHT, _GROWTH, _FALL, _CAP = 0.5, 1.05, 0.5, 0.99


@method(
    "nmf",
    setting="nonnegative (U V^T with U, V >= 0)",
    cost="O(m r)",
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
    extrapolate=True,
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
    extrapolate : bool, default True
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
    if not isinstance(extrapolate, bool):
        raise TypeError(f"extrapolate must be True or False, got {extrapolate!r}")
    max_iter = integer("max_iter", max_iter, 0)
    rtol, gtol = real("rtol", rtol, 0), real("gtol", gtol, 0)
    _refuse_negative(problem)
    data = _Data(problem)
    if start is None:
        U, V = _nndsvd(data, rank, rng) if init == "nndsvd" else _random(data, rank, rng)
    else:
        U, V = pair(start, problem.shape, rank)
        for name, factor in (("left", U), ("right", V)):
            if factor.min() < 0:
                raise ValueError(f"start: {name} must be nonnegative, got {factor.min()}")
    iterates = _iterates(data, U, V, extrapolate)
    return loop(iterates, max_iter=max_iter, rtol=rtol, gtol=gtol)


def _iterates(data, U, V, extrapolate):
    weight = _WEIGHT if extrapolate else 0.0
    before = U, V
    while True:
        point = data.measure(U, V)
        yield point
        ahead = [np.maximum(W + weight * (W - W0), 0) for W, W0 in ((U, before[0]), (V, before[1]))]
        before = U, V
        U, V = data.sweep(*ahead)
        if weight and data.value(U, V) > point.objective:
            weight *= _FALL
            U, V = data.sweep(*before)
        else:
            weight = min(_CAP, _GROWTH * weight)


class _Data:
    """The observed entries, and what HALS does with them."""

    def __init__(self, problem):
        self.problem, self.shape = problem, problem.shape
        self.rows, self.cols, self.values = mirrored(problem)
        self._indptr = np.searchsorted(self.rows, np.arange(self.shape[0] + 1))
        self._ones = self.matrix(np.ones(len(self.values)))

    def matrix(self, values):
        """The sparse matrix with these values at the observed entries, shape (n1, n2)."""
        return sp.csr_array((values, self.cols, self._indptr), shape=self.shape)

    def residual(self, U, V):
        """``M - U V^T`` at the observed entries, shape (m,)."""
        return self.values - entries(U, V, self.rows, self.cols)

    def value(self, U, V):
        r = self.residual(U, V)
        return 0.5 * np.dot(r, r)

    def sweep(self, U, V):
        """HALS through the columns of U, then those of V; new arrays."""
        U, V = U.copy(order="F"), V.copy(order="F")
        R = self.matrix(self.residual(U, V))
        _descend(R, self._ones @ (V * V), U, V, self.rows, self.cols)
        # The transpose shares its values with R.
        _descend(R.T, self._ones.T @ (U * U), V, U, self.cols, self.rows)
        return U, V

    def measure(self, U, V):
        r = self.residual(U, V)
        R, value = self.matrix(r), 0.5 * np.dot(r, r)
        violation = np.hypot(_projected(U, -(R @ V)), _projected(V, -(R.T @ U)))
        size = np.hypot(np.linalg.norm(U), np.linalg.norm(V))
        if self.problem.symmetric:  # r has the mirrored entries, too
            rows, cols = self.problem.rows, self.problem.cols
            r = self.problem.values.astype(np.float64) - entries(U, V, rows, cols)
        return Iterate(
            U,
            V,
            objective=value,
            residual=np.linalg.norm(r) / (np.linalg.norm(self.problem.values) or 1.0),
            gradient_norm=violation / (np.sqrt(2 * value) * size) if violation else 0.0,
        )


def _descend(R, curvature, W, H, rows, cols):
    """Minimise over each column of W in turn; changes W and the values of R in place."""
    for k in range(W.shape[1]):
        h, c = H[:, k], curvature[:, k]
        # Where c is 0 no observed entry depends on W_ik, and it stays.
        step = np.maximum((R @ h) / np.where(c > 0, c, 1.0), -W[:, k])
        W[:, k] += step
        R.data -= step.take(rows) * h.take(cols)


def _projected(W, gradient):
    """Norm of the part of a gradient along which W >= 0 leaves room to descend."""
    return np.linalg.norm(np.where(W > 0, gradient, np.minimum(gradient, 0.0)))


def _random(data, rank, rng):
    n1, n2 = data.shape
    return _scaled(data, rng.random((n1, rank)), rng.random((n2, rank)))


def _nndsvd(data, rank, rng):
    U, s, V = _leading(data.matrix(data.values), rank, rng)
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
    return _scaled(data, left, right)


def _leading(S, rank, rng, sweeps=12):
    """Leading singular triplets by subspace iteration; a start needs no more."""
    Q = np.linalg.qr(rng.standard_normal((S.shape[1], min(S.shape[1], rank + 5))))[0]
    for _ in range(sweeps):
        Q = np.linalg.qr(S.T @ (S @ Q))[0]
    U, s, Vt = np.linalg.svd(S @ Q, full_matrices=False)
    return U[:, :rank], s[:rank], Q @ Vt[:rank].T


def _scaled(data, U, V):
    """The multiple of U V^T nearest to the data."""
    fitted = entries(U, V, data.rows, data.cols)
    scale = np.sqrt(np.dot(fitted, data.values) / (np.dot(fitted, fitted) or 1.0))
    return scale * U, scale * V


def _refuse_negative(problem):
    negative = np.flatnonzero(problem.values < 0)
    if negative.size:
        k = negative[0]
        raise ValueError(
            f"nmf needs nonnegative data, got {problem.values[k]} at entry "
            f"(row {problem.rows[k]}, col {problem.cols[k]}) ({negative.size} negative in all)"
        )
