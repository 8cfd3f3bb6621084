"""What the convex methods share: weighted entries, their duals, factors in balance.

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
from scipy.linalg import eigh
from scipy.sparse.linalg import LinearOperator, eigsh

from mcrepro._factors import entries
from mcrepro.solvers._weights import entry_weights

# Up to this size a dense eigenvalue problem is solved sooner than Lanczos gets going.
_SMALL = 128 * 128


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
        return entries(left, right, self.rows, self.cols)

    def matrix(self, values):
        """The sparse matrix with these values at the entries, shape (n1, n2)."""
        return sp.csr_array((values, self.cols, self.indptr), shape=self.shape)

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


def largest(S, rng, tol=0.0):
    """The largest singular value alone, as `leading` finds it."""
    if S.shape[0] * S.shape[1] > _SMALL:
        return float(leading(S, 1, rng, tol=tol)[0][0])
    D = S.toarray()
    gram = D.T @ D if S.shape[0] > S.shape[1] else D @ D.T
    last = len(gram) - 1
    square = eigh(gram, eigvals_only=True, subset_by_index=(last, last), check_finite=False)[0]
    return float(np.sqrt(max(square, 0.0)))


def leading(S, count, rng, U=None, V=None, tol=0.0):
    """Largest singular values of S and their right vectors, by Lanczos on the Gram matrix.

    Parameters
    ----------
    S : sparse array, shape (n1, n2)
    count : int
        How many; at most min(n1, n2).
    rng : Generator
        For the first vector.
    U, V : ndarray, shape (n1, k) and (n2, k), optional
        Orthonormal columns; then of ``(I - U U^T) S (I - V V^T)``.
    tol : float, default 0.0
        Relative accuracy of the squared values; 0 is machine precision.

    Returns
    -------
    (ndarray, ndarray)
        Singular values in decreasing order, shape (count,); vectors, shape (n2, count).
    """
    n1, n2 = S.shape
    if n2 <= 2 * count + 2 or n1 * n2 <= _SMALL:
        D = S.toarray()
        if U is not None:
            D = D - U @ (U.T @ D)
            D = D - (D @ V) @ V.T
        squares, vectors = eigh(D.T @ D, subset_by_index=(n2 - count, n2 - 1))
    else:
        St = S.T.tocsr()

        def outside(Q, x):
            return x if Q is None else x - Q @ (Q.T @ x)

        def gram(x):
            return outside(V, St @ outside(U, S @ outside(V, x)))

        v0 = gram(rng.standard_normal(n2))
        # ARPACK stops with an error on a matrix of zeros.
        if np.linalg.norm(v0) <= np.finfo(float).eps * float(np.vdot(S.data, S.data)):
            return np.zeros(count), np.eye(n2, count)
        operator = LinearOperator((n2, n2), matvec=gram, dtype=float)
        squares, vectors = eigsh(operator, count, which="LA", v0=v0, tol=tol)
    order = np.argsort(squares)[::-1]
    return np.sqrt(np.maximum(squares[order], 0.0)), vectors[:, order]


def roughly_leading(S, count, rng, U, V, steps=2):
    """As `leading`, with U and V, by a few steps of block power iteration: values from below.

    Good for finding directions, and far cheaper than their exact values.
    """
    X = rng.standard_normal((S.shape[1], count))
    for _ in range(steps):
        Y = S @ (X - V @ (V.T @ X))
        X = S.T @ (Y - U @ (U.T @ Y))
    X = np.linalg.qr(X - V @ (V.T @ X))[0]
    Y = S @ X
    Y -= U @ (U.T @ Y)
    _, s, Zt = np.linalg.svd(Y, full_matrices=False)
    return s, X @ Zt.T


def balanced(A, B):
    """Singular values of ``A B^T``, and its factors with equal Gram matrices ``diag(s)``.

    Factors that are balanced already are returned as they are.

    Returns
    -------
    (ndarray, ndarray, ndarray)
        s in decreasing order, left and right.
    """
    GA, GB = A.T @ A, B.T @ B
    s = np.diagonal(GA)
    slack = 1e-13 * s.max(initial=0.0)
    if np.all(np.abs(GA - np.diag(s)) <= slack) and np.all(np.abs(GB - np.diag(s)) <= slack):
        return s, A, B
    QA, RA = np.linalg.qr(A)
    QB, RB = np.linalg.qr(B)
    P, s, Qt = np.linalg.svd(RA @ RB.T)
    return s, QA @ (P * np.sqrt(s)), QB @ (Qt.T * np.sqrt(s))
