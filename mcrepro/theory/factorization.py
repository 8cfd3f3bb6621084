"""The factored objective of completion: derivatives, its tie to the nuclear norm, and a smallest trap.

The objective is ``f(U, V) = 1/2 sum over seen (U V^T - M)_ij^2 + ridge/2 (||U||_F^2 + ||V||_F^2)``.

References
----------
The textbook chapter, section "Nonconvex Approaches and the Benign Landscape of Factorized Models".
N. Srebro, J. Rennie, T. Jaakkola, "Maximum-margin matrix factorization", NIPS 2004 (Lemma 1, the
variational form of the nuclear norm).
"""

from typing import NamedTuple

import numpy as np


def objective(M, seen, U, V, ridge=0.0) -> float:
    """Return f(U, V).

    Parameters
    ----------
    M : (n1, n2) array
        Entries outside `seen` are not read.
    seen : (n1, n2) bool array
    U, V : (n1, r) and (n2, r) arrays
    ridge : float, default 0.0
    """
    residual = np.where(seen, U @ V.T - M, 0.0)
    return float(0.5 * np.sum(residual**2) + 0.5 * ridge * (np.sum(U**2) + np.sum(V**2)))


def gradient(M, seen, U, V, ridge=0.0) -> tuple[np.ndarray, np.ndarray]:
    """Return the gradient of `objective` in U and in V: (R V + ridge U, R^T U + ridge V)."""
    residual = np.where(seen, U @ V.T - M, 0.0)
    return residual @ V + ridge * U, residual.T @ U + ridge * V


def hessian(M, seen, U, V, ridge=0.0) -> np.ndarray:
    """Return the Hessian of `objective`, of shape (N, N), N = (n1 + n2) r, in (U, V) raveled.

    In the direction (P, Q) it is
    ``||seen (P V^T + U Q^T)||^2 + 2 <R, P Q^T> + ridge (||P||^2 + ||Q||^2)``.
    """
    (n1, r), n2 = U.shape, len(V)
    size = (n1 + n2) * r
    P = np.eye(size)[:, : n1 * r].reshape(size, n1, r)
    Q = np.eye(size)[:, n1 * r :].reshape(size, n2, r)
    moves = (seen * (P @ V.T + U @ Q.transpose(0, 2, 1))).reshape(size, -1)
    residual = np.where(seen, U @ V.T - M, 0.0)
    cross = np.einsum("ij,aik,bjk->ab", residual, P, Q)
    return moves @ moves.T + cross + cross.T + ridge * np.eye(size)


def balanced_factors(X, r: int) -> tuple[np.ndarray, np.ndarray]:
    """Return U, V with U V^T = X and 1/2 (||U||_F^2 + ||V||_F^2) = ||X||_*, the least there is.

    Raises
    ------
    ValueError
        If the rank of X exceeds r.
    """
    u, s, vt = np.linalg.svd(X, full_matrices=False)
    rank = int(np.sum(s > 1e-12 * s[0])) if s.size else 0
    if rank > r:
        raise ValueError(f"X has rank {rank}; factors with r={r} columns cannot give it")
    U, V = np.zeros((X.shape[0], r)), np.zeros((X.shape[1], r))
    U[:, :rank], V[:, :rank] = u[:, :rank] * np.sqrt(s[:rank]), vt[:rank].T * np.sqrt(s[:rank])
    return U, V


def weighted_loss(x, y, weight):
    """Return ``1/4 ((x^2 - 1)^2 + (y^2 - 1)^2 + 2 weight (x y - 1)^2)``.

    The expected loss of fitting the 2-by-2 matrix of ones by ``(x, y)(x, y)^T`` when an
    off-diagonal entry is seen `weight` times as often as a diagonal one. Takes arrays and rationals.
    """
    return ((x**2 - 1) ** 2 + (y**2 - 1) ** 2 + 2 * weight * (x * y - 1) ** 2) / 4


class Trap(NamedTuple):
    """A stationary point (x, -x) of `weighted_loss`."""

    square: object
    loss: object
    outward: object
    across: object


def trap(weight) -> Trap:
    """Return the stationary point (x, -x), x > 0, of `weighted_loss`, exactly for a rational weight.

    On the line y = -x the gradient vanishes at ``x^2 = (1 - weight)/(1 + weight)``. There the loss
    is ``2 weight/(1 + weight)``, the curvature along the line (`outward`) ``2 (1 - weight)`` and
    across it (`across`) ``2 (1 - 3 weight)/(1 + weight)``: a minimum for weights below 1/3, and one
    that is not global unless the weight is 0.

    Parameters
    ----------
    weight : Fraction, SymPy expression or float
        In [0, 1); at 1 the point is the origin.
    """
    square = (1 - weight) / (1 + weight)
    # fxx = 3 x^2 - 1 + weight y^2 and fxy = weight (2 x y - 1), at y = -x.
    along, mixed = 3 * square - 1 + weight * square, -weight * (2 * square + 1)
    loss = (2 * (square - 1) ** 2 + 2 * weight * (square + 1) ** 2) / 4
    return Trap(square, loss, along - mixed, along + mixed)
