"""Rows and columns that the rest of a problem determines, or cannot.

Given one factor, a row with at most r entries is fitted exactly, whatever the factor is (in general
position). So it takes no part in finding the factors: it is peeled off with its entries, and so on
until every row and column left, the core, has more than r. Least squares on the core and on the
whole have the same minimum. Each peeled row has r unknowns; if all have fewer entries than
unknowns together, these stay open. The core does not depend on the order of peeling.
"""

import numpy as np


class Core:
    """What is left of a problem at one rank.

    Parameters
    ----------
    problem : Problem
        Shape (n1, n2).
    rank : int

    Attributes
    ----------
    kept : ndarray of int
        The entries of the core; all entries should nothing be left.
    rows, cols : ndarray of int
        Its rows and columns, sorted.
    undetermined : int
        By how many the unknowns of what was peeled off outnumber its entries.
    """

    def __init__(self, problem, rank):
        self.index, self.shape = (problem.rows, problem.cols), problem.shape
        inside = np.ones(problem.n_observed, dtype=bool)
        self._rounds: list[tuple[int, np.ndarray]] = []
        size = -1
        while size != len(self._rounds):
            size = len(self._rounds)
            for axis, index in enumerate(self.index):
                count = np.bincount(index[inside], minlength=problem.shape[axis])
                peeled = inside & (count[index] <= rank)
                if peeled.any():
                    self._rounds.append((axis, np.flatnonzero(peeled)))
                    inside &= ~peeled
        cored = sum(len(np.unique(index[inside])) for index in self.index)
        # Without a core, rank^2 unknowns are a choice of basis.
        unknowns = rank * (sum(problem.shape) - cored) - (0 if cored else rank**2)
        self.undetermined = max(0, unknowns - int(np.sum(~inside)))
        if not inside.any():
            inside[:] = True
            self._rounds = []
        self.kept = np.flatnonzero(inside)
        self.rows, self.cols = (np.unique(index[inside]) for index in self.index)

    def entries(self, values):
        """Row and column numbers, counted within the core, and values of its entries; its shape."""
        rows, cols = (index[self.kept] for index in self.index)
        rows, cols = np.searchsorted(self.rows, rows), np.searchsorted(self.cols, cols)
        return rows, cols, values[self.kept], (len(self.rows), len(self.cols))

    def embed(self, U, V):
        """Factors of the whole problem: those of the core, and zero elsewhere."""
        X, Y = (np.zeros((n, U.shape[1])) for n in self.shape)
        X[self.rows], Y[self.cols] = U, V
        return X, Y

    def extend(self, U, V, values):
        """(U, V) with the peeled rows fitted to their entries, with least norm."""
        factors = U.copy(), V.copy()
        for axis, peeled in reversed(self._rounds):
            index, other = self.index[axis][peeled], self.index[1 - axis][peeled]
            order = np.argsort(index, kind="stable")
            starts = np.flatnonzero(np.diff(index[order], prepend=-1))
            for group in np.split(order, starts[1:]):
                H, y = factors[1 - axis][other[group]], values[peeled[group]]
                factors[axis][index[group[0]]] = np.linalg.lstsq(H, y, rcond=1e-12)[0]
        return factors
