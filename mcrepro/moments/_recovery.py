"""What recovering T from a Hájek estimate asks to be minimised, and from where.

The pairs {i, j} of Omega are kept once, as (i, j) with i <= j. A pair off the diagonal stands for
two entries of T, so its weight is doubled.
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from mcrepro._checks import one_of, real
from mcrepro.problem import Problem
from mcrepro.solvers._start import leading_eigenpairs

#: Published values of the weight of the diagonal, as functions of p, n and d.
DIAGONAL_WEIGHTS = {
    "expected_pairs": lambda p, n, _d: n * p**2,
    "pair_seen_in_d": lambda p, _n, d: -np.expm1(d * np.log1p(-(p**2))) if p < 1 else 1.0,
    "pair_seen": lambda p, n, _d: -np.expm1(n * np.log1p(-(p**2))) if p < 1 else 1.0,
    "entry_seen": lambda p, n, _d: -np.expm1(n * np.log1p(-p)) if p < 1 else 1.0,
}


def diagonal_weight(q, moments) -> float:
    """The weight of the diagonal as a number; a name takes p as the observed share of entries."""
    if isinstance(q, str):
        one_of("diagonal_weight", q, DIAGONAL_WEIGHTS)
        p = moments.n_entries / (moments.n_rows * moments.d)
        return float(DIAGONAL_WEIGHTS[q](p, moments.n_rows, moments.d))
    return real("diagonal_weight", q, 0)


def observed_pairs(moments):
    """T-bar on the pairs of Omega, and their counts.

    Returns
    -------
    problem : Problem
        Symmetric, shape (d, d), with the entries i <= j of Omega.
    counts : ndarray of float, shape (m,)
        N at the entries of `problem`, in its order.
    """
    i, j, counts, sums = moments.pairs()
    shape = (moments.d, moments.d)
    return Problem(i, j, sums / counts, shape, symmetric=True), counts.astype(np.float64)


def pair_weights(problem, counts, q: float) -> np.ndarray:
    """Weights of the kept pairs, adding up to 1: W_ij over the sum of W over Omega."""
    weights = np.where(problem.rows == problem.cols, q, 2.0) * counts
    total = weights.sum()
    if not total > 0:
        raise ValueError(
            "diagonal_weight=0 leaves nothing to fit: no two columns are observed in one row"
        )
    return weights / total


def spectral_start(problem, counts, rank, rng) -> np.ndarray:
    """Leading part of an estimate of T that is zero off Omega, shape (d, rank).

    Off the diagonal it is ``S_ij`` over the mean of N over *all* pairs i < j, seen or not, so that
    it is T on average although most of it is zero; the diagonal is T-bar's.
    """
    d = problem.shape[0]
    diagonal = problem.rows == problem.cols
    mean = counts[~diagonal].sum() / max(d * (d - 1) / 2, 1)
    upper = np.where(diagonal, 0.5, counts / (mean or 1.0)) * problem.values
    A = sp.csr_array((upper, (problem.rows, problem.cols)), shape=problem.shape)
    eigenvalues, Q = leading_eigenpairs(lambda X: A @ X + A.T @ X, d, rank, rng)
    X = Q * np.sqrt(np.maximum(eigenvalues, 0.0))
    # Where A has no positive eigenvalue left, a zero column would be a saddle.
    missing = eigenvalues <= 1e-12 * max(eigenvalues[0], 0.0)
    size = np.sqrt(np.abs(problem.values).mean() / rank)
    X[:, missing] = 0.01 * size * rng.standard_normal((d, missing.sum()))
    return X


def halving_descent(loss, W, *, step: float, halvings: int):
    """``W <- W - t grad f(W)`` with t = `step`, halved up to `halvings` times until f decreases."""
    value, gradient, r = loss.measure(W)
    while True:
        yield W, value, gradient, r
        for t in step * 0.5 ** np.arange(halvings + 1):
            trial = W - t * gradient
            measured = loss.measure(trial)
            if measured[0] < value:
                break
        else:
            return
        W = trial
        value, gradient, r = measured
