"""The path of softImpute: lam by cross-validation."""

from __future__ import annotations

import numpy as np

from mcrepro.solvers._loop import Loop

_LENGTH = 25  # lam on the path
_SPAN = 1e-3  # the last over the first
_HELD_OUT = 0.1
_WORSE = 3  # consecutive lam without improvement that end the path
_PATH_TOLERANCE = 1e-4


def cross_validated(data, lasso, sweeps, rng, rule, max_iter):
    """lam of least error on held-out entries, along a decreasing path with warm starts.

    Parameters
    ----------
    data : Entries
    lasso : callable
        ``lasso(data, lam)`` is the task of fitting `data`.
    rng : Generator
    rule : {"min", "1se"}
    max_iter : int
        For each lam.

    Returns
    -------
    (float, (ndarray, ndarray), tuple of dict)
        lam, factors to start from, and for each lam tried "regularization", "error" (weighted mean
        square on the held-out entries), "standard_error" and "rank".
    """
    groups = data.groups()
    total = int(groups.max()) + 1
    if total < 2:
        raise ValueError("cross-validation needs at least two entries; give regularization")
    held = np.zeros(total, dtype=bool)
    held[rng.permutation(total)[: max(1, round(_HELD_OUT * total))]] = True
    train, test = data.keep(~held[groups]), data.keep(held[groups])
    # Where the data are zero every lam has the solution zero.
    top = lasso(data, 0.0).zero_level() or 1.0
    share = test.weights / test.weights.sum()
    path, starts, best = [], [None], 0
    for lam in top * np.geomspace(1, _SPAN, _LENGTH):
        task = lasso(train, float(lam))
        iterates = sweeps(task, starts[-1], max_iter)
        point = Loop()(iterates, max_iter=max_iter, rtol=-1.0, gtol=_PATH_TOLERANCE).iterate
        starts.append(task.factors(point))
        squares = (test.values - test.at(point.left, point.right)) ** 2
        error = float(share @ squares)
        record = {
            "regularization": float(lam),
            "error": error,
            "standard_error": float(np.linalg.norm(share * (squares - error))),
            "rank": point.left.shape[1],
        }
        path.append(record)
        if error < path[best]["error"]:
            best = len(path) - 1
        if len(path) - 1 - best >= _WORSE:
            break
    if rule == "1se":
        enough = path[best]["error"] + path[best]["standard_error"]
        best = next(k for k, record in enumerate(path) if record["error"] <= enough)
    return path[best]["regularization"], starts[best + 1], tuple(path)
