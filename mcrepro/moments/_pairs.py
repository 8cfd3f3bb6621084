"""Where counts and sums of the pairs {i <= j} are kept: a whole triangle, or the pairs seen.

The triangle takes 12 bytes a cell and is the fastest where it fits; the other takes 20 bytes for
each pair that was ever seen, sorted, and nothing for the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numba
import numpy as np

from mcrepro.moments import _kernels

#: Triangles of at most so many bytes are kept whole, unless asked otherwise.
DENSE_LIMIT = 2**30

# Entries that are sorted by column at once: 8 bytes of scratch each, positions fit into uint32.
_BATCH = 2**24
# Fewer additions than this are not worth a thread.
_WORTH_A_THREAD = 200_000


class Upper(NamedTuple):
    """The pairs i <= j that were seen, in compressed rows, j increasing in each."""

    indptr: np.ndarray
    j: np.ndarray
    counts: np.ndarray
    sums: np.ndarray

    @property
    def i(self) -> np.ndarray:
        return np.repeat(np.arange(len(self.indptr) - 1, dtype=np.int32), np.diff(self.indptr))


class DensePairs:
    """The whole triangle, row by row: cell (i, i) is followed by (i, i + 1), ..., (i, d - 1)."""

    storage = "dense"

    def __init__(self, d: int):
        self.d = d
        cells = d * (d + 1) // 2
        # Memory that nobody writes to is never taken from the system.
        self.counts = np.zeros(cells, dtype=np.int32)
        self.sums = np.zeros(cells)

    @property
    def n_pairs(self) -> int:
        return int(np.count_nonzero(self.counts))

    def add(self, indptr, indices, values, threads: int) -> None:
        for entries, pairs in _batches(indptr, indices, values, self.d):

            def work(low, high, entries=entries):
                _kernels.add_dense(*entries, low, high, self.d, self.counts, self.sums)  # type: ignore[call-arg]

            _in_parallel(work, pairs, threads)

    def merge(self, other: DensePairs | SparsePairs) -> None:
        if isinstance(other, DensePairs):
            self.counts += other.counts
            self.sums += other.sums
        else:
            _kernels.add_to_dense(*other.upper(), self.counts, self.sums)

    def make_room(self, n_rows: int) -> None:
        """Widen the counts before they could overflow."""
        if n_rows > np.iinfo(self.counts.dtype).max:
            self.counts = self.counts.astype(np.int64)

    def whole(self) -> tuple[np.ndarray, np.ndarray] | None:
        """Copies of all counts and sums, if they take less room than the pairs seen."""
        if 2 * self.n_pairs <= len(self.counts):
            return None
        return self.counts.copy(), self.sums.copy()

    def upper(self) -> Upper:
        return Upper(*_kernels.to_sparse(self.counts, self.sums, self.d, self.n_pairs))


class SparsePairs:
    """The pairs that were seen, as few sorted pieces, each at least twice as long as the next.

    A pair is moved O(log) times in all, however many small batches come.
    """

    storage = "sparse"

    def __init__(self, d: int, pieces: tuple[Upper, ...] = ()):
        self.d = d
        self._pieces = list(pieces)

    @property
    def n_pairs(self) -> int:
        return len(self.upper().j)

    def add(self, indptr, indices, values, threads: int) -> None:
        for entries, pairs in _batches(indptr, indices, values, self.d):

            def work(low, high, entries=entries, pairs=pairs):
                # A row of the triangle is no longer than what is added, nor than it can be.
                longest = np.minimum(np.diff(pairs[low : high + 1]), self.d - np.r_[low:high])
                size = int(longest.sum())
                j, counts, sums = np.empty(size, np.int32), np.empty(size, np.int64), np.empty(size)
                lengths = _kernels.add_sparse(*entries, low, high, self.d, j, counts, sums)  # type: ignore[call-arg]
                met = lengths.sum()
                return lengths, j[:met], counts[:met], sums[:met]

            lengths, *columns = map(
                np.concatenate, zip(*_in_parallel(work, pairs, threads), strict=True)
            )
            self._append(Upper(np.concatenate([[0], np.cumsum(lengths)]), *columns))

    def merge(self, other: DensePairs | SparsePairs) -> None:
        self._append(other.upper())

    def make_room(self, n_rows: int) -> None:
        """Counts are of 64 bits."""

    def whole(self) -> None:
        """There is no triangle."""

    def upper(self) -> Upper:
        while len(self._pieces) > 1:
            self._merge_last()
        if not self._pieces:
            empty = np.empty(0, np.int32), np.empty(0, np.int64), np.empty(0)
            return Upper(np.zeros(self.d + 1, np.int64), *empty)
        return self._pieces[0]

    def _append(self, piece: Upper) -> None:
        self._pieces.append(piece)
        while len(self._pieces) > 1 and len(self._pieces[-2].j) < 2 * len(self._pieces[-1].j):
            self._merge_last()

    def _merge_last(self) -> None:
        right, left = self._pieces.pop(), self._pieces.pop()
        size = len(left.j) + len(right.j)
        j, counts, sums = np.empty(size, np.int32), np.empty(size, np.int64), np.empty(size)
        indptr = _kernels.merge(*left, *right, j, counts, sums)
        met = indptr[-1]
        # Copies, so that the room that was not needed is given back.
        self._pieces.append(Upper(indptr, j[:met].copy(), counts[:met].copy(), sums[:met].copy()))


def fits(d: int) -> bool:
    """Whether a dense triangle keeps to `DENSE_LIMIT`."""
    return 12 * (d * (d + 1) // 2) <= DENSE_LIMIT


def default_threads() -> int:
    """numba's number of threads, without starting them where there is one only."""
    if numba.config.NUMBA_NUM_THREADS == 1:  # type: ignore[attr-defined]
        return 1
    return numba.get_num_threads()


def _batches(indptr, indices, values, d: int) -> Iterator[tuple[tuple, np.ndarray]]:
    """Some rows at a time: their entries as the kernels take them, and the pairs they make."""
    first = 0
    while first < len(indptr) - 1:
        last = int(np.searchsorted(indptr, indptr[first] + _BATCH, side="right")) - 1
        last = max(last, first + 1)
        part = slice(indptr[first], indptr[last])
        if part.stop > part.start:
            begins = indptr[first : last + 1] - indptr[first]
            *sorted_, pairs = _kernels.by_column(begins, indices[part], d)
            yield (*sorted_, indices[part], values[part]), pairs
        first = last


def _in_parallel(work: Callable[[int, int], object], pairs: np.ndarray, threads: int) -> list:
    """`work(low, high)` on ranges of rows of the triangle that cost about the same."""
    d, total = len(pairs) - 1, int(pairs[-1])
    threads = min(threads, 1 + total // _WORTH_A_THREAD)
    if threads == 1:
        return [work(0, d)]
    cuts = np.searchsorted(pairs, np.linspace(0, total, 8 * threads + 1))
    cuts[0], cuts[-1] = 0, d
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(work, cuts[:-1].tolist(), cuts[1:].tolist()))
