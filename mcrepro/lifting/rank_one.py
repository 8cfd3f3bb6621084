"""Rank one: finding the component, measuring how far a tensor is from it, and what the paper printed.

All functions take tensors of shape (N,)*order, or (trials, N, ..., N).
"""

from __future__ import annotations

from itertools import permutations

import numpy as np

from mcrepro._checks import generator, integer, one_of
from mcrepro.lifting._kronecker import power

_MAX_ITER = 500


def leading_component(T, order, *, restarts=8, seed=0, symmetric=False):
    """The best rank-one approximation ``size * v^{⊗l}`` of a tensor that was found: tensor PCA.

    Maximises ``<T, v^{⊗l}>`` over unit vectors v. That is NP-hard in general; here the higher-order
    power method climbs from the leading singular vector of the first unfolding and from random
    vectors, and the highest point counts. Where a step would descend it is shifted, after which
    it cannot (T. G. Kolda, J. R. Mayo, "Shifted power method for computing tensor eigenpairs",
    SIAM J. Matrix Anal. Appl. 32, 2011). A tensor near rank one needs none of this: every start
    that is not orthogonal to v arrives within a few steps.

    Parameters
    ----------
    T : array_like, shape (N,)*order or (trials, N, ..., N)
        Its symmetric part is what counts.
    order : int
        Odd.
    restarts : int, default 8
        Random starts besides the one from the unfolding.
    seed : int, SeedSequence or Generator, default 0
        All trials take the same random starts.
    symmetric : bool, default False
        T is known to be symmetric, which otherwise is looked at and, if need be, brought about.

    Returns
    -------
    size : float, or ndarray of shape (trials,)
        At least 0; it is the largest value found, and NaN for a tensor that is not finite.
    v : ndarray, shape (N,) or (trials, N)
        Of norm 1.
    """
    order = integer("order", order, 1)
    if order % 2 == 0:
        raise ValueError(f"order must be odd, got {order}")
    restarts = integer("restarts", restarts, 0)
    T, single = _batch(T, order)
    trials, N = T.shape[:2]
    # Brought to largest entry 1, no product overflows; what is not finite is left out.
    scale = np.abs(T).reshape(trials, -1).max(axis=1)
    finite = np.isfinite(scale)
    usable = finite & (scale > 0)
    T = T / np.where(usable, scale, 1.0).reshape(-1, *[1] * order)
    T[~finite] = 0.0
    if not symmetric:
        T = symmetric_part(T, order)
    starts = np.empty((trials, 1 + restarts, N))
    starts[:, 0] = _unfolding_vector(T)
    starts[:, 1:] = generator(seed).standard_normal((restarts, N))
    starts /= np.linalg.norm(starts, axis=2, keepdims=True)
    size, v = _climb(T, starts)
    best = size.argmax(axis=1)
    size, v = size[np.arange(trials), best], v[np.arange(trials), best]
    size = np.where(finite, size * np.where(finite, scale, 1.0), np.nan)
    v = np.where(finite[:, None], v, np.nan)
    return (float(size[0]), v[0]) if single else (size, v)


def symmetric_part(T, order):
    """Mean of T over all permutations of its modes; T itself where they do not change it."""
    T, single = _batch(T, order)
    size = np.abs(T).max(initial=0.0)
    apart = [np.abs(T - T.swapaxes(k, k + 1)).max(initial=0.0) for k in range(1, order)]
    # Adjacent transpositions generate all permutations.
    if max(apart, default=0.0) > 1e-12 * size:
        orders = list(permutations(range(1, order + 1)))
        T = sum(T.transpose(0, *axes) for axes in orders) / len(orders)
    return T[0] if single else T


def residual(T, order, size, v):
    """``||T - size v^{⊗l}||_F / ||T||_F``: 0 for that rank-one tensor, 1 for one orthogonal to it.

    With `leading_component`'s size and v this is the distance to the nearest symmetric rank-one
    tensor found, relative to the norm; 0 for T = 0.
    """
    T, single = _batch(T, order)
    T = T.reshape(len(T), -1)
    near = np.reshape(size, (-1, 1)) * power(np.reshape(v, (len(T), -1)), order)
    norm = np.linalg.norm(T, axis=1)
    out = np.linalg.norm(T - near, axis=1) / np.where(norm > 0, norm, 1.0)
    return float(out[0]) if single else out


def unfolding_ratio(T, order):
    """σ_2 / σ_1 of the N x N^{l-1} unfolding along the first mode, between 0 and 1.

    0 exactly for rank one (for a symmetric T it is 0 for nothing else); 0 also for T = 0 and for
    order 1, where the unfolding has one column. NaN for a tensor that is not finite.
    """
    T, single = _batch(T, order)
    out = singular_ratio(T.reshape(*T.shape[:2], -1), 1)
    return float(out[0]) if single else out


