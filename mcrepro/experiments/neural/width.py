"""Whether a width that grows like n² is enough: error against the constant in front of n².

Matrices of rank one with the last entry hidden, so that only the size varies.
"""

import numpy as np
import pandas as pd

from mcrepro.experiments import Protocol, Sweep
from mcrepro.experiments.neural._task import corner, errors, learn, relative
from mcrepro.experiments.statistics import Estimate, mean


def trial(seed: np.random.SeedSequence, *, n: int, factor: int, epochs: int) -> dict:
    """Train with two hidden layers of `factor` n² units.

    Returns ``hidden``, the root mean square error at the hidden entry of new matrices, relative to
    predicting zero.
    """
    mask = corner(n, n)
    net, _, test, _ = learn(
        np.random.default_rng(seed), mask, 1, width=factor * n * n, layers=2, epochs=epochs
    )
    return {"hidden": relative(errors(net, test, mask)[:, ~mask], test[:, ~mask])}


def growth_16(table: pd.DataFrame) -> Estimate:
    """Error for n = 4 less that for n = 2, both with 16 n² units."""
    return _growth(table, 16)


def growth_4(table: pd.DataFrame) -> Estimate:
    """Error for n = 4 less that for n = 2, both with 4 n² units."""
    return _growth(table, 4)


def _growth(table, factor):
    runs = table[table["factor"] == factor].pivot(index="trial", columns="n", values="hidden")
    return mean(runs[4] - runs[2])


def _sweep(epochs, factors, trials):
    return Sweep({"n": [2, 3, 4], "factor": factors, "epochs": epochs}, trials=trials)


PROTOCOL = Protocol(
    trial=trial,
    seed=2603,
    profiles={
        "smoke": _sweep(8, [4, 16], 2),
        "quick": _sweep(25, [1, 4, 16], 3),
        "paper": _sweep(300, [1, 4, 16], 5),
    },
)
