"""The Burer-Monteiro objective: value, gradient, Hessian and its polynomial along a line.

Both settings are one. Stack the unknown rows in a matrix W with k columns: the rows of X for a
symmetric matrix ``X X^T``, the rows of U and then those of V for ``U V^T``. Every observed entry
joins two rows a and b of W (i and j, or i and n1 + j), and

    f(W) = 1/2 sum over entries of s_ab (<w_a, w_b> - M_ab)^2 + penalty(W),

with weights s that are 1 unless given. With S the sparse matrix of weighted residuals, the gradient is ``(S + S^T) W`` plus the
penalty's. A symmetric problem is summed over the entries as they were observed, so a pair that is
observed both ways counts twice, as in eq. (1.1) of Ge, Lee and Ma, "Matrix completion has no
spurious local minimum", 2016.
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from mcrepro._factors import entries
from mcrepro.solvers._loop import Iterate
from mcrepro.solvers._penalties import Ridge
from mcrepro.solvers._weights import inward


class FactoredLoss:
    """f for one problem.

    Parameters
    ----------
    problem : Problem
        Shape (n1, n2).
    penalty : optional
        One of `_penalties`.
    weights : ndarray, shape (m,), optional
        s, positive.
    stacked : bool, default False
        Take two factors also for a symmetric problem.

    Attributes
    ----------
    n : int
        Rows of W: n1 for one factor, n1 + n2 for two.
    symmetric : bool
        Whether there is one factor.
    """

    def __init__(self, problem, penalty=None, weights=None, *, stacked=False):
        self.problem = problem
        self.symmetric = problem.symmetric and not stacked
        self.weights = weights
        self.penalty = Ridge(0.0) if penalty is None else penalty
        n1, n2 = problem.shape
        self.n = n1 if self.symmetric else n1 + n2
        self.a = problem.rows
        self.b = problem.cols if self.symmetric else problem.cols + n1
        self.values = problem.values.astype(np.float64)
        self.scale = np.linalg.norm(self.values) or 1.0
        self._indptr = np.searchsorted(self.a, np.arange(self.n + 1))

    def factors(self, W):
        """The factors (left, right) that W stands for, as views."""
        n1 = self.problem.shape[0]
        return (W, W) if self.symmetric else (W[:n1], W[n1:])

    def residual(self, W):
        """``<w_a, w_b> - M_ab`` at every observed entry, shape (m,)."""
        return entries(W, W, self.a, self.b) - self.values

    def spread(self, r, W):
        """``(S + S^T) W`` for S with the values `r` at the observed entries."""
        S = sp.csr_array((r, self.b, self._indptr), shape=(self.n, self.n))
        return S @ W + S.T @ W

    def measure(self, W):
        """Value, gradient and (unweighted) residual at W."""
        r = self.residual(W)
        sr = self._weighted(r)
        value = 0.5 * np.dot(sr, r) + self.penalty.value(W)
        return value, self.spread(sr, W) + self.penalty.gradient(W), r

    def _weighted(self, r):
        return r if self.weights is None else self.weights * r

    def along(self, W, D, r):
        """Coefficients, lowest first, of ``t -> f(W + t D)`` without its penalty, a quartic."""
        linear = entries(W, D, self.a, self.b) + entries(D, W, self.a, self.b)
        square = entries(D, D, self.a, self.b)
        sr, weighted = self._weighted(r), self._weighted(square)
        return np.array(
            [
                0.5 * np.dot(sr, r),
                np.dot(sr, linear),
                0.5 * np.dot(self._weighted(linear), linear) + np.dot(sr, square),
                np.dot(weighted, linear),
                0.5 * np.dot(weighted, square),
            ]
        )

    def hessian_product(self, W, D, r):
        """Second derivative of f at W applied to D, shape (n, k)."""
        linear = entries(W, D, self.a, self.b) + entries(D, W, self.a, self.b)
        data = self.spread(self._weighted(linear), W) + self.spread(self._weighted(r), D)
        return data + self.penalty.hessian_product(W, D)

    def optimality(self, value, gradient, W):
        """``||grad f|| / (sqrt(2 f) ||W||_F)``, 0 at a stationary point.

        Free of scale and, unlike the plain gradient norm, not small merely because the residual
        is: without penalty it is the cosine between the residual and the nearest direction in which
        it can move, up to the factor ||W|| (the orthogonality test of MINPACK).
        """
        size = np.linalg.norm(gradient)
        return size / (np.sqrt(2 * value) * np.linalg.norm(W)) if size else 0.0

    def iterate(self, point, radius=np.inf):
        """What the loop sees of ``(W, value, gradient, residual)``, rows bounded by `radius`."""
        W, value, gradient, r = point
        left, right = self.factors(W)
        return Iterate(
            left,
            right,
            objective=value,
            residual=np.linalg.norm(r) / self.scale,
            gradient_norm=self.optimality(value, inward(W, gradient, radius), W),
        )
