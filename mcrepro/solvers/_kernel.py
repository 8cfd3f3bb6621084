"""Kernel interpolation of many sparse rows at once, and functions of a Gram matrix."""

import numpy as np
import scipy.sparse as sp
from scipy.special import hyp2f1

# Numbers in the stack of small systems that are solved at once.
_STACK = 2_000_000


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


def power_of(C, exponent):
    """C to a power, for a symmetric positive semidefinite C."""
    if exponent == 1:
        return C
    s, Q = np.linalg.eigh(C)
    return (Q * np.maximum(s, 0.0) ** exponent) @ Q.T


def potential(s, exponent, ridge):
    """The integral of ``1 / (t^exponent + ridge)`` from 1 to s, for s >= 0."""
    if exponent == 1:
        return np.log((s + ridge) / (1 + ridge))

    def from_zero(t):
        b = 1 / exponent
        return t / ridge * hyp2f1(1, b, 1 + b, -(t**exponent) / ridge)

    return from_zero(np.asarray(s)) - from_zero(1.0)
