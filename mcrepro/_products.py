"""Compiled products of rows of two factors; imported where numba pays."""

from numba import njit


# Reassociated sums run in vector registers; their order is fixed when compiled.
@njit(cache=True, nogil=True, fastmath={"reassoc", "contract"})
def products(left, right, rows, cols, out):
    """Write ``<left[rows[e]], right[cols[e]]>`` to ``out[e]``."""
    for e in range(len(rows)):
        i, j = rows[e], cols[e]
        total = 0.0
        for t in range(left.shape[1]):
            total += left[i, t] * right[j, t]
        out[e] = total
