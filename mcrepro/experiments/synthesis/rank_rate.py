"""Success of each method over the sampling rate p and the rank r.

Square matrices with independent normal factors; each entry is seen with probability p, without any
further condition, so that a row may show fewer entries than it has unknowns.
"""

import numpy as np
import pandas as pd

import mcrepro as mc
from mcrepro.experiments import Protocol, Sweep

from . import _maps


def trial(
    seed: np.random.SeedSequence, *, n: int, p: float, rank: int, method: str, batch: int
) -> list[dict]:
    """Draw `batch` problems and run one method on each; one row a problem (see `_maps.rows`)."""
    drawn, started = (np.random.default_rng(s) for s in seed.spawn(2))
    problems = [_draw(n, p, rank, drawn) for _ in range(batch)]
    return _maps.rows(problems, method, rank, started)


def _draw(n, p, rank, rng):
    M = rng.standard_normal((n, rank)) @ rng.standard_normal((rank, n))
    return mc.Problem.from_dense(M, rng.random((n, n)) < p)


def shares(table: pd.DataFrame) -> pd.DataFrame:
    """Share solved and share at the limit, by method, rank and rate."""
    keys = ["method", "rank", "p"]
    return table.groupby(keys, sort=False)[["solved", "limit"]].mean().reset_index()


def boundary(n: int, rank, ratio: float = 1.0):
    """The rate at which `ratio` times as many entries as degrees of freedom are expected."""
    return ratio * np.asarray(rank) * (2 * n - np.asarray(rank)) / n**2


_ALL = [method for method in _maps.METHODS if method != "alternating_gd"]

PROTOCOL = Protocol(
    trial=trial,
    seed=7305,
    shared=("method",),
    profiles={
        "smoke": Sweep({"n": 12, "p": [0.4, 0.8], "rank": [1, 2], "method": _ALL, "batch": 1}),
        "quick": Sweep(
            {"n": 20, "p": [0.2, 0.4, 0.6, 0.8], "rank": [1, 2, 4], "method": _ALL, "batch": 2}
        ),
        "paper": Sweep(
            {
                "n": 30,
                "p": [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9],
                "rank": [1, 2, 3, 4, 5, 6],
                "method": _ALL,
                "batch": 5,
            },
            trials=2,
        ),
    },
)
