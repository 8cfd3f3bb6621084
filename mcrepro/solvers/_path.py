"""The path of softImpute: lam by cross-validation."""

from __future__ import annotations

import numpy as np

from mcrepro.solvers._loop import Loop

_LENGTH = 21  # lam on the path
_SPAN = 1e-3  # the last over the first
_HELD_OUT = 0.1
_FREE = 50  # a rank that is never too large
_WORSE = 2  # consecutive lam without improvement that end the path
# Held-out errors need no more than this gap, and warm starts reach it in as many sweeps.
_GTOL, _SWEEPS = 1e-3, 30


def cross_validated(data, lasso, sweeps, rng, rule, max_iter, limit):
    """lam of least error on held-out entries, along a decreasing path with warm starts.

    Parameters
    ----------
    data : Entries
    lasso : callable
        ``lasso(data, lam, limit, gtol)`` is the task of fitting `data`.
    sweeps : callable
        ``sweeps(task, start, max_iter)`` yields its iterates.
    rng : Generator
    rule : {"min", "1se"}
    max_iter : int
        For each lam.
    limit : int or None
        Largest rank of a fit. None ends the path before a fit of a rank above 50 that has more
        parameters than there are entries.

    Returns
    -------
    (float, (ndarray, ndarray), dict)
        lam; factors to start from; and "path", for each lam tried "regularization", "error"
        (weighted mean square on the held-out entries), "standard_error" and "rank", with
        "path_end", why there are no more: "error" rose, "rank" too large, or "length".
    """
    groups = data.groups()
    total = int(groups.max()) + 1
    if total < 2:
        raise ValueError("cross-validation needs at least two entries; give regularization")
    held = np.zeros(total, dtype=bool)
    held[rng.permutation(total)[: max(1, round(_HELD_OUT * total))]] = True
    train, test = data.keep(~held[groups]), data.keep(held[groups])
    # Where the data are zero every lam has the solution zero.
    top = lasso(data, 0.0, 1, _GTOL).zero_level() or 1.0
    share = test.weights / test.weights.sum()
    most = max(_FREE, largest_rank(train)) if limit is None else limit
    path, starts, best, end = [], [None], 0, "length"
    for lam in top * np.geomspace(1, _SPAN, _LENGTH):
        task = lasso(train, float(lam), most + (limit is None), _GTOL)
        steps = min(max_iter, _SWEEPS)
        iterates = sweeps(task, starts[-1], steps)
        next(iterates)  # the solution for another lam, and perhaps not far off
        point = Loop()(iterates, max_iter=max(steps - 1, 0), rtol=-1.0, gtol=_GTOL).iterate
        factors = task.factors(point)
        rank = factors[0].shape[1]
        if rank > most:
            end = "rank"
            break
        starts.append(factors)
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
            end = "error"
            break
    if rule == "1se":
        enough = path[best]["error"] + path[best]["standard_error"]
        best = next(k for k, record in enumerate(path) if record["error"] <= enough)
    chosen = path[best]["regularization"]
    return chosen, starts[best + 1], {"path": tuple(path), "path_end": end}


def largest_rank(data):
    """The largest r, at least 1, with ``r (n1 + n2 - r)`` no more than the number of entries."""
    n, m = sum(data.shape), len(data.values)
    root = n**2 - 4 * m
    r = (n - np.sqrt(root)) / 2 if root > 0 else n / 2
    return int(max(1, min(r, *data.shape)))
