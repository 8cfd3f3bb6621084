"""A bound on all entries, against fits that put large values where nobody looks.

Noisy entries of 30-by-30 matrices of rank two, scaled to largest entry 1, are fitted by factors of rank
two with |X_ij| <= bound (method bm, projected gradient descent); every bound meets the same data.
"""

import numpy as np
import pandas as pd

import mcrepro as mc
from mcrepro.experiments import Protocol, Sweep
from mcrepro.experiments.statistics import Estimate, mean, rate

FREE = 100.0  # a bound that never binds


def trial(seed: np.random.SeedSequence, *, p: float, bound: float, n: int) -> dict:
    """Fit one matrix under one bound, given in units of the true largest entry.

    Returns
    -------
    dict
        ``train``, ``test``: root mean square error on the seen and on the hidden entries (against the
        noisy and the true values); ``largest``: of |X_ij|; ``zero``: the test error of X = 0.
    """
    rng = np.random.default_rng(seed)
    M = rng.uniform(-1, 1, (n, 2)) @ rng.uniform(-1, 1, (2, n))
    M /= np.abs(M).max()
    mask = rng.random((n, n)) < p
    noisy = M + 0.1 * rng.standard_normal((n, n))
    problem = mc.Problem.from_dense(noisy, mask)
    result = mc.complete(
        problem, "bm", rank=2, seed=0, optimizer="projected_gd", max_abs=bound, max_iter=600
    )
    X = result.matrix()
    return {
        "train": float(np.sqrt(np.mean((X - noisy)[mask] ** 2))),
        "test": float(np.sqrt(np.mean((X - M)[~mask] ** 2))),
        "largest": float(np.abs(X).max()),
        "zero": float(np.sqrt(np.mean(M[~mask] ** 2))),
    }


def bound_wins(table: pd.DataFrame) -> Estimate:
    """Share of matrices whose test error is lower with the true bound than without, where p is least."""
    few = table[table["p"] == table["p"].min()]
    wide = few.pivot(index="trial", columns="bound", values="test")
    return rate(int((wide[1.0] < wide[FREE]).sum()), len(wide))


def gaps(table: pd.DataFrame) -> dict[str, Estimate]:
    """Mean test error less training error for each bound, where p is least."""
    few = table[table["p"] == table["p"].min()]
    names = {0.5: "0.5", 1.0: "1", 2.0: "2", FREE: "none"}
    return {
        name: mean((part["test"] - part["train"]).to_numpy(), 1 - 0.05 / 3)
        for bound, name in names.items()
        if len(part := few[few["bound"] == bound])
    }


PROTOCOL = Protocol(
    trial=trial,
    seed=2601,
    shared=("bound",),
    profiles={
        "smoke": Sweep({"p": 0.3, "bound": [1.0, FREE], "n": 12}, trials=2),
        "quick": Sweep({"p": [0.2, 0.3], "bound": [0.5, 1.0, 2.0, FREE], "n": 30}, trials=3),
        "paper": Sweep({"p": [0.2, 0.3], "bound": [0.5, 1.0, 2.0, FREE], "n": 30}, trials=40),
    },
)
