"""The two kinds of ridge regression that softImpute can alternate, compiled."""

from __future__ import annotations

import numpy as np
from numba import njit

from mcrepro.solvers._rows import sweep

_DAMPING = 1e-13  # over the trace of the Gram matrix
_RELAXED = 0.55  # bound of the weights, as a share
_CALL = 50_000  # what a sweep costs beside its products, in products


class Sides:
    """One half sweep on either side.

    Parameters
    ----------
    lasso : Lasso
    """

    def __init__(self, lasso):
        self.lam = lasso.lam
        self.by_row, self.by_col = lasso.sides

    def left(self, A, B):
        """A, regressed on B."""
        return self._half(self.by_row, *_contiguous(A, B))[0]

    def right(self, A, B):
        """B, regressed on A, and the weighted sum of squared differences at (A, B)."""
        return self._half(self.by_col, *_contiguous(B, A))

    def _half(self, side, P, Q):
        """P regressed on Q, and the weighted sum of squared differences at P."""
        raise NotImplementedError


class Rows(Sides):
    """On the observed entries: each row is the minimiser of F, with a Gram matrix of its own."""

    def _half(self, side, P, Q):
        ridge = np.full(len(P), self.lam)
        new, _, fit, _ = sweep(*side, P, Q, ridge, False, np.inf)  # type: ignore[call-arg]
        return new, 2 * float(fit.sum())


class Filled(Sides):
    """On all entries of the filled matrix, as in the paper: one Gram matrix for all rows.

    ``P + (R Q - lam P) (bound Q^T Q + lam)^-1``, for ``Q = A`` with R transposed. Half the bound of
    the paper is the least that keeps a step from raising F; where there is much to fill in, hardly
    more than that is the better one.
    """

    def __init__(self, lasso, relaxed=False):
        super().__init__(lasso)
        mean = lasso.data.weights.sum() / (np.prod(lasso.data.shape) * lasso.bound)
        self.bound = lasso.bound * (max(_RELAXED, mean) if relaxed else 1.0)

    def _half(self, side, P, Q):
        return _filled(*side, P, Q, self.lam, self.bound)  # type: ignore[call-arg]


def filled_is_better(data, k):
    """Whether k columns are fitted sooner on the filled matrix.

    It takes the root of 1 / density times as many sweeps, extrapolated; a row's own Gram matrix
    costs about k / 3 times what the residual does.
    """
    work = k * len(data.values)
    return bool((work * k / 3 + _CALL) * np.sqrt(data.density) > work + _CALL)


def _contiguous(*factors):
    return (np.ascontiguousarray(factor) for factor in factors)


def sides(data):
    """The entries by row and by column."""
    indptr, index, order = _turned(data.indptr, data.cols, data.shape[1])
    by_col = _side(data, indptr, index, order)
    return _side(data, data.indptr, data.cols, slice(None)), by_col


def _side(data, indptr, index, order):
    # Copies are writable: read-only arrays are another type, to be compiled for.
    weights = np.empty(0) if data.uniform else data.weights[order].copy()
    return indptr.astype(np.int64), index.astype(np.int64), data.values[order].copy(), weights


@njit(cache=True, nogil=True)
def _turned(indptr, cols, n2):
    """The pattern by column: its pointers, its rows, and which entries they are."""
    start = np.zeros(n2 + 1, np.int64)
    for j in cols:
        start[j + 1] += 1
    start = np.cumsum(start)
    at, rows, order = start[:-1].copy(), np.empty_like(cols), np.empty(len(cols), np.int64)
    for i in range(len(indptr) - 1):
        for e in range(indptr[i], indptr[i + 1]):
            place = at[cols[e]]
            at[cols[e]] += 1
            rows[place], order[place] = i, e
    return start, rows, order


@njit(cache=True, nogil=True, fastmath={"reassoc", "contract"})
def _filled(indptr, index, target, weights, P, Q, lam, bound):
    n, k = P.shape
    step, square = -lam * P, 0.0
    for i in range(n):
        p, s = P[i], step[i]
        for e in range(indptr[i], indptr[i + 1]):
            q, difference = Q[index[e]], target[e]
            for t in range(k):
                difference -= p[t] * q[t]
            weighted = difference * weights[e] if weights.size else difference
            square += weighted * difference
            for t in range(k):
                s[t] += weighted * q[t]
    gram = bound * np.dot(Q.T, Q)
    # Damping that acts on the step leaves the solution where it is, and lam = 0 solvable.
    damping = lam + _DAMPING * np.trace(gram)
    if damping == 0.0:
        return P.copy(), square
    for t in range(k):
        gram[t, t] += damping
    return P + np.linalg.solve(gram, step.T).T, square
