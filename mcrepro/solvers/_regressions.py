"""The two kinds of ridge regression that softImpute can alternate, compiled."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from mcrepro.solvers._rows import sweep

_DAMPING = 1e-13  # over the trace of the Gram matrix
_BLOCK, _TABLE = 64, 1_000_000  # rows solved for at a time; numbers that still fit into a cache
_TINY = 1e-300
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
        if len(Q) * Q.shape[1] ** 2 <= _TABLE:
            return _rows(*side, P, Q, self.lam)  # type: ignore[call-arg]
        ridge = np.full(len(P), self.lam)
        new, _, fit, _ = sweep(*side, P, Q, ridge, False, np.inf)  # type: ignore[call-arg]
        return new, 2 * float(fit.sum())


class Filled(Sides):
    """On all entries of the filled matrix, as in the paper: one Gram matrix for all rows.

    ``P + (R Q - lam P) (bound Q^T Q + lam)^-1``, for ``Q = A`` with R transposed.
    """

    def __init__(self, lasso, bound):
        super().__init__(lasso)
        self.bound = bound

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
def _gradient(indptr, index, target, weights, P, Q, lam):
    """``R Q - lam P``, and the weighted sum of squared differences."""
    k = P.shape[1]
    step, square = -lam * P, 0.0
    for i in range(len(P)):
        p, s = P[i], step[i]
        for e in range(indptr[i], indptr[i + 1]):
            q, difference = Q[index[e]], target[e]
            for t in range(k):
                difference -= p[t] * q[t]
            weighted = difference * weights[e] if weights.size else difference
            square += weighted * difference
            for t in range(k):
                s[t] += weighted * q[t]
    return step, square


@njit(cache=True, nogil=True)
def _filled(indptr, index, target, weights, P, Q, lam, bound):
    step, square = _gradient(indptr, index, target, weights, P, Q, lam)
    gram = bound * np.dot(Q.T, Q)
    # Damping that acts on the step leaves the solution where it is, and lam = 0 solvable.
    damping = lam + _DAMPING * np.trace(gram)
    if damping == 0.0:
        return P.copy(), square
    for t in range(len(gram)):
        gram[t, t] += damping
    return P + np.dot(step, np.linalg.inv(gram)), square


@njit(cache=True, nogil=True, fastmath={"reassoc", "contract"})
def _rows(indptr, index, target, weights, P, Q, lam):
    """All products of two columns of Q first: then every loop is a long one."""
    n, k = P.shape
    step, square = _gradient(indptr, index, target, weights, P, Q, lam)
    new, products = np.empty((n, k)), np.empty((len(Q), k * (k + 1) // 2))
    for j in range(len(Q)):
        for a in range(k):
            for b in range(a + 1):
                products[j, a * (a + 1) // 2 + b] = Q[j, a] * Q[j, b]
    for low in range(0, n, _BLOCK):
        high = min(low + _BLOCK, n)
        gram = np.zeros((high - low, products.shape[1]))
        for i in range(low, high):
            row = gram[i - low]
            for e in range(indptr[i], indptr[i + 1]):
                product, s = products[index[e]], weights[e] if weights.size else 1.0
                for t in range(len(row)):
                    row[t] += s * product[t]
        by_entry, right = gram.T.copy(), step[low:high].T.copy()
        for a in range(k):
            by_entry[a * (a + 1) // 2 + a] += lam
        _solve(by_entry, right)
        new[low:high] = P[low:high] + right.T
    return new, square


@njit(cache=True, nogil=True, fastmath={"reassoc", "contract"})
def _solve(gram, x):
    """Cholesky's method for as many systems as the arrays have columns, in place.

    Entry (a, b) of the lower triangles is row ``a (a + 1) / 2 + b``; diagonals are inverted.
    """
    k, n = x.shape
    for a in range(k):
        row = gram[a * (a + 1) // 2 :]
        for b in range(a + 1):
            other = gram[b * (b + 1) // 2 :]
            for c in range(b):
                for i in range(n):
                    row[b, i] -= row[c, i] * other[c, i]
            for i in range(n):
                row[b, i] = (
                    row[b, i] * other[b, i] if b < a else 1 / math.sqrt(max(row[b, i], _TINY))
                )
        for c in range(a):
            for i in range(n):
                x[a, i] -= row[c, i] * x[c, i]
        for i in range(n):
            x[a, i] *= row[a, i]
    for a in range(k - 1, -1, -1):
        for c in range(a + 1, k):
            for i in range(n):
                x[a, i] -= gram[c * (c + 1) // 2 + a, i] * x[c, i]
        for i in range(n):
            x[a, i] *= gram[a * (a + 1) // 2 + a, i]
