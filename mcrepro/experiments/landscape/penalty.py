"""What α and λ do, on matrices of which much hangs on one row.

α is given as a multiple of the longest row of Z, λ as one of the theorem's μ²rp/α².
"""

import numpy as np

from mcrepro.experiments import Protocol, Sweep
from mcrepro.theory.landscape import symmetric_mask
from mcrepro.theory.landscape_rank_r import RankR, factor, incoherence

from ._rank_r import descend, relative_error


def trial(
    seed: np.random.SeedSequence,
    *,
    d: int,
    rank: int,
    peak: float,
    p: float,
    alpha: float,
    weight: float,
) -> dict:
    """Descend from one random start.

    Returns
    -------
    dict
        ``mu``, relative ``error``, ``recovered``, ``longest`` row of X over that of Z.
    """
    rng = np.random.default_rng(seed)
    Z, mask = factor(d, rank, 1.0, rng, peak), symmetric_mask(d, p, rng)
    mu, longest = incoherence(Z), np.linalg.norm(Z, axis=1).max()
    level = alpha * longest
    f = RankR(Z @ Z.T, mask, level, weight * mu**2 * rank * p / level**2)
    start = rng.standard_normal((d, rank)) / np.sqrt(d)
    X = descend(f, start, "lbfgs", max_iter=500, gtol=1e-7, rtol=1e-7).left
    error = relative_error(X, f.M)
    return {
        "mu": mu,
        "error": error,
        "recovered": bool(error < 1e-3),
        "longest": float(np.linalg.norm(X, axis=1).max() / longest),
    }


PROTOCOL = Protocol(
    trial=trial,
    seed=2601,
    shared=("alpha", "weight"),
    profiles={
        "smoke": Sweep(
            {
                "d": 40,
                "rank": 2,
                "peak": [0.0, 0.5],
                "p": 0.3,
                "alpha": [0.7, 4.0],
                "weight": [0.0, 1.0],
            },
            trials=2,
        ),
        "quick": Sweep(
            {
                "d": 60,
                "rank": 2,
                "peak": [0.0, 0.5],
                "p": 0.25,
                "alpha": [0.5, 0.8, 1.0, 2.0],
                "weight": [0.0, 1.0, 100.0],
            },
            trials=2,
        ),
        "paper": Sweep(
            {
                "d": 100,
                "rank": 2,
                "peak": [0.0, 0.5],
                "p": 0.15,
                "alpha": [0.5, 0.8, 1.0, 2.0, 4.0],
                "weight": [0.0, 1.0, 100.0],
            },
            trials=6,
        ),
    },
)
