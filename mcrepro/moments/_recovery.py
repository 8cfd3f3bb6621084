"""What recovering T from a Hájek estimate asks to be minimised, and from where.

The pairs {i, j} of Omega are kept once, as (i, j) with i <= j. A pair off the diagonal stands for
two entries of T, so its weight is doubled.
"""

from __future__ import annotations

from collections import deque

import numpy as np
import scipy.sparse as sp

from mcrepro._checks import one_of, real
from mcrepro._factors import entries
from mcrepro.problem import Problem
from mcrepro.solvers._factored import FactoredLoss
from mcrepro.solvers.bm import _leading

#: Published values of the weight of the diagonal, as functions of p, n and d.
DIAGONAL_WEIGHTS = {
    "expected_pairs": lambda p, n, _d: n * p**2,
    "pair_seen_in_d": lambda p, _n, d: -np.expm1(d * np.log1p(-(p**2))) if p < 1 else 1.0,
    "pair_seen": lambda p, n, _d: -np.expm1(n * np.log1p(-(p**2))) if p < 1 else 1.0,
    "entry_seen": lambda p, n, _d: -np.expm1(n * np.log1p(-p)) if p < 1 else 1.0,
}


def diagonal_weight(q, moments) -> float:
    """The weight of the diagonal as a number; a name takes p as the observed share of entries."""
    if isinstance(q, str):
        one_of("diagonal_weight", q, DIAGONAL_WEIGHTS)
        p = moments.n_entries / (moments.n_rows * moments.d)
        return float(DIAGONAL_WEIGHTS[q](p, moments.n_rows, moments.d))
    return real("diagonal_weight", q, 0)


def observed_pairs(moments):
    """T-bar on the pairs of Omega, and their counts.

    Returns
    -------
    problem : Problem
        Symmetric, shape (d, d), with the entries i <= j of Omega.
    counts : ndarray of float, shape (m,)
        N at the entries of `problem`, in its order.
    """
    # Both arrays have the same pattern, stored by row and then by column, as Problem keeps it.
    T = sp.triu(moments.hajek(), format="coo")
    counts = sp.triu(moments.counts, format="coo").data.astype(np.float64)
    return Problem(T.row, T.col, T.data, T.shape, symmetric=True), counts


def pair_weights(problem, counts, q: float) -> np.ndarray:
    """Weights of the kept pairs, adding up to 1: W_ij over the sum of W over Omega."""
    weights = np.where(problem.rows == problem.cols, q, 2.0) * counts
    total = weights.sum()
    if not total > 0:
        raise ValueError(
            "diagonal_weight=0 leaves nothing to fit: no two columns are observed in one row"
        )
    return weights / total


class WeightedLoss(FactoredLoss):
    """``1/2 sum of w (<x_i, x_j> - T_ij)^2 + penalty``: residuals are multiplied by sqrt(w)."""

    def __init__(self, problem, weights, penalty):
        super().__init__(problem, penalty)
        self.root = np.sqrt(weights)
        self.scale = np.linalg.norm(self.root * self.values) or 1.0

    def residual(self, W):
        return self.root * super().residual(W)

    def spread(self, r, W):
        return super().spread(self.root * r, W)

    def along(self, W, D, r):
        linear = self.root * (entries(W, D, self.a, self.b) + entries(D, W, self.a, self.b))
        square = self.root * entries(D, D, self.a, self.b)
        return np.array(
            [
                0.5 * np.dot(r, r),
                np.dot(r, linear),
                0.5 * np.dot(linear, linear) + np.dot(r, square),
                np.dot(linear, square),
                0.5 * np.dot(square, square),
            ]
        )

    def hessian_product(self, W, D, r):
        linear = entries(W, D, self.a, self.b) + entries(D, W, self.a, self.b)
        data = self.spread(self.root * linear, W) + self.spread(r, D)
        return data + self.penalty.hessian_product(W, D)


def spectral_start(problem, counts, rank, rng) -> np.ndarray:
    """Leading part of an estimate of T that is zero off Omega, shape (d, rank).

    Off the diagonal it is ``S_ij`` over the mean of N over *all* pairs i < j, seen or not, so that
    it is T on average although most of it is zero; the diagonal is T-bar's.
    """
    d = problem.shape[0]
    diagonal = problem.rows == problem.cols
    mean = counts[~diagonal].sum() / max(d * (d - 1) / 2, 1)
    upper = np.where(diagonal, 0.5, counts / (mean or 1.0)) * problem.values
    A = sp.csr_array((upper, (problem.rows, problem.cols)), shape=problem.shape)
    eigenvalues, Q = _leading(lambda X: A @ X + A.T @ X, d, rank, rng)
    X = Q * np.sqrt(np.maximum(eigenvalues, 0.0))
    # Where A has no positive eigenvalue left, a zero column would be a saddle.
    missing = eigenvalues <= 1e-12 * max(eigenvalues[0], 0.0)
    size = np.sqrt(np.abs(problem.values).mean() / rank)
    X[:, missing] = 0.01 * size * rng.standard_normal((d, missing.sum()))
    return X


def halving_descent(loss, W, *, step: float, halvings: int):
    """``W <- W - t grad f(W)`` with t = `step`, halved up to `halvings` times until f decreases."""
    point = (W, *loss.measure(W))
    while point is not None:
        yield point
        W, value, gradient, _ = point
        point = None
        for t in step * 0.5 ** np.arange(halvings + 1):
            trial = W - t * gradient
            measured = loss.measure(trial)
            if measured[0] < value:
                point = (trial, *measured)
                break


def lbfgs(loss, W, *, memory: int = 20):
    """Limited-memory BFGS with halved steps and sufficient decrease; the first along -grad f."""
    point = (W, *loss.measure(W))
    pairs: deque = deque(maxlen=memory)
    while point is not None:
        yield point
        W, _, gradient, _ = point
        D = -_inverse_hessian(pairs, gradient)
        if not pairs or np.vdot(D, gradient) >= 0:
            pairs.clear()
            D = -gradient
        point = _decrease(loss, point, D, first=not pairs)
        if point is not None:
            s, y = point[0] - W, point[2] - gradient
            if np.vdot(s, y) > 1e-12 * np.linalg.norm(s) * np.linalg.norm(y):
                pairs.append((s, y, np.vdot(s, y)))


def _decrease(loss, point, D, first):
    W, value, gradient, r = point
    slope = np.vdot(gradient, D)
    if not slope < 0:
        return None
    t = 1.0
    if first:
        c = loss.along(W, D, r)
        roots = np.roots(c[:0:-1] * np.arange(4, 0, -1))
        t = min(x.real for x in roots if x.real > 0)
    for _ in range(40):
        trial = W + t * D
        measured = loss.measure(trial)
        if measured[0] <= value + 1e-4 * t * slope:
            return trial, *measured
        t /= 2
    return None


def _inverse_hessian(pairs, gradient):
    """The two-loop recursion (Nocedal and Wright, Algorithm 7.4)."""
    q, steps = gradient.copy(), []
    for s, y, sy in reversed(pairs):
        a = np.vdot(s, q) / sy
        q -= a * y
        steps.append(a)
    if pairs:
        _, y, sy = pairs[-1]
        q *= sy / np.vdot(y, y)
    for (s, y, sy), a in zip(pairs, reversed(steps), strict=True):
        q += (a - np.vdot(y, q) / sy) * s
    return q
