"""Kronecker powers of a matrix, applied without being formed."""

import numpy as np


def apply_power(A, T, order):
    """``A^{⊗order}`` times the tensors T.

    Parameters
    ----------
    A : ndarray, shape (n, n)
    T : ndarray, shape (..., n**order)
        Flattened tensors, last mode fastest.
    order : int

    Returns
    -------
    ndarray
        Of the shape of T: its entry I is ``sum over J of prod_k A[i_k, j_k] T[J]``.
    """
    n = len(A)
    shape = T.shape
    T = T.reshape(-1, n, T.shape[-1] // n)
    for _ in range(order):
        # The first mode is multiplied and comes out last: after `order` turns each mode was first
        # once, and all are back in place. No transposed copy is made on the way.
        T = np.matmul(T.swapaxes(1, 2), A.T).reshape(T.shape)
    return T.reshape(shape)


def power(T, order):
    """``T^{⊗order}``, flattened, of the vectors T, shape (..., n) -> (..., n**order)."""
    out = T
    for _ in range(order - 1):
        out = (out[..., :, None] * T[..., None, :]).reshape(*T.shape[:-1], -1)
    return out
