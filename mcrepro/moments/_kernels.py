"""One pass over the rows: every co-observed pair {i <= j} of columns is met once and added up.

Adding the pairs as the rows bring them would touch the triangle of all pairs at random, a cache
miss for each. Here the entries are first sorted by column; then, column by column, the pairs
(i, j), j >= i, are added up, whose cells fit into the cache together. What is left to miss are the
rows: once for each entry instead of once for each pair.

A pair is added up by one thread, in the order of the rows. So the number of threads changes no
digit, and in the dense triangle neither does the cut into batches.
"""

from __future__ import annotations

import numpy as np
from numba import njit

#: What `check_rows` finds.
OK, UNSORTED, REPEATED, OUT_OF_RANGE, NOT_FINITE = range(5)

# Rows that are fetched together before they are used, so that the cache misses overlap.
_AHEAD = 64


@njit(cache=True, nogil=True)
def check_rows(indptr, indices, values, d):
    """The first fault of a CSR array, or OK."""
    for k in range(len(indptr) - 1):
        previous = -1
        for a in range(indptr[k], indptr[k + 1]):
            if not 0 <= indices[a] < d:
                return OUT_OF_RANGE
            if not np.isfinite(values[a]):
                return NOT_FINITE
            if indices[a] <= previous:
                return REPEATED if indices[a] == previous else UNSORTED
            previous = indices[a]
    return OK


@njit(cache=True, nogil=True)
def by_column(indptr, indices, d):
    """The entries of some rows, sorted by column and then by row.

    Parameters
    ----------
    indptr : ndarray of int64, shape (n + 1,)
        Where the rows begin, the first one at 0.
    indices : ndarray of int32, shape (m,)
        Increasing in each row.
    d : int

    Returns
    -------
    begin : ndarray of int64, shape (d + 1,)
        Where each column begins in `first` and `stop`.
    first, stop : ndarrays of uint32, shape (m,)
        Of each entry, its position and the end of its row.
    pairs : ndarray of int64, shape (d + 1,)
        Row i of the triangle takes ``pairs[i + 1] - pairs[i]`` additions.
    """
    begin = np.zeros(d + 1, np.int64)
    pairs = np.zeros(d + 1, np.int64)
    for k in range(len(indptr) - 1):
        end = indptr[k + 1]
        for a in range(indptr[k], end):
            begin[indices[a] + 1] += 1
            pairs[indices[a] + 1] += end - a
    for i in range(d):
        begin[i + 1] += begin[i]
        pairs[i + 1] += pairs[i]
    first = np.empty(begin[d], np.uint32)
    stop = np.empty(begin[d], np.uint32)
    free = begin[:-1].copy()
    for k in range(len(indptr) - 1):
        end = indptr[k + 1]
        for a in range(indptr[k], end):
            q = free[indices[a]]
            free[indices[a]] = q + 1
            first[q] = a
            stop[q] = end
    return begin, first, stop, pairs


@njit(cache=True, nogil=True)
def row_start(i, d):
    """Position of the cell (i, i) in a triangle that is stored row by row."""
    return i * d - (i * (i - 1)) // 2


@njit(cache=True, nogil=True)
def add_dense(begin, first, stop, indices, values, low, high, d, counts, sums):
    """Add the pairs (i, j), low <= i < high, to a triangle; what is returned has no meaning."""
    fetched = 0.0
    for i in range(low, high):
        at = row_start(i, d)
        count, total = counts[at : at + d - i], sums[at : at + d - i]
        for q0 in range(begin[i], begin[i + 1], _AHEAD):
            q1 = min(q0 + _AHEAD, begin[i + 1])
            for q in range(q0, q1):
                last = stop[q] - np.uint32(1)
                fetched += values[first[q]] + values[last] + indices[first[q]] + indices[last]
            for q in range(q0, q1):
                a = first[q]
                x = values[a]
                for b in range(a, stop[q]):
                    cell = np.uint32(indices[b] - i)
                    count[cell] += 1
                    total[cell] += x * values[b]
    return fetched


