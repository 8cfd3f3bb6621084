"""Ultra-sparse rows that are made when they are asked for, more of them than memory would hold."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np
import scipy.sparse as sp

from mcrepro._checks import generator, integer, real


class MixtureStream(Sequence):
    """Observed entries of rows drawn uniformly from few factors, in chunks.

    The model of `mcrepro.instances.mixture_rows`, each entry seen independently with probability
    C / d. A chunk depends on the seed and its number only, so that any worker can make it.

    Parameters
    ----------
    n, d : int
        Rows and columns.
    C : float
        Observed entries of a row on average, in (0, d].
    rank : int
        Number of factors, between 1 and d.
    seed : int, default 0
    chunk : int, default 250,000
        Rows of a chunk; the last one may be shorter.

    Examples
    --------
    >>> stream = MixtureStream(n=1000, d=50, C=2.0, rank=3, chunk=400)
    >>> len(stream), stream[2].shape
    (3, (200, 50))
    """

    def __init__(self, n: int, d: int, C: float, rank: int, seed: int = 0, chunk: int = 250_000):
        self.n, self.d = integer("n", n, 1), integer("d", d, 1)
        self.C = real("C", C, 0, self.d, open_low=True)
        self.rank = integer("rank", rank, 1, self.d)
        self.seed, self.chunk = integer("seed", seed, 0), integer("chunk", chunk, 1)

    @cached_property
    def factors(self) -> np.ndarray:
        """The factors as orthonormal rows, shape (rank, d)."""
        return np.linalg.qr(self._generator(0).standard_normal((self.d, self.rank)))[0].T.copy()

    def __len__(self) -> int:
        return (self.n + self.chunk - 1) // self.chunk

    def __getitem__(self, k):
        """Chunk k as a csr_array."""
        rows = self._rows(k)
        rng = self._generator(1, k)
        labels = rng.integers(self.rank, size=rows)
        flat = _bernoulli_positions(rng, rows * self.d, self.C / self.d)
        row, col = np.divmod(flat, self.d)
        indptr = np.searchsorted(row, np.arange(rows + 1))
        values = self.factors[labels[row], col]
        return sp.csr_array((values, col.astype(np.int32), indptr), shape=(rows, self.d))

    def frequencies(self) -> np.ndarray:
        """Share of the rows that each factor has: ``T = sum_l frequencies[l] u_l u_l^T``."""
        counts = np.zeros(self.rank, dtype=np.int64)
        for k in range(len(self)):
            labels = self._generator(1, k).integers(self.rank, size=self._rows(k))
            counts += np.bincount(labels, minlength=self.rank)
        return counts / self.n

    def _rows(self, k: int) -> int:
        if not 0 <= k < len(self):
            raise IndexError(f"chunk must be between 0 and {len(self) - 1}, got {k}")
        return min(self.chunk, self.n - k * self.chunk)

    def _generator(self, *key: int) -> np.random.Generator:
        return generator(np.random.SeedSequence([self.seed, *key]))


def _bernoulli_positions(rng: np.random.Generator, size: int, p: float) -> np.ndarray:
    """Which of `size` independent events of probability p happen, increasing: gaps are geometric."""
    expected = size * p
    parts, last = [], -1
    while last < size:
        gaps = rng.geometric(p, size=int(expected + 6 * np.sqrt(expected + 1)) + 1)
        parts.append(last + np.cumsum(gaps))
        last = int(parts[-1][-1])
        expected = max((size - last) * p, 0.0)
    flat = np.concatenate(parts)
    return flat[: np.searchsorted(flat, size)]
