"""The data of alternating least squares, by row and by column, and the objective over them."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from mcrepro._factors import entries
from mcrepro.problem import Problem
from mcrepro.solvers import _start
from mcrepro.solvers._factored import FactoredLoss
from mcrepro.solvers._given import pair
from mcrepro.solvers._loop import Iterate
from mcrepro.solvers._rows import sweep
from mcrepro.solvers._weights import entry_weights, into_ball, inward


class Blocks:
    """The observed entries by row and by column, and f over them.

    Parameters
    ----------
    problem : Problem
        Shape (n1, n2).
    weights : None, "rows+columns" or array_like, shape (m,)
    scaled : {"none", "entries"}
    biased : bool
    radius : float

    Notes
    -----
    The factors are U, shape (n1, k), and V, shape (n2, k); with biases, which are their last
    columns, k is one more than the rank.
    """

    def __init__(self, problem, weights, scaled, biased, radius):
        self.problem, self.biased, self.radius = problem, biased, radius
        self.options = (scaled, biased, radius)
        n1, n2 = problem.shape
        self.weights = entry_weights(weights, problem)
        values = problem.values.astype(np.float64)
        self.scale = np.linalg.norm(values) or 1.0
        self.mean = np.average(values, weights=self.weights) if biased else 0.0
        self.values = values - self.mean
        pattern = sp.csr_array(
            (
                np.arange(1, problem.n_observed + 1),
                problem.cols,
                np.searchsorted(problem.rows, np.arange(n1 + 1)),
            ),
            shape=problem.shape,
        )
        turned = pattern.tocsc()
        order = turned.data - 1
        s = np.empty(0) if self.weights is None else self.weights
        self._rows = (pattern.indptr, pattern.indices, self.values, s)
        self._cols = (turned.indptr, turned.indices, self.values[order], s[order] if s.size else s)
        counts = np.diff(pattern.indptr), np.diff(turned.indptr)
        self.observed = tuple(count > 0 for count in counts)
        if scaled == "entries":
            self.row_scale, self.col_scale = (count.astype(np.float64) for count in counts)
        else:
            self.row_scale, self.col_scale = np.ones(n1), np.ones(n2)

    def fit_rows(self, U, V, ridge):
        """The best U for V; at the given U the gradient over it, the fit and the squared error."""
        return _totals(sweep(*self._rows, U, V, ridge * self.row_scale, self.biased, self.radius))

    def fit_cols(self, V, U, ridge):
        """As `fit_rows`, for V."""
        return _totals(sweep(*self._cols, V, U, ridge * self.col_scale, self.biased, self.radius))

    def penalty(self, U, V, ridge):
        """The ridge terms of f."""
        by_row, by_col = np.einsum("ij,ij->i", U, U), np.einsum("ij,ij->i", V, V)
        return 0.5 * ridge * (self.row_scale @ by_row + self.col_scale @ by_col)

    def measured_start(self, U, V, ridge):
        """Any point."""
        _, over_U, _, _ = self.fit_rows(U, V, ridge)
        _, over_V, fit, square = self.fit_cols(V, U, ridge)
        over_U, over_V = inward(U, over_U, self.radius), inward(V, over_V, self.radius)
        return self._iterate(U, V, fit, square, over_U, over_V, ridge, ridge)

    def iterate(self, U, V, fit, square, gradient, working, ridge):
        """A point where U is the best for V under the working ridge, and `gradient` is over V."""
        extra = working - ridge
        over_U = -extra * self.row_scale[:, None] * U
        over_V = inward(V, gradient - extra * self.col_scale[:, None] * V, self.radius)
        return self._iterate(U, V, fit, square, over_U, over_V, working, ridge)

    def _iterate(self, U, V, fit, square, over_U, over_V, working, ridge):
        objective = fit + self.penalty(U, V, ridge)
        size = np.hypot(np.linalg.norm(over_U), np.linalg.norm(over_V))
        norm = np.hypot(np.linalg.norm(U), np.linalg.norm(V))
        left, right = self.factors(U, V)
        return Iterate(
            left,
            right,
            objective,
            residual=np.sqrt(square) / self.scale,
            gradient_norm=size / (np.sqrt(2 * objective) * norm) if size else 0.0,
            working_ridge=working,
        )

    def factors(self, U, V):
        """(left, right) with ``left right^T`` the whole model."""
        if not self.biased:
            return U, V
        one, two = np.ones(len(U)), np.ones(len(V))
        return (
            np.column_stack([U[:, :-1], self.mean + U[:, -1], one]),
            np.column_stack([V[:, :-1], two, V[:, -1]]),
        )

    def given(self, start, rank):
        """U and V from factors as `factors` returns them."""
        left, right = pair(start, self.problem.shape, rank + 2 * self.biased)
        if not self.biased:
            return into_ball(left, self.radius), into_ball(right, self.radius)
        if not (left[:, -1] == 1).all() or not (right[:, -2] == 1).all():
            raise ValueError(
                "start: with center='rows+columns' the last column of left and the last but one "
                "of right must be ones, as in the factors that als returns"
            )
        left[:, -2] -= self.mean
        return np.ascontiguousarray(left[:, :-1]), np.delete(right, -2, axis=1)

    def part(self, keep):
        """The same task on some of the entries, and the mean squared error on the others."""
        p, weights = self.problem, self.weights
        train = Problem(p.rows[keep], p.cols[keep], p.values[keep], p.shape, symmetric=p.symmetric)
        blocks = Blocks(train, None if weights is None else weights[keep], *self.options)
        rows, cols, values = p.rows[~keep], p.cols[~keep], p.values[~keep]
        s = None if weights is None else weights[~keep]

        def error(point):
            difference = entries(point.left, point.right, rows, cols) - values
            return float(np.average(difference**2, weights=s))

        return blocks, error

    def start(self, rank, rng, init, init_scale):
        """U and V to begin with; biases are zero."""
        loss = FactoredLoss(self.problem, stacked=True)
        loss.values = self.values
        W = _start.initial(loss, rank, rng, init, init_scale)
        n1 = self.problem.shape[0]
        factors = []
        # Rows and columns without entries have zero as their solution of least norm.
        for part, observed in zip((W[:n1], W[n1:]), self.observed, strict=True):
            part = into_ball(np.where(observed[:, None], part, 0.0), self.radius)
            factors.append(np.hstack([part, np.zeros((len(part), 1))]) if self.biased else part)
        return tuple(factors)

    def zero_level(self, rng, sweeps=30):
        """The smallest ridge (unscaled rows) for which the solution is zero, from below.

        The largest singular value of the weighted data, each row and column divided by the root of
        its scale.
        """
        values = self.values if self.weights is None else self.weights * self.values
        a = np.where(self.observed[0], self.row_scale, 1.0)
        b = np.where(self.observed[1], self.col_scale, 1.0)
        scaled = values / np.sqrt(a[self.problem.rows] * b[self.problem.cols])
        S = sp.csr_array((scaled, self._rows[1], self._rows[0]), shape=self.problem.shape)
        x = rng.standard_normal(S.shape[1])
        for _ in range(sweeps):
            x = S.T @ (S @ (x / (np.linalg.norm(x) or 1.0)))
        return float(np.sqrt(np.linalg.norm(x)))


def _totals(swept):
    new, gradient, fit, square = swept
    return new, gradient, fit.sum(), square.sum()
