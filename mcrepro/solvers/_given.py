"""What a method is given, brought to the form it computes with, and how well factors fit it."""

import numpy as np

from mcrepro._checks import reals
from mcrepro._factors import entries


def mirrored(problem):
    """Rows, columns and float64 values of the observed entries, sorted by row, then by column.

    Those of a symmetric problem come with their mirror images.
    """
    rows, cols, values = problem.rows, problem.cols, problem.values.astype(np.float64)
    if not problem.symmetric:
        return rows, cols, values
    n = problem.shape[0]
    keys = np.concatenate([rows * n + cols, cols * n + rows])
    # Where both (i, j) and (j, i) are observed, the first, which is the entry itself, stays.
    keys, first = np.unique(keys, return_index=True)
    return *np.divmod(keys, n), np.concatenate([values, values])[first]


def pair(start, shape, rank=None):
    """Check starting factors (left, right) and copy them to float64.

    Parameters
    ----------
    start : (array_like, array_like)
        To have shapes (n1, rank) and (n2, rank), or any equal width if `rank` is None.
    shape : (int, int)
    rank : int, optional
    """
    if not isinstance(start, tuple | list) or len(start) != 2:
        raise TypeError(
            f"start must be a pair (left, right) of factors, got {type(start).__name__}"
        )
    left, right = (
        reals(f"start: {name}", factor).astype(np.float64)
        for name, factor in zip(("left", "right"), start, strict=True)
    )
    width = rank if rank is not None else left.shape[-1] if left.ndim else 0
    for name, factor, n in (("left", left, shape[0]), ("right", right, shape[1])):
        if factor.shape != (n, width):
            raise ValueError(f"start: {name} must have shape {(n, width)}, got {factor.shape}")
        if not np.isfinite(factor).all():
            raise ValueError(f"start: {name} must be finite")
    return left, right


def misfit(problem, left, right):
    """``||P_Omega(left right^T - M)||_F / ||P_Omega(M)||_F``."""
    values = problem.values.astype(np.float64)
    difference = entries(left, right, problem.rows, problem.cols) - values
    return np.linalg.norm(difference) / (np.linalg.norm(values) or 1.0)
