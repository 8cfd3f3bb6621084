"""The matrix lasso over factors: its value, its duality gap, and the regressions of a sweep.

Notation as in ``soft_impute``: F(A, B) with weights w and the level lam; R = w (M - A B^T) on Omega.
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from mcrepro.solvers._convex import balanced, lasso_gap, leading
from mcrepro.solvers._loop import Iterate

_FIRST = 10  # columns to begin with; then they at most double


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
        # With weights up to this, filling in R / bound keeps a sweep from raising F.
        self.bound = float(data.weights.max())

    def zero_level(self):
        """lam_max: the least lam whose solution is zero."""
        return float(leading(self.data.matrix(self._weighted(self.data.values)), 1, self.rng)[0][0])

    def value(self, A, B, square):
        """F at factors whose weighted sum of squared differences is `square`."""
        return 0.5 * (square + self.lam * (np.vdot(A, A) + np.vdot(B, B)))

    def difference(self, A, B):
        """``M - A B^T`` at the entries."""
        return self.data.values - self.data.at(A, B)

    def residual(self, A, B):
        """R, sparse, shape (n1, n2)."""
        return self.data.matrix(self._weighted(self.difference(A, B)))

    def _weighted(self, values):
        return values if self.data.uniform else self.data.weights * values

    def refreshed(self, A, B, search=True):
        """Factors with columns dropped that are zero and added that are missing; None if none are.

        Soft-thresholding of the filled matrix ``A B^T + R / bound``, on the row space of B and, if
        `search`, on leading directions outside.
        """
        R, lam, k = self.residual(A, B), self.lam, A.shape[1]
        V = np.linalg.qr(B)[0]
        room = min(self.limit - k, max(_FIRST, k)) if search else 0
        if room > 0:
            s, new = leading(R, room, self.rng, np.linalg.qr(A)[0], V, tol=1e-2)
            V = np.linalg.qr(np.hstack([V, new[:, s > lam * (1 + self.gtol / 10)]]))[0]
        Q, T = np.linalg.qr(A @ (B.T @ V) + (R @ V) / self.bound)
        P, s, Zt = np.linalg.svd(T, full_matrices=False)
        s = np.maximum(s - lam / self.bound, 0)[: self.limit]
        s = s[s > 0]
        if len(s) == k:
            return None
        root = np.sqrt(s)
        return Q @ (P[:, : len(s)] * root), V @ (Zt[: len(s)].T * root)

    def iterate(self, A, B, square, certify):
        """What the loop sees. With a certificate the factors are balanced, so that F is f there."""
        measures = {}
        if certify:
            _, A, B = balanced(A, B)
            measures = self.certificate(A, B)
        return Iterate(
            np.hstack([self.base[0], A]),
            np.hstack([self.base[1], B]),
            objective=self.value(A, B, square),
            residual=np.sqrt(square) / self.norm,
            **measures,
        )

    def factors(self, iterate):
        """A and B of an iterate."""
        width = self.base[0].shape[1]
        return iterate.left[:, width:], iterate.right[:, width:]

    def certificate(self, A, B):
        """The measure of optimality, and the duality gap of F."""
        difference, lam = self.difference(A, B), self.lam
        R = self.data.matrix(self._weighted(difference))
        size = 0.5 * (np.vdot(A, A) + np.vdot(B, B))
        optimal, measures = [], {}
        if lam > 0:
            sigma = float(leading(R, 1, self.rng, tol=self.gtol / 10)[0][0])
            primal, gap = lasso_gap(self.data, difference, size, lam, sigma)
            optimal.append(gap / primal if primal else 0.0)
            measures = {"duality_gap": gap, "dual_norm": sigma / lam}
        if A.shape[1] >= self.limit:
            gradient = np.hypot(np.linalg.norm(R @ B - lam * A), np.linalg.norm(R.T @ A - lam * B))
            twice = np.vdot(self._weighted(difference), difference) + 2 * lam * size
            optimal.append(gradient / np.sqrt(2 * twice * size) if gradient else 0.0)
        if optimal:
            measures["gradient_norm"] = float(min(optimal))
        return measures


class Rows:
    """The exact ridge regressions, a row at a time: each a system with its own Gram matrix."""

    def __init__(self, lasso):
        from mcrepro.solvers._rows import sweep  # loads numba

        self.sweep, self.lasso = sweep, lasso
        data = lasso.data
        pattern = (data.indptr, data.cols, np.arange(len(data.values)))
        turned = sp.csr_array(pattern[::-1], shape=data.shape).tocsc()
        order = turned.data
        self.by_row = self._side(data.indptr, data.cols, slice(None))
        self.by_col = self._side(turned.indptr, turned.indices, order)
        self.ridges = tuple(np.full(n, lasso.lam) for n in data.shape)

    def _side(self, indptr, index, order):
        data = self.lasso.data
        weights = np.empty(0) if data.uniform else data.weights[order].copy()
        # Copies are writable, which spares compiling for read-only arrays as well.
        return indptr.astype(np.int64), index.astype(np.int64), data.values[order].copy(), weights

    def left(self, A, B):
        """The best A for B."""
        return self.sweep(*self.by_row, A, B, self.ridges[0], False, np.inf)[0]

    def right(self, A, B):
        """The best B for A, and the weighted sum of squared differences at (A, B)."""
        new, _, fit, _ = self.sweep(*self.by_col, B, A, self.ridges[1], False, np.inf)
        return new, 2 * float(fit.sum())


class Filled:
    """The regressions of the paper, on all entries of the filled matrix: one Gram matrix for all."""

    def __init__(self, lasso):
        self.lasso = lasso

    def left(self, A, B):
        """``A + (R B - lam A) (bound B^T B + lam)^-1``."""
        return self._half(self.lasso.residual(A, B), B, A)

    def right(self, A, B):
        """B likewise, and the weighted sum of squared differences at (A, B)."""
        difference = self.lasso.difference(A, B)
        weighted = self.lasso._weighted(difference)
        new = self._half(self.lasso.data.matrix(weighted).T, A, B)
        return new, float(np.vdot(weighted, difference))

    def _half(self, R, A, B):
        values, Q = np.linalg.eigh(self.lasso.bound * (A.T @ A))
        values += self.lasso.lam
        floor = values.max(initial=0) * len(values) * np.finfo(A.dtype).eps
        inverse = np.where(values > floor, 1 / np.maximum(values, floor or 1), 0)
        return B + ((R @ A - self.lasso.lam * B) @ Q) * inverse @ Q.T
