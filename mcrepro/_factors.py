"""Entries of a product of two thin factors, without forming the product."""

import numpy as np

# Gathering this many rows of each factor at a time keeps both copies in the cache.
_BLOCK = 16_384


def entries(left: np.ndarray, right: np.ndarray, rows: np.ndarray, cols: np.ndarray) -> np.ndarray:
    """Return ``(left @ right.T)[rows, cols]``.

    Parameters
    ----------
    left : ndarray, shape (n1, k)
    right : ndarray, shape (n2, k)
    rows, cols : integer ndarrays, shape (m,)

    Returns
    -------
    ndarray, shape (m,)
    """
    out = np.empty(len(rows), dtype=np.result_type(left, right))
    for begin in range(0, len(rows), _BLOCK):
        part = slice(begin, begin + _BLOCK)
        np.einsum("ij,ij->i", left[rows[part]], right[cols[part]], out=out[part])
    return out
