"""How many matrices to learn from, at an equal number of steps: 4 × 4, rank two."""

import numpy as np
import pandas as pd

from mcrepro.experiments import Protocol, Sweep
from mcrepro.experiments.neural._printed import MASK_4
from mcrepro.experiments.neural._task import errors, learn, relative
from mcrepro.experiments.statistics import Estimate, mean


def trial(seed: np.random.SeedSequence, *, matrices: int, steps: int) -> dict:
    """Train with two hidden layers of 128 units for as many epochs as make up `steps`.

    Returns ``training`` and ``hidden``, root mean square errors at the hidden entries of training
    and of new matrices, relative to predicting zero.
    """
    epochs = max(1, round(steps / np.ceil(0.9 * matrices / 64)))
    net, train, test, _ = learn(
        np.random.default_rng(seed),
        MASK_4,
        2,
        width=128,
        layers=2,
        epochs=epochs,
        matrices=matrices,
    )
    hidden = ~MASK_4
    return {
        "training": relative(errors(net, train, MASK_4)[:, hidden], train[:, hidden]),
        "hidden": relative(errors(net, test, MASK_4)[:, hidden], test[:, hidden]),
    }


def many(table: pd.DataFrame) -> Estimate:
    """Error on new matrices after learning from 50,000; 1 is predicting zero."""
    return mean(table.loc[table["matrices"] == 50000, "hidden"])


PROTOCOL = Protocol(
    trial=trial,
    seed=2608,
    profiles={
        "smoke": Sweep({"matrices": [2000, 50000], "steps": 300}, trials=2),
        "quick": Sweep({"matrices": [2000, 50000], "steps": 2000}, trials=2),
        "paper": Sweep({"matrices": [500, 2000, 10000, 50000], "steps": 20000}, trials=3),
    },
)