def singular_ratio(A, rank):
    """``σ_{rank+1} / σ_1`` of every matrix A, shape (trials, p, q); 0 where there is none."""
    out = np.zeros(len(A))
    if min(A.shape[1:]) <= rank:
        return out
    for k, matrix in enumerate(A):
        if not np.isfinite(matrix).all():
            out[k] = np.nan
        elif (values := np.linalg.svd(matrix, compute_uv=False))[0] > 0:
            out[k] = values[rank] / values[0]
    return out


def variational_minimum(T, order, vectors, norm="printed"):
    """The inner minimum of the paper's Definition C.7, over one subspace S.

    S is spanned by ``a_1^{⊗l}, ..., a_k^{⊗l}`` for orthonormal a_i, and the quotient is
    ``|<T, u>| / ||u||_F^2`` as printed, or with ``||u||_F`` when ``norm="homogeneous"``.

    It is 0 for every T and S when k is 2 or more: ``u -> <T, u>`` is linear, and a linear function
    on a space of two dimensions has a kernel. With the printed square it is 0 for k = 1, too: the
    quotient at c u is that at u divided by |c|, so that its infimum is 0 and not attained.

    Parameters
    ----------
    T : array_like, shape (N,)*order
    order : int
    vectors : array_like, shape (N, k)
        Orthonormal columns a_i.
    norm : {"printed", "homogeneous"}

    Returns
    -------
    minimum : float
    witness : ndarray, shape (k,)
        Coefficients of norm 1 of a u in S that attains it; for k = 1 the only direction.
    """
    one_of("norm", norm, ("printed", "homogeneous"))
    vectors = np.asarray(vectors, dtype=np.float64)
    k = vectors.shape[1]
    if not np.allclose(vectors.T @ vectors, np.eye(k), atol=1e-10):
        raise ValueError("vectors must have orthonormal columns")
    values = power(vectors.T, order) @ np.ravel(T)
    if k == 1:
        return (0.0 if norm == "printed" else float(abs(values[0]))), np.ones(1)
    # Any vector orthogonal to the values; the last right singular vector is one.
    witness = np.linalg.svd(values[None])[2][-1]
    return 0.0, witness


def _climb(T, v):
    """The power method from the rows of v, shape (trials, starts, N); their values and ends."""
    order = T.ndim - 1
    image = _contract(T, v)
    value = np.einsum("tsn,tsn->ts", image, v)
    # Odd order: the value changes sign with v.
    v = np.where(value < 0, -1.0, 1.0)[..., None] * v
    value = np.abs(value)
    shift = np.zeros_like(value)
    # From this shift on a step cannot descend.
    enough = (order - 1) * np.linalg.norm(T.reshape(len(T), -1), axis=1)[:, None]
    for _ in range(_MAX_ITER):
        # An even power of v was applied: its image does not depend on the sign of v.
        new = image + shift[..., None] * v
        length = np.linalg.norm(new, axis=2, keepdims=True)
        new = np.where(length > 0, new / np.where(length > 0, length, 1.0), v)
        new_image = _contract(T, new)
        new_value = np.einsum("tsn,tsn->ts", new_image, new)
        descends = new_value < value - 1e-14 * enough
        settled = ~descends & (np.abs(new - v).max(axis=2) <= 1e-14)
        shift = np.where(descends, np.maximum(2 * shift, enough / 16), shift)
        keep = descends[..., None]
        v, image = np.where(keep, v, new), np.where(keep, image, new_image)
        value = np.where(descends, value, new_value)
        if settled.all():
            break
    return value, v


def _contract(T, v):
    """T with v in all modes but the first, shape (trials, starts, N)."""
    trials, N = T.shape[:2]
    columns = v.swapaxes(1, 2)
    out = T.reshape(trials, -1, 1)
    if T.ndim == 2:
        return np.repeat(T[:, None], v.shape[1], axis=1)
    out = T.reshape(trials, -1, N) @ columns
    for _ in range(T.ndim - 3):
        out = np.einsum("tmns,tns->tms", out.reshape(trials, -1, N, out.shape[-1]), columns)
    return np.ascontiguousarray(out.swapaxes(1, 2))


def _unfolding_vector(T):
    """Leading left singular vector of the first unfolding, shape (trials, N)."""
    A = T.reshape(*T.shape[:2], -1)
    return np.linalg.eigh(A @ A.swapaxes(1, 2))[1][:, :, -1]


def _batch(T, order):
    T = np.asarray(T, dtype=np.float64)
    if T.ndim not in (order, order + 1) or len(set(T.shape[-order:])) != 1:
        raise ValueError(
            f"a tensor of order {order} needs {order} equal modes, with an axis of trials in front "
            f"if there are several, got shape {T.shape}"
        )
    return (T[None], True) if T.ndim == order else (T, False)
