"""Kernel interpolation of many sparse rows at once, and the function of a matrix that it lowers.

Notation: W, C, G, s, power and ridge as in ``lin_rfm``.
"""

import numpy as np
import scipy.sparse as sp
from scipy.special import hyp2f1

from mcrepro.solvers._given import mirrored, misfit
from mcrepro.solvers._loop import Iterate

# Rounding of W^T W, relative to its largest eigenvalue, hides everything below.
_ROUNDING = 1e-15
# Numbers in the stack of small systems that are solved at once.
_STACK = 2_000_000


class KernelModel:
    """The data, scaled to a root mean square of 1, and what is measured at a W.

    Parameters
    ----------
    problem : Problem
        Shape (n1, n2).
    rank : int or None
        Columns of the factors; None for those eigenvectors of G that are above the ridge.
    power : float
    rng : Generator

    Attributes
    ----------
    by_row, by_col : KernelRows
        Of W and of its transpose.
    """

    def __init__(self, problem, rank, power, rng):
        (n1, n2), (rows, cols, values) = problem.shape, mirrored(problem)
        self.problem, self.rank, self.exponent = problem, rank, 2 * power
        self.unit = np.sqrt(np.mean(values**2)) or 1.0
        self.by_row = KernelRows(rows, cols, values / self.unit, (n1, n2))
        self.by_col = KernelRows(cols, rows, values / self.unit, (n2, n1))
        if rank is not None:
            self.V = np.linalg.qr(rng.standard_normal((n2, rank)))[0]

    def filled(self, start):
        """The starting factors, or zeros, with the data in place."""
        W = np.zeros(self.problem.shape)
        if start is not None:
            W += start[0] @ start[1].T / self.unit
        W[self.by_row.rows, self.by_row.cols] = self.by_row.values
        return W

    def kernel(self, W):
        """G, shape (n2, n2)."""
        return power_of(gram(W), self.exponent)

    def measure(self, W, ridge, factors=None):
        """The iterate that W stands for, the eigenvalue of G beyond the rank, and rounding."""
        C, exponent = gram(W), self.exponent
        if self.rank is None:
            s, V = np.linalg.eigh(C)
            V = V[:, s**exponent > min(ridge, s[-1] ** exponent / 2)]
        else:
            V, s = self._leading(C), None
        projected = W @ V
        left, right = (self.unit * projected, V) if factors is None else factors
        top = np.linalg.norm(projected, 2) ** 2 / np.sqrt(W.size)
        total = np.trace(C)
        beyond = max(total - np.vdot(projected, projected) / np.sqrt(W.size), 0.0)
        point = Iterate(
            left,
            right,
            objective=surrogate(C, exponent, ridge, s),
            residual=misfit(self.problem, left, right),
            ridge=float(ridge),
            tail=float(beyond / total) if total else 0.0,
        )
        mean_beyond = beyond / max(min(W.shape) - V.shape[1], 1)
        rounding = max(_ROUNDING * top**exponent, (_ROUNDING * top) ** exponent)
        return point, mean_beyond**exponent, rounding

    def _leading(self, C):
        """Leading right singular vectors of W: two subspace iterations from the last ones."""
        for _ in range(2):
            self.V = np.linalg.qr(C @ self.V)[0]
        return self.V


class KernelRows:
    """The observed entries of a matrix, row by row, and what a kernel makes of them.

    Parameters
    ----------
    rows, cols : ndarray of int, shape (m,)
        In any order.
    values : ndarray, shape (m,)
    shape : (int, int)
        Size (n1, n2).
    """

    def __init__(self, rows, cols, values, shape):
        order = np.lexsort((cols, rows))
        self.rows, self.cols, self.values = rows[order], cols[order], values[order]
        self.shape = shape
        self.indptr = np.searchsorted(self.rows, np.arange(shape[0] + 1))
        self._stacks = list(self._equal_lengths())

    def _equal_lengths(self):
        """Indices of the entries of rows of one length, as arrays with a row for each of them."""
        lengths = np.diff(self.indptr)
        for length in np.unique(lengths[lengths > 0]):
            begins = self.indptr[:-1][lengths == length]
            for part in np.array_split(begins, -(-len(begins) * length**2 // _STACK)):
                yield part[:, None] + np.arange(length)

    def dual(self, G, ridge):
        """``(G_SS + ridge I)^-1 y`` for every row, at its own entries: shape (m,)."""
        a = np.empty(len(self.values))
        for stack in self._stacks:
            S = self.cols[stack]
            K = G[S[:, :, None], S[:, None, :]]
            diagonal = np.arange(S.shape[1])
            K[:, diagonal, diagonal] += ridge
            a[stack] = np.linalg.solve(K, self.values[stack][:, :, None])[:, :, 0]
        return a

    def step(self, G, ridge):
        """Rows predicted by ridge regression, the observed entries put back: shape (n1, n2)."""
        A = sp.csr_array((self.dual(G, ridge), self.cols, self.indptr), shape=self.shape)
        W = A @ G
        W[self.rows, self.cols] = self.values
        return W


def gram(W):
    """C, shape (n2, n2)."""
    return W.T @ W / np.sqrt(W.size)


def power_of(C, exponent):
    """C to a power, for a symmetric positive semidefinite C."""
    if exponent == 1:
        return C
    s, Q = np.linalg.eigh(C)
    return (Q * np.maximum(s, 0.0) ** exponent) @ Q.T


def surrogate(C, exponent, ridge, s=None):
    """f, the sum of the potential over the eigenvalues of C; s are these, if they are known."""
    if exponent == 1 and s is None:
        # The determinant needs no eigenvalues.
        return np.linalg.slogdet(C + ridge * np.eye(len(C)))[1] - len(C) * np.log1p(ridge)
    s = np.linalg.eigvalsh(C) if s is None else s
    return np.sum(potential(np.maximum(s, 0.0), exponent, ridge))


def potential(s, exponent, ridge):
    """The integral of ``1 / (t^exponent + ridge)`` from 1 to s, for s >= 0."""
    if exponent == 1:
        return np.log((s + ridge) / (1 + ridge))

    def from_zero(t):
        b = 1 / exponent
        return t / ridge * hyp2f1(1, b, 1 + b, -(t**exponent) / ridge)

    return from_zero(np.asarray(s)) - from_zero(1.0)
