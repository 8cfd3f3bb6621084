"""The ridge of alternating least squares by cross-validation."""

from __future__ import annotations

from mcrepro.solvers._loop import Loop

# Held-out share, ridges a halving apart, and failures that end the path; sweeps for each ridge.
_HELD_OUT, _PATH, _WORSE = 0.1, 20, 2
_SWEEPS, _GTOL = 8, 3e-3


def cross_validated(blocks, iterates, rank, rng, init, init_scale):
    """The ridge of least held-out error, along a path of halvings with warm starts.

    Parameters
    ----------
    blocks : Blocks
    iterates : callable
        ``iterates(blocks, factors, ridge, 0.0)`` yields the points of a fit.
    rank, rng, init, init_scale
        As `Blocks.start` takes them.

    Returns
    -------
    (float, (ndarray, ndarray), tuple of dict)
        The ridge; the factors fitted with the one next to it; and "ridge" and "error" (weighted
        mean square) of all that were tried.
    """
    if blocks.problem.n_observed < 2:
        raise ValueError("ridge='cv' needs at least two observed entries; give a number")
    keep = rng.permutation(blocks.problem.n_observed) >= round(
        max(1, _HELD_OUT * blocks.problem.n_observed)
    )
    train, test = blocks.part(keep)
    top = train.zero_level(rng) or 1.0
    start = train.start(rank, rng, init, init_scale)
    path, kept = [], []
    best = 0
    for step in range(1, _PATH + 1):
        ridge = top / 2**step
        fit = iterates(train, start, ridge, 0.0)
        point = Loop()(fit, max_iter=_SWEEPS, rtol=0.0, gtol=_GTOL).iterate
        start = train.given((point.left, point.right), rank)
        path.append({"ridge": ridge, "error": test(point)})
        kept.append(start)
        if path[-1]["error"] < path[best]["error"]:
            best = step - 1
        if step - 1 - best >= _WORSE:
            break
    return _vertex(path, best), kept[best], tuple(path)


def _vertex(path, best):
    """The ridge where the parabola through the best error and its neighbours is lowest."""
    if not 0 < best < len(path) - 1:
        return path[best]["ridge"]
    before, error, after = (record["error"] for record in path[best - 1 : best + 2])
    bend = before - 2 * error + after
    shift = 0.5 * (before - after) / bend if bend > 0 else 0.0  # in halvings, at most 1/2
    return path[best]["ridge"] / 2**shift
