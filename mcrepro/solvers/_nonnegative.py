"""The squared error over nonnegative factors: descent row by row, and projected Gauss-Newton steps.

Notation: f, U, V as in ``nmf``; W is U on top of V.
"""

import numpy as np
import scipy.sparse as sp
from numba import njit

from mcrepro._factors import entries
from mcrepro.solvers._given import mirrored, misfit
from mcrepro.solvers._loop import Iterate
from mcrepro.solvers._sums import grams

# Passes over the coordinates of a row, which end when one moved it by this share of the first.
_PASSES, _SETTLED = 20, 1e-2
# Steps of conjugate gradients, halvings of what they find, and damping of the preconditioner.
_INNER, _HALVINGS, _DAMPING = 50, 12, 1e-10


class NonnegativeLoss:
    """f for one problem.

    Parameters
    ----------
    problem : Problem
        Shape (n1, n2); a symmetric one is summed over its mirrored entries, too.
    """

    def __init__(self, problem):
        self.problem, self.shape = problem, problem.shape
        self.rows, self.cols, self.values = mirrored(problem)
        self._indptr = np.searchsorted(self.rows, np.arange(self.shape[0] + 1))
        turned = self.matrix(np.arange(len(self.values))).tocsc()
        self._by_row = (self._indptr, self.cols, self.values)
        self._by_col = (turned.indptr, turned.indices, self.values[turned.data])
        self._by_row, self._by_col = (
            (p.astype(np.int64), i.astype(np.int64), y) for p, i, y in (self._by_row, self._by_col)
        )

    def matrix(self, values):
        """The sparse matrix with these values at the entries, shape (n1, n2)."""
        return sp.csr_array((values, self.cols, self._indptr), shape=self.shape)

    def residual(self, U, V):
        """``U V^T - M`` at the entries, shape (m,)."""
        return entries(U, V, self.rows, self.cols) - self.values

    def gradient(self, r, U, V):
        """Of f over W, for the residual r; shape (n1 + n2, k)."""
        R = self.matrix(r)
        return np.vstack([R @ V, R.T @ U])

    def measure(self, U, V):
        """The iterate, with ``||projected gradient|| / (sqrt(2 f) ||W||_F)``."""
        r = self.residual(U, V)
        W, gradient = np.vstack([U, V]), self.gradient(r, U, V)
        violation = np.linalg.norm(np.where(free(W, gradient), gradient, 0.0))
        root = np.linalg.norm(r)
        return Iterate(
            U,
            V,
            objective=0.5 * root**2,
            residual=misfit(self.problem, U, V),  # r may have mirrored entries, too
            gradient_norm=violation / (root * np.linalg.norm(W)) if violation else 0.0,
        )

    def descend(self, U, V, passes=_PASSES):
        """A lower point: U minimised over its rows, or nearly, and then V."""
        U = _descend(*self._by_row, U, V, passes)
        return U, _descend(*self._by_col, V, U, passes)

    def gauss_newton(self, U, V):
        """A point that is no higher, along a step for the coordinates that are free.

        The step minimises, by preconditioned conjugate gradients, the squared error of the
        linearized model; it is projected, and shortened until f falls.
        """
        n1, W, r = len(U), np.vstack([U, V]), self.residual(U, V)
        square, gradient = np.vdot(r, r), self.gradient(r, U, V)
        moves = free(W, gradient)
        gradient = np.where(moves, gradient, 0.0)
        size = np.linalg.norm(gradient)
        if size == 0:
            return U, V
        blocks = np.concatenate(
            [
                _blocks(self.rows, self.cols, V, moves[:n1]),
                _blocks(self.cols, self.rows, U, moves[n1:]),
            ]
        )
        tol = min(0.1, np.sqrt(size / np.sqrt(square) / np.linalg.norm(W)))
        indptr, cols, _ = self._by_row
        D = _conjugate_gradients(
            lambda D: np.where(moves, _normal(indptr, cols, U, V, D[:n1], D[n1:]), 0.0),
            lambda D: np.einsum("ikl,il->ik", blocks, D),
            -gradient,
            tol,
        )
        for _ in range(_HALVINGS):
            trial = np.maximum(W + D, 0.0)
            r = self.residual(trial[:n1], trial[n1:])
            if np.vdot(r, r) < square:
                return trial[:n1], trial[n1:]
            D = D / 2
        return U, V