@njit(cache=True, nogil=True)
def add_sparse(begin, first, stop, indices, values, low, high, d, out_j, out_count, out_sum):
    """The pairs (i, j), low <= i < high, sorted, in the `out` arrays; returns the length of rows."""
    counts = np.zeros(d, np.int64)
    sums = np.zeros(d)
    lengths = np.zeros(high - low, np.int64)
    met = 0
    for i in range(low, high):
        row = met
        for q in range(begin[i], begin[i + 1]):
            a = first[q]
            x = values[a]
            for b in range(a, stop[q]):
                j = indices[b]
                if counts[j] == 0:
                    out_j[met] = j
                    met += 1
                counts[j] += 1
                sums[j] += x * values[b]
        lengths[i - low] = met - row
        # Sorting costs a logarithm for each pair, looking through all columns does not.
        if 16 * (met - row) < d - i:
            out_j[row:met].sort()
        else:
            at = row
            for j in range(i, d):
                if counts[j]:
                    out_j[at] = j
                    at += 1
        for at in range(row, met):
            j = out_j[at]
            out_count[at], out_sum[at] = counts[j], sums[j]
            counts[j], sums[j] = 0, 0.0
    return lengths


@njit(cache=True, nogil=True)
def merge(indptr1, j1, count1, sum1, indptr2, j2, count2, sum2, out_j, out_count, out_sum):
    """The sum of two sparse triangles in the `out` arrays; returns its `indptr`."""
    d = len(indptr1) - 1
    indptr = np.zeros(d + 1, np.int64)
    met = 0
    for i in range(d):
        a, b = indptr1[i], indptr2[i]
        end1, end2 = indptr1[i + 1], indptr2[i + 1]
        while a < end1 or b < end2:
            from1 = b == end2 or (a < end1 and j1[a] <= j2[b])
            from2 = a == end1 or (b < end2 and j2[b] <= j1[a])
            count, total = 0, 0.0
            if from1:
                out_j[met], count, total = j1[a], count1[a], sum1[a]
                a += 1
            if from2:
                out_j[met], count, total = j2[b], count + count2[b], total + sum2[b]
                b += 1
            out_count[met], out_sum[met] = count, total
            met += 1
        indptr[i + 1] = met
    return indptr


@njit(cache=True, nogil=True)
def add_to_dense(indptr, j, count, total, counts, sums):
    """Add a sparse triangle to a dense one."""
    d = len(indptr) - 1
    for i in range(d):
        at = row_start(i, d) - i
        for a in range(indptr[i], indptr[i + 1]):
            counts[at + j[a]] += count[a]
            sums[at + j[a]] += total[a]


@njit(cache=True, nogil=True)
def to_sparse(counts, sums, d, n_pairs):
    """The cells of a dense triangle whose count is positive."""
    indptr = np.zeros(d + 1, np.int64)
    j = np.empty(n_pairs, np.int32)
    count = np.empty(n_pairs, np.int64)
    total = np.empty(n_pairs)
    met = 0
    for i in range(d):
        at = row_start(i, d) - i
        for column in range(i, d):
            if counts[at + column]:
                j[met], count[met] = column, counts[at + column]
                total[met] = sums[at + column]
                met += 1
        indptr[i + 1] = met
    return indptr, j, count, total


@njit(cache=True, nogil=True)
def mirrored(indptr, j, values):
    """The symmetric CSR array, (indptr, indices, data), with a given upper triangle."""
    d = len(indptr) - 1
    full = np.zeros(d + 1, np.int64)
    for i in range(d):
        for a in range(indptr[i], indptr[i + 1]):
            full[i + 1] += 1
            if j[a] != i:
                full[j[a] + 1] += 1
    for i in range(d):
        full[i + 1] += full[i]
    indices = np.empty(full[d], np.int32)
    data = np.empty(full[d], values.dtype)
    free = full[:-1].copy()
    # When row i comes up, the rows before it have put the columns below i into it, in order.
    for i in range(d):
        for a in range(indptr[i], indptr[i + 1]):
            q = free[i]
            indices[q], data[q] = j[a], values[a]
            free[i] += 1
            if j[a] != i:
                q = free[j[a]]
                indices[q], data[q] = i, values[a]
                free[j[a]] += 1
    return full, indices, data
