"""Entries of a product of two thin factors, without forming the product."""

from functools import cache

import numpy as np

# Gathering this many rows of each factor at a time keeps both copies in the cache.
_BLOCK = 4_096
# From this many entries on the compiled loop saves more than loading numba costs. The last digit
# depends on which of the two runs: on the caller and the number of entries, but on nothing else.
_MANY = 100_000


def entries(
    left: np.ndarray, right: np.ndarray, rows: np.ndarray, cols: np.ndarray, compiled=False
) -> np.ndarray:
    """Return ``(left @ right.T)[rows, cols]``.

    Parameters
    ----------
    left : ndarray, shape (n1, k)
    right : ndarray, shape (n2, k)
    rows, cols : integer ndarrays, shape (m,)
    compiled : bool, default False
        Whether numba is there already, so that few entries need not be spared it.

    Returns
    -------
    ndarray, shape (m,)
    """
    out = np.empty(len(rows), dtype=np.result_type(left, right))
    if compiled or len(rows) >= _MANY:
        _compiled()(np.ascontiguousarray(left), np.ascontiguousarray(right), rows, cols, out)
        return out
    for begin in range(0, len(rows), _BLOCK):
        part = slice(begin, begin + _BLOCK)
        # take is about twice as fast as indexing here.
        a, b = left.take(rows[part], axis=0), right.take(cols[part], axis=0)
        np.einsum("ij,ij->i", a, b, out=out[part])
    return out


@cache
def _compiled():
    """The loop over the entries; numba is loaded at the first call."""
    from numba import njit

    # Reassociated sums run in vector registers; their order is fixed when compiled.
    @njit(cache=True, nogil=True, fastmath={"reassoc", "contract"})
    def products(left, right, rows, cols, out):
        for e in range(len(rows)):
            i, j = rows[e], cols[e]
            total = 0.0
            for t in range(left.shape[1]):
                total += left[i, t] * right[j, t]
            out[e] = total

    return products