def free(W, gradient):
    """Where W >= 0 leaves room to descend."""
    return (W > 0) | (gradient < 0)


def _blocks(i, j, Q, moves):
    """Inverses of the diagonal blocks of the normal matrix, each on the coordinates that move."""
    G = grams(i, j, Q, 0.0, len(moves))
    G *= moves[:, :, None] & moves[:, None, :]
    mean = np.trace(G, axis1=1, axis2=2)[:, None] / G.shape[1]
    diagonal = np.arange(G.shape[1])
    # What does not move, or is seen by no entry, gets a 1: its right side is 0.
    G[:, diagonal, diagonal] += np.where(moves & (mean > 0), _DAMPING * mean, 1.0)
    return np.linalg.inv(G)


def _conjugate_gradients(apply, precondition, right, tol):
    """An approximate solution, from below, of a positive semidefinite system."""
    x, left = np.zeros_like(right), right
    z = precondition(left)
    p, size = z, np.vdot(left, z)
    target = tol**2 * size
    for _ in range(_INNER):
        q = apply(p)
        bend = np.vdot(p, q)
        if bend <= 0:
            break
        x, left = x + size / bend * p, left - size / bend * q
        z = precondition(left)
        previous, size = size, np.vdot(left, z)
        if size <= target:
            break
        p = z + size / previous * p
    return x


@njit(cache=True, nogil=True, fastmath={"reassoc", "contract"})
def _descend(indptr, index, target, P, Q, passes):
    """Minimise ``1/2 sum_j (<p, q_j> - y_j)^2`` over every row p >= 0, coordinate by coordinate.

    Row i has the entries ``index[indptr[i]:indptr[i + 1]]`` and the targets y; it starts from P.
    """
    n, k = P.shape
    new, gram, gradient = P.copy(), np.empty((k, k)), np.empty(k)
    for i in range(n):
        gram[:] = 0.0
        gradient[:] = 0.0
        for e in range(indptr[i], indptr[i + 1]):
            q = Q[index[e]]
            difference = -target[e]
            for a in range(k):
                difference += P[i, a] * q[a]
            for a in range(k):
                gradient[a] += q[a] * difference
                for b in range(a + 1):
                    gram[a, b] += q[a] * q[b]
        for a in range(k):
            for b in range(a):
                gram[b, a] = gram[a, b]
        enough = 0.0
        for turn in range(passes):
            gained = 0.0
            for a in range(k):
                # Where the curvature is 0 no observed entry depends on the coordinate: it stays.
                if gram[a, a] > 0.0:
                    step = max(-gradient[a] / gram[a, a], -new[i, a])
                    new[i, a] += step
                    gained += gram[a, a] * step * step
                    for b in range(k):
                        gradient[b] += step * gram[a, b]
            if turn == 0:
                enough = _SETTLED**2 * gained
            if gained <= enough:
                break
    return new


@njit(cache=True, nogil=True, fastmath={"reassoc", "contract"})
def _normal(indptr, cols, U, V, A, B):
    """``J^T J`` times A on top of B, with ``J(A, B) = P_Omega(A V^T + U B^T)``."""
    (n1, k), out = U.shape, np.zeros((len(U) + len(V), U.shape[1]))
    for i in range(n1):
        for e in range(indptr[i], indptr[i + 1]):
            j, s = cols[e], 0.0
            for a in range(k):
                s += A[i, a] * V[j, a] + U[i, a] * B[j, a]
            for a in range(k):
                out[i, a] += s * V[j, a]
                out[n1 + j, a] += s * U[i, a]
    return out
