"""Alternating least squares with uncertain rows: variational Bayes, every ridge learned.

Model
    ``M_ij = g + a_i + b_j + <u_i, v_j> + noise``, normal noise of variance t (t / s_ij for weights
    s), and normal priors of mean zero: column k of U, column k of V, a and b have a variance each.
    The posterior is approached by independent normal distributions of the rows (u_i, a_i) and
    (v_j, b_j). Objective is the negative lower bound on the logarithm of the evidence, up to what
    depends on the weights alone,

        F = 1/2 sum over Omega of (log(2 pi t) + s_ij E(error_ij^2) / t)
            + sum_i KL(q(u_i, a_i) || prior) + sum_j KL(q(v_j, b_j) || prior).

Update
    With V and the variances held, the best q(u_i) is a ridge regression in which the rows of V enter
    with their second moments ``E v v^T = mean mean^T + covariance``: what is uncertain is shrunk
    more. Then V in the same way, all variances in closed form (a column that the data do not need
    shrinks to nothing), and U R^-T, V R for the R that minimises F: U^T U and V^T V become diagonal.
References
    Y. J. Lim, Y. W. Teh, "Variational Bayesian approach to movie rating prediction", KDD Cup 2007.
    T. Raiko, A. Ilin, J. Karhunen, "Principal component analysis for large scale problems with lots
    of missing values", ECML 2007.
    J. Luttinen, A. Ilin, "Transformations in variational Bayesian factor analysis to speed up
    learning", Neurocomputing 73, 2010: the rotation.
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from mcrepro._factors import entries
from mcrepro.solvers._loop import Iterate

# The noise variance never falls below this share of the mean square of the data: for exact data
# F has no minimum.
_NOISE = 1e-12


def iterates(blocks, V):
    """Points at which q(U) is the best for all else.

    Parameters
    ----------
    blocks : Blocks
    V : ndarray, shape (n2, k)
        Means to begin with, as `Blocks.start` has them.
    """
    p = blocks.problem
    s = np.ones(p.n_observed) if blocks.weights is None else blocks.weights
    square = float(s @ blocks.values**2)
    typical = square / p.n_observed or 1.0
    rank = V.shape[1] - blocks.biased
    rows, cols = _sides(blocks, s, typical, rank)
    cols.begin(V)
    noise = typical

    def free_energy(misfit):
        fit = p.n_observed * np.log(2 * np.pi * noise) + (square + misfit) / noise
        return 0.5 * fit + rows.divergence() + cols.divergence()

    while True:
        objective = free_energy(rows.update(cols, noise))
        left, right = blocks.factors(rows.means(), cols.means())
        error = np.linalg.norm(entries(left, right, p.rows, p.cols) - p.values)
        measured = {
            "noise": float(np.sqrt(noise)),
            "ridge": tuple((noise / np.sqrt(rows.variance * cols.variance))[:rank].tolist()),
        }
        # All but U is fitted before the point is given away: what that wins measures its
        # distance from a stationary one.
        misfit = cols.update(rows, noise)
        _rotate(rows, cols, rank)
        rows.fit_variance()
        cols.fit_variance()
        noise = max((square + misfit) / p.n_observed, _NOISE * typical)
        won = max(objective - free_energy(misfit), 0.0)
        yield Iterate(
            left,
            right,
            objective,
            residual=error / blocks.scale,
            gradient_norm=np.sqrt(2 * won / p.n_observed),
            **measured,
        )


def _sides(blocks, s, typical, rank):
    """The rows and the columns, with variances that give each term the same share of the data's."""
    p = blocks.problem
    S, Y = (sp.csr_array((x, (p.rows, p.cols)), shape=p.shape) for x in (s, s * blocks.values))
    variance = np.repeat([np.sqrt(typical / rank), typical / 2], [rank, blocks.biased])
    # The prediction is <(u, a, 1), (v, 1, b)>: one coordinate of either side is fixed.
    width = rank + 2 * blocks.biased
    one_of_rows, one_of_cols = ([rank + 1], [rank]) if blocks.biased else ([], [])
    return (
        _Side(S, Y, width, one_of_rows, variance),
        _Side(S.T.tocsr(), Y.T.tocsr(), width, one_of_cols, variance),
    )


