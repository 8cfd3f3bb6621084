"""Does weighting by 1/p make gradient descent faster? And at which price with noise?

A rank-one matrix whose upper half of rows is seen with probability 0.9 and whose lower half with 0.15
is completed by gradient descent (method bm), with and without weights, on the same data.
"""

import numpy as np
import pandas as pd

import mcrepro as mc
from mcrepro.experiments import Protocol, Sweep
from mcrepro.experiments.statistics import Estimate, mean


def trial(seed: np.random.SeedSequence, *, weights: str, noise: float, n: int) -> dict:
    """Complete one matrix.

    Parameters
    ----------
    weights : {"none", "1/p"}
    noise : float
        Standard deviation, in units of that of the entries.
    n : int
        Rows and columns.

    Returns
    -------
    dict
        ``iterations`` until the relative residual (without noise) or the gradient is small;
        ``error``: relative error of the matrix; ``reason``: why it stopped.
    """
    rng = np.random.default_rng(seed)
    M = np.outer(rng.standard_normal(n), rng.standard_normal(n))
    chance = np.where(np.arange(n)[:, None] < n // 2, 0.9, 0.15) * np.ones((n, n))
    mask = rng.random((n, n)) < chance
    noisy = M + noise * M.std() * rng.standard_normal((n, n))
    problem = mc.Problem.from_dense(noisy, mask)
    options = {} if weights == "none" else {"weights": 1 / chance[problem.rows, problem.cols]}
    result = mc.complete(
        problem,
        "bm",
        rank=1,
        seed=0,
        optimizer="gd",
        max_iter=4000,
        rtol=1e-6,
        gtol=1e-6,
        **options,
    )
    return {
        "iterations": result.n_iter,
        "error": result.relative_error(M),
        "reason": result.stop_reason,
    }


def log_iterations(table: pd.DataFrame) -> dict[str, Estimate]:
    """Mean logarithm (base 2) of the iterations without noise, with weights and without."""
    clean = table[table["noise"] == 0]
    return {
        name: mean(
            np.log2(clean.loc[clean["weights"] == weights, "iterations"].to_numpy()), 1 - 0.05 / 2
        )
        for name, weights in (("1/p", "1/p"), ("none", "none"))
    }


PROTOCOL = Protocol(
    trial=trial,
    seed=2601,
    shared=("weights",),
    profiles={
        "smoke": Sweep({"weights": ["none", "1/p"], "noise": 0.0, "n": 20}, trials=2),
        "quick": Sweep({"weights": ["none", "1/p"], "noise": [0.0, 0.3], "n": 60}, trials=5),
        "paper": Sweep({"weights": ["none", "1/p"], "noise": [0.0, 0.3], "n": 60}, trials=60),
    },
)
