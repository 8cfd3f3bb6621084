"""Means of the observed entries: the baseline nobody may lose to.

The two-way model is the least-squares fit

    min over a, b of 1/2 * sum over Omega of (g + a_i + b_j - M_ij)^2,

g the mean of all observed entries, solved for its solution of least norm in (a, b). That choice
decides what the data leave open: a row without entries gets a_i = 0, and between parts of the
matrix that share neither rows nor columns the fit adds nothing to g.

All of them are linear least squares, so the stopping test is the cosine of the largest angle that
the normal equations leave: ``||A^T r|| / (||A|| ||r||)`` with A the 0/1 design.
"""

import numpy as np
import scipy.sparse as sp
from scipy.sparse.linalg import lsmr

from mcrepro._checks import one_of
from mcrepro.solvers._loop import Iterate
from mcrepro.solvers._registry import method

_KINDS = ("global", "rows", "columns", "rows+columns")


@method(
    "mean",
    setting="rectangular or symmetric; no low rank assumed",
    cost="O(m)",
    source="least-squares two-way layout",
    citation="H. Scheffé, The Analysis of Variance, Wiley, 1959, chapter 4",
)
def mean(problem, rank=None, rng=None, loop=None, *, kind="rows+columns"):
    """Complete by means.

    Parameters
    ----------
    problem : Problem
    rank : int, optional
        Largest rank allowed; "rows+columns" needs 2, the others 1.
    kind : {"rows+columns", "global", "rows", "columns"}
        Which means; rows or columns without entries take the mean of all entries.
    """
    del rng  # nothing here is random
    one_of("kind", kind, _KINDS)
    width = 2 if kind == "rows+columns" else 1
    if rank is not None and rank < width:
        raise ValueError(f"rank={rank} is too small: kind={kind!r} is a model of rank {width}")
    return loop(_fit(problem, kind), max_iter=0, rtol=1e-12, gtol=1e-8)


def _fit(problem, kind):
    (n1, n2), values = problem.shape, problem.values.astype(np.float64)
    g = values.mean()
    a, b = np.zeros(n1), np.zeros(n2)
    design = _design(problem, kind)
    if kind == "rows":
        a = _means(problem.rows, values - g, n1)
    elif kind == "columns":
        b = _means(problem.cols, values - g, n2)
    elif kind == "rows+columns":
        ab = lsmr(design, values - g, atol=1e-13, btol=1e-13, conlim=0, maxiter=10_000)[0]
        a, b = ab[:n1], ab[n1:]
    if kind == "rows+columns":
        left, right = np.column_stack([g + a, np.ones(n1)]), np.column_stack([np.ones(n2), b])
    else:
        left, right = (g + a)[:, None], np.ones((n2, 1))
        if kind == "columns":
            left, right = np.ones((n1, 1)), (g + b)[:, None]
    residual = g + a[problem.rows] + b[problem.cols] - values
    size = np.linalg.norm(residual)
    scale = np.sqrt(design.sum(axis=0).max()) * size  # at most ||A|| ||r||
    yield Iterate(
        left,
        right,
        objective=0.5 * size**2,
        residual=size / (np.linalg.norm(values) or 1.0),
        gradient_norm=np.linalg.norm(design.T @ residual) / scale if scale else 0.0,
    )


def _means(index, values, n):
    """Mean of the values of each index; 0 where there are none."""
    count = np.bincount(index, minlength=n)
    return np.bincount(index, weights=values, minlength=n) / np.maximum(count, 1)


def _design(problem, kind):
    """A: one row an observed entry, one column a free mean."""
    (n1, n2), m = problem.shape, problem.n_observed
    ones, entry = np.ones(m), np.arange(m)
    by = {
        "global": sp.csr_array(np.ones((m, 1))),
        "rows": sp.csr_array((ones, (entry, problem.rows)), shape=(m, n1)),
        "columns": sp.csr_array((ones, (entry, problem.cols)), shape=(m, n2)),
    }
    if kind == "rows+columns":
        return sp.hstack([by["rows"], by["columns"]], format="csr")
    return by[kind]
