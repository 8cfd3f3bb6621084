"""The matrix lasso over factors: its value, its certificate, its columns.

Notation as in ``soft_impute``: F(A, B) with weights w and the level lam; R = w (M - A B^T) on Omega.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np

from mcrepro._factors import entries
from mcrepro.problem import Problem
from mcrepro.solvers._convex import lasso_gap
from mcrepro.solvers._given import pair
from mcrepro.solvers._loop import Iterate, Loop
from mcrepro.solvers._regressions import sides
from mcrepro.solvers._subspaces import balanced, largest, orthonormal
from mcrepro.solvers.mean import mean

_FIRST = 10  # columns to begin with; then they at most double
_RELAXED = 0.55  # share of the bound


class Lasso:
    """F for one lam.

    Parameters
    ----------
    data : Entries
    lam : float
    limit : int
        Largest number of columns of the factors.
    rng : Generator
    gtol : float
        What the certificate is compared with; decides how accurately it is computed.
    base : (ndarray, ndarray), optional
        Factors of a matrix that is taken off the data first, and part of what is yielded.
    """

    def __init__(self, data, lam, limit, rng, gtol, base=None):
        self.norm = data.norm
        self.base = base or tuple(np.empty((n, 0)) for n in data.shape)
        self.data = data if base is None else data.minus(*base)
        self.lam, self.limit, self.rng, self.gtol = lam, limit, rng, gtol
        # With weights up to this, filling in R / bound keeps a sweep from raising F. So does any
        # bound above half of it, and a small one is better where there is much to fill in.
        self.bound = float(data.weights.max())
        self.relaxed = max(_RELAXED * self.bound, float(data.weights.sum() / np.prod(data.shape)))

    @cached_property
    def sides(self):
        """The entries by row and by column."""
        return sides(self.data)

    def zero_level(self):
        """lam_max: the least lam whose solution is zero."""
        return largest(self.data.matrix(self.weighted(self.data.values)), self.rng)

    def value(self, A, B, square):
        """F at factors whose weighted sum of squared differences is `square`."""
        return 0.5 * (square + self.lam * (np.vdot(A, A) + np.vdot(B, B)))

    def difference(self, A, B):
        """``M - A B^T`` at the entries."""
        return self.data.values - self.data.at(A, B)

    def residual(self, A, B):
        """R, sparse, shape (n1, n2)."""
        return self.data.matrix(self.weighted(self.difference(A, B)))

    def weighted(self, values):
        """w times these values at the entries."""
        return values if self.data.uniform else self.data.weights * values

    def revised(self, A, B, search, bound):
        """Factors without columns that are zero and with those that are missing.

        Soft-thresholding of the filled matrix ``A B^T + R / bound`` on the row space of B and on
        leading directions outside, which `search` finds: `leading`, `roughly_leading`, or None.

        Returns
        -------
        ((ndarray, ndarray) or None, bool)
            None if all is well; and whether the search found as many as it might, so that there may
            be more.
        """
        R, lam, k = self.residual(A, B), self.lam, A.shape[1]
        V = orthonormal(B)
        room, more = (min(self.limit - k, max(_FIRST, k), *R.shape) if search else 0), False
        if room > 0:
            s, new = search(R, room, self.rng, orthonormal(A), V, above=lam)
            more = len(s) == room
            V = np.hstack([V, new])
        T = A @ (B.T @ V) + (R @ V) / bound
        Q = orthonormal(T)
        P, s, Zt = np.linalg.svd(Q.T @ T)
        s = np.maximum(s - lam / bound, 0)[: self.limit]
        s = s[s > 0]
        # Sweeps multiply a column that is nearly zero; this step adds to it.
        grows = search and 0 < k == len(s) and s[-1] > 2 * balanced(A, B)[0][-1]
        if len(s) == k and not grows:
            return None, more
        root = np.sqrt(s)
        return (Q @ (P[:, : len(s)] * root), V @ (Zt[: len(s)].T * root)), more

    def iterate(self, A, B, square, measures):
        """What the loop sees."""
        objective = self.value(A, B, square)
        if self.data.asked is not None:  # A B^T is symmetric to the accuracy asked for only
            rows, cols, values, weights = self.data.asked
            square = float(weights @ np.square(entries(A, B, rows, cols) - values))
        if self.base[0].size:
            A, B = np.hstack([self.base[0], A]), np.hstack([self.base[1], B])
        return Iterate(
            A,
            B,
            objective=objective,
            residual=np.sqrt(square) / self.norm,
            **measures,
        )

    def factors(self, iterate):
        """A and B of an iterate."""
        width = self.base[0].shape[1]
        return iterate.left[:, width:], iterate.right[:, width:]

    def certificate(self, A, B, exact=True):
        """The measure of optimality, and the duality gap of F.

        If not `exact`, both may be too small where the measure is above gtol: that is known sooner.
        """
        difference, lam = self.difference(A, B), self.lam
        R = self.data.matrix(self.weighted(difference))
        size = 0.5 * (np.vdot(A, A) + np.vdot(B, B))
        optimal, measures = [], {}
        # As many columns as the matrix has rank at most are no limit: the problem is convex.
        if A.shape[1] >= self.limit and (lam == 0 or self.limit < min(self.data.shape)):
            gradient = np.hypot(np.linalg.norm(R @ B - lam * A), np.linalg.norm(R.T @ A - lam * B))
            twice = np.vdot(self.weighted(difference), difference) + 2 * lam * size
            optimal.append(gradient / np.sqrt(2 * twice * size) if gradient else 0.0)
        if lam > 0:

            def too_large(sigma):
                primal, gap = lasso_gap(self.data, difference, size, lam, sigma)
                return gap > self.gtol * primal

            # A lower bound settles it where the gap alone decides.
            early = not exact and min(optimal, default=np.inf) > self.gtol
            sigma = largest(R, self.rng, self.gtol / 10, B, too_large if early else None)
            primal, gap = lasso_gap(self.data, difference, size, lam, sigma)
            optimal.append(gap / primal if primal else 0.0)
            measures = {"duality_gap": gap, "dual_norm": sigma / lam}
        if optimal:
            measures["gradient_norm"] = float(min(optimal))
        return measures


def two_way(data):
    """Factors of the two-way fit of the entries."""
    training = Problem(data.rows, data.cols, data.values, data.shape)
    fit = mean(training, loop=Loop(), kind="rows+columns").iterate
    return fit.left, fit.right


def given(start, data, limit, skip):
    """Checked factors, without the first `skip` columns."""
    A, B = pair(start, data.shape)
    if A.shape[1] - skip > limit:
        raise ValueError(f"start has {A.shape[1]} columns, more than the rank allows")
    return A[:, skip:], B[:, skip:]
