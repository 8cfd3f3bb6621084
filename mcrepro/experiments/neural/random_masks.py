"""One network for all masks: the mask as an input, fixed or drawn anew in every epoch.

The input has n² numbers, zero where an entry is hidden, and n² more that say which are seen. One
entry is hidden: always the last one, or a random one. Both networks then meet the last entry and
the other ones.
"""

import numpy as np
import pandas as pd

from mcrepro.experiments import Protocol, Sweep
from mcrepro.experiments.neural._task import TEST, draw, relative
from mcrepro.experiments.neural._training import Net
from mcrepro.experiments.statistics import Estimate, mean


def trial(seed: np.random.SeedSequence, *, n: int, epochs: int, masks: str) -> dict:
    """Train with `masks` "fixed" or "random" on matrices of rank one.

    Returns
    -------
    dict
        Root mean square error at the hidden entry of new matrices relative to predicting zero:
        ``last`` where the last is hidden, ``others`` where another one is.
    """
    rng = np.random.default_rng(seed)
    train, test = draw(rng, 1800, (n, n), 1), draw(rng, TEST, (n, n), 1)
    net = Net([2 * n * n, 8 * n * n, 8 * n * n, n * n], rng)
    train, test = train.reshape(-1, n * n), test.reshape(-1, n * n)
    last = np.full(len(train), n * n - 1)
    if masks == "fixed":
        inputs = encode(train, last)
    else:

        def inputs(rng):
            return encode(train, rng.integers(n * n, size=len(train)))

    net.fit(inputs, train, epochs)
    elsewhere = rng.integers(n * n - 1, size=TEST)
    return {
        "last": _error(net, test, np.full(TEST, n * n - 1)),
        "others": _error(net, test, elsewhere),
    }


def encode(matrices, hidden):
    """Zero out one entry of each flat matrix and append which ones are seen."""
    seen = np.ones_like(matrices)
    seen[np.arange(len(matrices)), hidden] = 0
    return np.hstack([matrices * seen, seen])


def _error(net, matrices, hidden):
    at = np.arange(len(matrices)), hidden
    return relative(net(encode(matrices, hidden))[at] - matrices[at], matrices[at])


def fixed_elsewhere(table: pd.DataFrame) -> Estimate:
    """Error of the network with a fixed mask at masks it has not met, 2 × 2."""
    return _of(table, 2, "fixed")


def random_elsewhere(table: pd.DataFrame) -> Estimate:
    """Error of the network with random masks at the same masks, 2 × 2."""
    return _of(table, 2, "random")


def random_elsewhere_3(table: pd.DataFrame) -> Estimate:
    """The same for 3 × 3 matrices."""
    return _of(table, 3, "random")


def _of(table, n, masks):
    return mean(table.loc[(table["n"] == n) & (table["masks"] == masks), "others"])


def _sweep(epochs, trials):
    return Sweep({"n": [2, 3], "epochs": epochs, "masks": ["fixed", "random"]}, trials=trials)


PROTOCOL = Protocol(
    trial=trial,
    seed=2606,
    shared=("masks",),
    profiles={"smoke": _sweep(20, 2), "quick": _sweep(50, 3), "paper": _sweep(500, 5)},
)
