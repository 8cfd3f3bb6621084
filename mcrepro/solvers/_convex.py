"""What the convex methods share: weighted entries and their duals.

With R the weighted residual ``w (M - X)`` on Omega, the problem

    min over X of 1/2 sum over Omega of w_ij (X_ij - M_ij)^2 + lam ||X||_*

has the dual

    max over Y on Omega of <M, Y> - 1/2 sum of Y_ij^2 / w_ij   subject to ||Y||_2 <= lam,

and ``Y = R`` at a solution. Every Y that satisfies the constraint bounds the minimum from below.
"""

from __future__ import annotations

import copy

import numpy as np
import scipy.sparse as sp

from mcrepro._factors import entries
from mcrepro.solvers._weights import entry_weights


class Entries:
    """The observed entries with their weights; those of a symmetric problem mirrored.

    A symmetric X has ``X_ij = X_ji``, so an entry observed one way is half an entry at either
    place: the sum over the entries as observed stays the same, and minimising it over all X, with
    the mirrored entries, has a symmetric solution (the mean of X and X^T is no worse than X).

    Parameters
    ----------
    problem : Problem
        Shape (n1, n2).
    weights : None, "rows+columns" or array_like, shape (m,) or (n1, n2)
        As for `entry_weights`.

    Attributes
    ----------
    rows, cols, values, weights : ndarray, shape (m,)
        Sorted by row, then by column.
    indptr : ndarray, shape (n1 + 1,)
    asked : tuple of ndarray, or None
        For a symmetric problem rows, cols, values and weights as observed, not mirrored.
    norm : float
        Of the values, weighted; 1 for zeros.
    uniform : bool
        All weights are 1.
    density : float
        Observed share of the matrix.
    """

    def __init__(self, problem, weights=None):
        self.shape, self.symmetric = problem.shape, problem.symmetric
        w = entry_weights(weights, problem)
        w = np.ones(problem.n_observed) if w is None else w
        rows, cols, values = problem.rows, problem.cols, problem.values.astype(np.float64)
        self.asked = None
        if problem.symmetric:
            self.asked = rows, cols, values, w
            C = sp.coo_array((w / 2, (rows, cols)), shape=self.shape).tocsr()
            V = sp.coo_array((w / 2 * values, (rows, cols)), shape=self.shape).tocsr()
            C, V = (C + C.T).tocsr(), (V + V.T).tocsr()
            # A sum drops zeros: observed zeros are where there is a weight.
            C.sort_indices()
            rows, cols = C.tocoo().coords
            rows, cols, w = rows.astype(np.intp), cols.astype(np.intp), C.data
            values = np.asarray(V[rows, cols]).ravel() / w
        self._set(rows, cols, values, w)

    def _set(self, rows, cols, values, weights):
        self.rows, self.cols, self.values, self.weights = rows, cols, values, weights
        self.indptr = np.searchsorted(rows, np.arange(self.shape[0] + 1))
        self.norm = float(np.sqrt(np.vdot(weights * values, values))) or 1.0
        self.uniform = bool((weights == 1.0).all())
        self.density = len(values) / (self.shape[0] * self.shape[1])
        self.pattern = sp.csr_array((values, cols, self.indptr), shape=self.shape)

    def keep(self, mask):
        """The entries where a mask of shape (m,) is true."""
        part = copy.copy(self)
        part._set(self.rows[mask], self.cols[mask], self.values[mask], self.weights[mask])
        part.asked = None
        return part

    def minus(self, left, right):
        """The same entries of ``M - left right^T``."""
        part = copy.copy(self)
        values = self.values - self.at(left, right)
        part._set(self.rows, self.cols, values, self.weights)
        return part

    def at(self, left, right):
        """``(left right^T)`` at the entries, shape (m,)."""
        return entries(left, right, self.rows, self.cols, compiled=True)

    def matrix(self, values):
        """The sparse matrix with these values at the entries, shape (n1, n2)."""
        S = copy.copy(self.pattern)  # its indices are checked once
        S.data = values
        return S

    def groups(self):
        """An integer for each entry, equal for (i, j) and (j, i) of a symmetric problem."""
        if not self.symmetric:
            return np.arange(len(self.rows))
        keys = np.minimum(self.rows, self.cols) * self.shape[0] + np.maximum(self.rows, self.cols)
        return np.unique(keys, return_inverse=True)[1]


def lasso_gap(data, difference, nuclear_norm, lam, sigma):
    """Primal value and duality gap at X, from the dual point c R with the best feasible c.

    Parameters
    ----------
    data : Entries
    difference : ndarray, shape (m,)
        ``M - X`` at the entries.
    nuclear_norm : float
        ``||X||_*``, or an upper bound of it.
    lam : float
        Positive.
    sigma : float
        Largest singular value of ``R = w (M - X)``.
    """
    r = data.weights * difference
    square, inner = float(np.vdot(r, difference)), float(np.vdot(r, data.values))
    primal = square / 2 + lam * nuclear_norm
    c = 0.0
    if square > 0 and inner > 0:
        c = min(inner / square, lam / sigma)
    return primal, max(primal - (c * inner - c**2 / 2 * square), 0.0)
