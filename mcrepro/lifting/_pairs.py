"""Products of two columns of W, each computed once: p_CC' = W_C ∘ W_C' for C <= C'."""

from __future__ import annotations

import numpy as np


class Pairs:
    """The ``count (count + 1) / 2`` pairs of so many columns.

    Arrays of columns have shape (trials, count, N), arrays of pairs (trials, pairs, N).
    """

    def __init__(self, count):
        self.count = count
        first, second = np.triu_indices(count)
        self._number = np.zeros((count, count), dtype=np.intp)
        self._number[first, second] = self._number[second, first] = np.arange(len(first))
        # A pair C < C' stands for (C, C') and (C', C).
        self._multiplicity = np.where(first == second, 1.0, 2.0)

    def products(self, U, V):
        """``(U_C ∘ V_C' + V_C ∘ U_C') / 2`` for every pair."""
        if self.count == 1:
            return U * V
        out = np.empty((len(U), len(self._multiplicity), U.shape[-1]))
        end = 0
        for C in range(self.count):
            begin, end = end, end + self.count - C
            pairs = out[:, begin:end]
            np.multiply(U[:, C, None], V[:, C:], out=pairs)
            if U is not V:
                pairs += V[:, C, None] * U[:, C:]
                pairs /= 2
        return out

    def spread(self, q, W):
        """``sum over C' of W_C' ∘ q_CC'`` for every column C."""
        if self.count == 1:
            return W * q
        # One product after the other: the same sums in the same order for any number of trials.
        out, work = np.zeros_like(W), np.empty_like(W[:, 0])
        for C, pairs in enumerate(self._number):
            for D, pair in enumerate(pairs):
                out[:, C] += np.multiply(W[:, D], q[:, pair], out=work)
        return out

    def inner(self, p, q):
        """``sum over C, C' of <p_CC', q_CC'>``, shape (trials,)."""
        return np.vecdot(np.vecdot(p, q), self._multiplicity)
