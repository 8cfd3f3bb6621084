"""Starts with one row far too long, whose own diagonal entry is unseen: where they end.

Nothing in the data holds such a row back. The others shrink until their products with it fit; if these
contradict one another, the objective falls on as the row grows, until the penalty stops it.
"""

import numpy as np
import pandas as pd

from mcrepro.experiments import Protocol, Sweep
from mcrepro.experiments.statistics import Estimate, rate
from mcrepro.theory.landscape import symmetric_mask
from mcrepro.theory.landscape_rank_r import RankR, factor

from ._rank_r import descend, relative_error, with_penalty

LENGTH = 10.0  # rows of Z are shorter than one


def trial(
    seed: np.random.SeedSequence, *, d: int, rank: int, p: float, penalty: str, starts: int
) -> dict:
    """Lead several such starts downhill, κ = 1; "theorem" is the penalty of Theorem 4.3.

    Returns
    -------
    dict
        Numbers of starts: ``escaped``, with a row longer than 100 at the end; ``spurious``, at a local minimum that is not M: the gradient below 1e-8, and no eigenvalue of the
        Hessian below 1e-6 p but the r(r - 1)/2 zeros of the rotations. Of the last of these ``curvature``, its
        next eigenvalue over p, and ``length``, its longest row over α (0 if none).
    """
    rng = np.random.default_rng(seed)
    Z, mask = factor(d, rank, 1.0, rng), symmetric_mask(d, p, rng)
    f = with_penalty(Z, mask, p) if penalty == "theorem" else RankR(Z @ Z.T, mask)
    rows = rng.permutation(np.flatnonzero(~np.diag(mask)))[:starts]
    found = {"escaped": 0, "spurious": 0, "curvature": 0.0, "length": 0.0}
    for i in rows:
        start, long = 0.03 * rng.standard_normal((d, rank)), rng.standard_normal(rank)
        start[i] = LENGTH * long / np.linalg.norm(long)
        X = descend(f, start, max_iter=100).left
        if relative_error(X, f.M) < 1e-3:
            continue
        longest = np.linalg.norm(X, axis=1).max()
        lowest = np.linalg.eigvalsh(f.hessian(X))[rank * (rank - 1) // 2] / p
        if longest > 100:
            found["escaped"] += 1
        elif np.abs(f.gradient(X)).max() < 1e-8 and lowest > 1e-6:
            found["spurious"] += 1
            found |= {"curvature": float(lowest), "length": float(longest / f.alpha)}
    return found


def none_found(table: pd.DataFrame) -> Estimate:
    """Share of instances without a spurious local minimum, α and λ as in Theorem 4.3."""
    good = table.loc[table["penalty"] == "theorem", "spurious"] == 0
    return rate(int(good.sum()), len(good))


PROTOCOL = Protocol(
    trial=trial,
    seed=2601,
    shared=("penalty",),
    profiles={
        "smoke": Sweep(
            {"d": 30, "rank": 2, "p": 0.6, "penalty": ["theorem", "none"], "starts": 2}, trials=2
        ),
        "quick": Sweep(
            {"d": 60, "rank": 2, "p": 0.6, "penalty": ["theorem", "none"], "starts": 4}, trials=8
        ),
        "paper": Sweep(
            {"d": 60, "rank": 2, "p": 0.6, "penalty": ["theorem", "none"], "starts": 4}, trials=60
        ),
    },
)
