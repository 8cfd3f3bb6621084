"""Weights of the observed entries and the bound on all entries, as the factored methods take them."""

from __future__ import annotations

import numpy as np

from mcrepro._checks import one_of, real, reals


def entry_weights(given, problem):
    """The weight of every observed entry, shape (m,), or None for equal ones.

    Parameters
    ----------
    given : None, "rows+columns" or array_like, shape (m,) or (n1, n2)
        Positive numbers in the order of ``problem.values`` or for the whole matrix, used as they
        are; or the inverse of ``p_ij = n_i n_j / m``, the share that a law of independent rows and columns gives to an
        entry whose row and column have n_i and n_j, scaled to mean 1.
    problem : Problem
    """
    if given is None:
        return None
    if isinstance(given, str):
        one_of("weights", given, ("rows+columns",))
        by_row, by_col = np.bincount(problem.rows), np.bincount(problem.cols)
        inverse = 1.0 / (by_row[problem.rows] * by_col[problem.cols].astype(np.float64))
        return inverse / inverse.mean()
    weights = reals("weights", given).astype(np.float64)
    if weights.shape == problem.shape:
        weights = weights[problem.rows, problem.cols]
    elif weights.shape != (problem.n_observed,):
        raise ValueError(
            f"weights must have shape {(problem.n_observed,)}, one for each of problem.values, "
            f"or {problem.shape}, got {weights.shape}"
        )
    if not (np.isfinite(weights) & (weights > 0)).all():
        raise ValueError("weights must be positive and finite at every observed entry")
    return weights


def row_radius(max_abs):
    """Radius of the ball for the rows of both factors that keeps every entry within `max_abs`.

    ``|<u_i, v_j>| <= ||u_i|| ||v_j||``: with rows of norm at most sqrt(M) no entry exceeds M. This
    is the ball of the max-norm, which the entry bound contains; for rank 1 they are equal.
    """
    if max_abs is None:
        return np.inf
    return float(np.sqrt(real("max_abs", max_abs, 0, open_low=True)))


def into_ball(W, radius):
    """Rows of W longer than `radius`, brought back to it."""
    if radius == np.inf:
        return W
    norms = np.linalg.norm(W, axis=1, keepdims=True)
    return W * np.minimum(1.0, radius / np.maximum(norms, radius))


def inward(W, gradient, radius):
    """The gradient without what only the ball holds back; zero exactly at a stationary point.

    For rows on the sphere along which descent points outward that is the radial part.
    """
    if radius == np.inf:
        return gradient
    radial = np.sum(W * gradient, axis=1)
    held = (np.linalg.norm(W, axis=1) >= radius * (1 - 1e-12)) & (radial < 0)
    return gradient - np.where(held, radial / radius**2, 0.0)[:, None] * W