class _Side:
    """Independent normal distributions of the rows of one factor.

    Parameters
    ----------
    S, Y : csr_array, shape (n, n')
        Weights, and weighted values.
    width : int
        Of a row, D.
    ones : list of int
        Coordinates that are 1; the others, k of them, are free.
    variance : ndarray, shape (k,)
        Of the prior.
    """

    def __init__(self, S, Y, width, ones, variance):
        self.S, self.Y, self.ones, self.variance = S, Y, ones, variance
        self.free = np.delete(np.arange(width), ones)
        self.mean = np.zeros((S.shape[0], width))
        self.mean[:, ones] = 1.0
        # Symmetric matrices of width D are summed as their lower triangles: `place` has where
        # each of their entries is found there, and `twice` how often it counts.
        self.lower = np.tril_indices(width)
        self.place = np.zeros((width, width), dtype=np.intp)
        self.place[self.lower] = range(len(self.lower[0]))
        self.place = np.maximum(self.place, self.place.T)
        self.twice = np.where(self.lower[0] == self.lower[1], 1.0, 2.0)

    def begin(self, means):
        """As uncertain as the prior."""
        self._set(means, np.tile(np.diag(self.variance), (len(means), 1, 1)))
        self.log_volume = len(means) * np.log(self.variance).sum()

    def _set(self, means, covariance):
        self.mean = self.mean.copy()
        self.mean[:, self.free] = means
        self.covariance = covariance
        one, two = self.lower
        self.moments = self.mean[:, one] * self.mean[:, two]
        inner = self.place[np.ix_(self.free, self.free)]
        self.moments[:, inner.ravel()] += covariance.reshape(len(means), -1)

    def means(self):
        """Of the free coordinates, shape (n, k)."""
        return self.mean[:, self.free]

    def update(self, other, noise):
        """Take the best distributions for the `other` side.

        Returns
        -------
        float
            The expected weighted squared error, less that of predicting zero.
        """
        gram, cross = self.S @ other.moments, self.Y @ other.mean
        precision = gram[:, self.place[np.ix_(self.free, self.free)]] / noise
        precision += np.diag(1 / self.variance)
        target = cross[:, self.free] - gram[:, self.place[np.ix_(self.free, self.ones)]].sum(axis=2)
        covariance = np.linalg.inv(precision)
        self._set(np.einsum("ijk,ik->ij", covariance, target) / noise, covariance)
        self.log_volume = -float(np.linalg.slogdet(precision)[1].sum())
        return float(np.vdot(gram, self.moments * self.twice) - 2 * np.vdot(cross, self.mean))

    def second(self):
        """Mean over rows of E x x^T over the free coordinates, shape (k, k)."""
        return self.moments.mean(axis=0)[self.place[np.ix_(self.free, self.free)]]

    def fit_variance(self):
        """The variance of the prior of least divergence."""
        self.variance = self.second().diagonal()

    def divergence(self):
        """Sum over rows of KL(distribution || prior)."""
        excess = np.log(self.variance) + self.second().diagonal() / self.variance - 1
        return 0.5 * (len(self.mean) * excess.sum() - self.log_volume)

    def turn(self, R):
        """Multiply the first columns by R."""
        full = np.eye(len(self.free))
        full[: len(R), : len(R)] = R
        self._set(self.means() @ full, full.T @ self.covariance @ full)
        self.log_volume += 2 * len(self.mean) * np.linalg.slogdet(R)[1]


def _rotate(rows, cols, rank):
    """Make the second moments of both factors the same diagonal matrix, the largest first.

    Of all ``U R^-T, V R`` it is one where the variances of the priors have the least product.
    """
    L = np.linalg.cholesky(rows.second()[:rank, :rank])
    squares, Q = np.linalg.eigh(L.T @ cols.second()[:rank, :rank] @ L)
    R = L @ (Q / squares**0.25)[:, ::-1]
    rows.turn(np.linalg.inv(R).T)
    cols.turn(R)
