"""Matrices of three rows and five columns, one entry hidden."""

import numpy as np
import pandas as pd

from mcrepro.experiments import Protocol, Sweep
from mcrepro.experiments.neural._task import corner, errors, learn, relative
from mcrepro.experiments.statistics import Estimate, mean


def trial(seed: np.random.SeedSequence, *, rank: int, epochs: int) -> dict:
    """Train two hidden layers of 8 · 15 units.

    Returns ``hidden``, the root mean square error at the hidden entry of new matrices, relative to
    predicting zero.
    """
    mask = corner(3, 5)
    net, _, test, _ = learn(
        np.random.default_rng(seed), mask, rank, width=120, layers=2, epochs=epochs
    )
    return {"hidden": relative(errors(net, test, mask)[:, ~mask], test[:, ~mask])}


def rank_one(table: pd.DataFrame) -> Estimate:
    """Error for rank one; 1 is predicting zero."""
    return mean(table.loc[table["rank"] == 1, "hidden"])


def rank_two(table: pd.DataFrame) -> Estimate:
    """Error for rank two; 1 is predicting zero."""
    return mean(table.loc[table["rank"] == 2, "hidden"])


def _sweep(epochs, trials):
    return Sweep({"rank": [1, 2], "epochs": epochs}, trials=trials)


PROTOCOL = Protocol(
    trial=trial,
    seed=2605,
    profiles={"smoke": _sweep(10, 2), "quick": _sweep(50, 3), "paper": _sweep(300, 5)},
)
