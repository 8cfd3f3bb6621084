"""One hidden layer against two: the same matrices, the same width or the same number of weights."""

import numpy as np
import pandas as pd

from mcrepro.experiments import Protocol, Sweep
from mcrepro.experiments.neural._printed import MASK_2, MASK_4
from mcrepro.experiments.neural._task import errors, learn, relative
from mcrepro.experiments.statistics import Estimate, mean


def trial(seed: np.random.SeedSequence, *, n: int, epochs: int, network: str) -> dict:
    """Train one of the three networks.

    Parameters
    ----------
    network : {"one", "one wide", "two"}
        Hidden layers, of 8 n² units; "one wide" has as many weights as "two".

    Returns
    -------
    dict
        ``weights``; ``training``, ``hidden``: root mean square error at the hidden entries of
        training and of new matrices, relative to predicting zero.
    """
    mask, rank = (MASK_2, 1) if n == 2 else (MASK_4, 2)
    width, layers = 8 * n * n, 2 if network == "two" else 1
    if network == "one wide":
        width = equal_width(int(mask.sum()), width, n * n)
    net, train, test, _ = learn(
        np.random.default_rng(seed), mask, rank, width=width, layers=layers, epochs=epochs
    )
    return {
        "weights": len(net.weights),
        "training": relative(errors(net, train, mask)[:, ~mask], train[:, ~mask]),
        "hidden": relative(errors(net, test, mask)[:, ~mask], test[:, ~mask]),
    }


def equal_width(inputs: int, width: int, outputs: int) -> int:
    """Width of one hidden layer with as many weights as two of `width`, rounded up."""
    weights = (inputs + 1) * width + (width + 1) * (width + outputs)
    return -(-(weights - outputs) // (inputs + 1 + outputs))


def gain_2(table: pd.DataFrame) -> Estimate:
    """By which part the second layer lowers the 2 × 2 error at equal width."""
    return _gain(table, 2, "one", "hidden")


def gain_2_weights(table: pd.DataFrame) -> Estimate:
    """By which part it lowers the 2 × 2 error at equal number of weights."""
    return _gain(table, 2, "one wide", "hidden")


def gain_4(table: pd.DataFrame) -> Estimate:
    """By which part the second layer lowers the 4 × 4 error at equal width."""
    return _gain(table, 4, "one", "hidden")


def gain_4_weights(table: pd.DataFrame) -> Estimate:
    """By which part it lowers the 4 × 4 error at equal number of weights."""
    return _gain(table, 4, "one wide", "hidden")


def gain_4_training(table: pd.DataFrame) -> Estimate:
    """By which part it lowers the 4 × 4 error on the training matrices at equal width."""
    return _gain(table, 4, "one", "training")


def _gain(table, n, other, error):
    runs = table[table["n"] == n].pivot(index="trial", columns="network", values=error)
    return mean(1 - runs["two"] / runs[other])


_NETWORKS = {"network": ["one", "one wide", "two"]}


def _sweep(epochs_2, epochs_4, trials):
    cells = [{"n": 2, "epochs": epochs_2}, {"n": 4, "epochs": epochs_4}]
    return Sweep(_NETWORKS, cells=cells, trials=trials)


PROTOCOL = Protocol(
    trial=trial,
    seed=2602,
    shared=("network",),
    profiles={
        "smoke": _sweep(20, 4, 2),
        "quick": _sweep(80, 30, 3),
        "paper": _sweep(1000, 300, 5),
    },
)
