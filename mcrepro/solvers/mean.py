"""Means of the observed entries: the baseline nobody may lose to.

The two-way model is the least-squares fit

    min over a, b of 1/2 * sum over Omega of (g + a_i + b_j - M_ij)^2,

g the mean of all observed entries, solved for its solution of least norm in (a, b). That choice
decides what the data leave open: a row without entries gets a_i = 0, and between parts of the
matrix that share neither rows nor columns the fit adds nothing to g. The longer of a and b is
eliminated, and conjugate gradients with a diagonal preconditioner find the other; the share of the
error that a step leaves depends on how well the pattern connects rows with columns, not on m.

All of them are linear least squares, so the stopping test is the cosine of the largest angle that
the normal equations leave: ``||A^T r|| / (||A|| ||r||)`` with A the 0/1 design.
"""

import numpy as np
import scipy.sparse as sp
from scipy.sparse.csgraph import connected_components

from mcrepro._checks import one_of
from mcrepro.solvers._loop import Iterate
from mcrepro.solvers._registry import method

_KINDS = ("global", "rows", "columns", "rows+columns")
# Of conjugate gradients: the residual over the data after each of two runs, and steps at most. The
# second is no smaller than rounding, whose part in the null space of the system no step removes.
_ACCURACIES, _STEPS = (1e-8, 1e-14), 10_000


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
    (n1, n2), rows, cols = problem.shape, problem.rows, problem.cols
    values = problem.values.astype(np.float64)
    g = values.mean()
    a, b = np.zeros(n1), np.zeros(n2)
    if kind == "rows":
        a = _sums(rows, values - g, n1) / np.maximum(_sums(rows, None, n1), 1)
    elif kind == "columns":
        b = _sums(cols, values - g, n2) / np.maximum(_sums(cols, None, n2), 1)
    elif kind == "rows+columns":
        a, b = _two_way(problem, values - g)
    if kind == "rows+columns":
        left, right = np.column_stack([g + a, np.ones(n1)]), np.column_stack([np.ones(n2), b])
    else:
        left, right = (g + a)[:, None], np.ones((n2, 1))
        if kind == "columns":
            left, right = np.ones((n1, 1)), (g + b)[:, None]
    residual = g + a[rows] + b[cols] - values
    size = np.linalg.norm(residual)
    # A has a column for each free mean: its entries' places. The largest is at most ||A||.
    groups = {"rows": [(rows, n1)], "columns": [(cols, n2)], "global": [(np.zeros_like(rows), 1)]}
    groups["rows+columns"] = groups["rows"] + groups["columns"]
    scale = np.sqrt(max(_sums(index, None, n).max() for index, n in groups[kind])) * size
    gradient = np.concatenate([_sums(index, residual, n) for index, n in groups[kind]])
    yield Iterate(
        left,
        right,
        objective=0.5 * size**2,
        residual=size / (np.linalg.norm(values) or 1.0),
        gradient_norm=np.linalg.norm(gradient) / scale if scale else 0.0,
    )


def _sums(index, values, n):
    """Sum of the values (their number for None) of each index below n."""
    return np.bincount(index, weights=values, minlength=n).astype(np.float64)


def _two_way(problem, values):
    """The (a, b) of least norm that minimises ``sum over Omega of (a_i + b_j - value_ij)^2``."""
    (n1, n2), rows, cols = problem.shape, problem.rows, problem.cols
    if n1 < n2:
        indptr = np.searchsorted(rows, np.arange(n1 + 1))
        C = sp.csr_array((np.ones(len(rows)), cols, indptr), shape=(n1, n2)).T.tocsr()
    else:
        C = problem.to_csr()
        C.data = np.ones(len(rows))
    sums = [_sums(rows, values, n1), _sums(cols, values, n2)]
    # The normal equations are [[D1, C], [C^T, D2]] (a, b) = sums, D1 and D2 the counts.
    if n1 < n2:
        sums.reverse()
    long, short = _eliminated(C, *sums)
    # The solution of least norm: in each connected part a and b have the same sum.
    joined = sp.block_array([[None, C], [C.T, None]], format="csr")
    count, part = connected_components(joined, directed=False)
    sign = np.repeat([1.0, -1.0], [len(long), len(short)])
    excess = _sums(part, sign * np.concatenate([long, short]), count) / _sums(part, None, count)
    long, short = long - excess[part[: len(long)]], short + excess[part[len(long) :]]
    return (short, long) if n1 < n2 else (long, short)


def _eliminated(C, f, g):
    """A solution (x, y) of ``D1 x + C y = f``, ``C^T x + D2 y = g`` with D1, D2 the sums of C.

    y solves ``(D2 - C^T D1^-1 C) y = g - C^T D1^-1 f``, which is consistent, by conjugate
    gradients; they begin anew once, so that rounding errors of the first run do not stay.
    """
    Ct = C.T.tocsr()
    d1, d2 = np.maximum(C.sum(axis=1), 1.0), np.maximum(Ct.sum(axis=1), 1.0)
    y, whole = np.zeros(len(g)), np.dot(f / d1, f) + np.dot(g / d2, g)
    for accuracy in _ACCURACIES:
        r = g - d2 * y - Ct @ ((f - C @ y) / d1)
        p = r / d2
        energy = np.dot(r, p)
        for _ in range(_STEPS):
            if energy <= accuracy**2 * whole:
                break
            Sp = d2 * p - Ct @ ((C @ p) / d1)
            step = energy / np.dot(p, Sp)
            y += step * p
            r -= step * Sp
            before, energy = energy, np.dot(r, r / d2)
            p = r / d2 + energy / before * p
    return (f - C @ y) / d1, y
