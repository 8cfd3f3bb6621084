"""Sums over the observed entries t = (i_t, j_t), compiled.

`products` is `mcrepro._factors.entries`, compiled at every size: least squares on small problems
call it thousands of times.
"""

import numba
import numpy as np


@numba.njit(cache=True)
def products(i, j, U, V):
    """``<U[i_t], V[j_t]>`` for every entry t, shape (m,)."""
    out = np.empty(len(i))
    for t in range(len(i)):
        s = 0.0
        for k in range(U.shape[1]):
            s += U[i[t], k] * V[j[t], k]
        out[t] = s
    return out


@numba.njit(cache=True)
def gather(i, j, y, V, n):
    """Row a: the sum of ``y_t V[j_t]`` over the entries t with ``i_t = a``."""
    out = np.zeros((n, V.shape[1]))
    for t in range(len(i)):
        for k in range(V.shape[1]):
            out[i[t], k] += y[t] * V[j[t], k]
    return out


@numba.njit(cache=True)
def grams(i, j, V, ridge, n):
    """Block a: ridge I + the sum of ``V[j_t] V[j_t]^T`` over the entries t with ``i_t = a``."""
    r = V.shape[1]
    out = np.zeros((n, r, r))
    for a in range(n):
        for k in range(r):
            out[a, k, k] = ridge
    for t in range(len(i)):
        for k in range(r):
            for l in range(r):
                out[i[t], k, l] += V[j[t], k] * V[j[t], l]
    return out
