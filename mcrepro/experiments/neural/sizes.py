"""Matrices of two to six rows: a network for each size, and one for all by padding with zeros.

Rank one, the last entry hidden. The networks for one size have equally many units, so that the budget
does not grow with the size. The one for all sizes gets 36 numbers, zero beyond the matrix and at the
hidden entry, and 36 that say which are seen.
"""

import numpy as np
import pandas as pd

from mcrepro.experiments import Protocol, Sweep
from mcrepro.experiments.neural._task import TEST, corner, draw, errors, learn, relative
from mcrepro.experiments.neural._training import Net
from mcrepro.experiments.statistics import Estimate, mean

SIZES = (2, 3, 4, 5, 6)


def trial(seed: np.random.SeedSequence, *, network: str, epochs: int) -> list[dict]:
    """Train networks with two hidden layers of 96 units, "own" or "common".

    Returns a row per size ``n`` with ``hidden``, the root mean square error at the hidden entry of new
    matrices, relative to predicting zero.
    """
    rng = np.random.default_rng(seed)
    if network == "own":
        return [{"n": n, "hidden": _own(rng, n, epochs)} for n in SIZES]
    full = SIZES[-1] ** 2
    shares = [_padded(draw(rng, 1800 // len(SIZES), (n, n), 1)) for n in SIZES]
    net = Net([2 * full, 96, 96, full], rng)
    net.fit(
        np.concatenate([inputs for inputs, _ in shares]),
        np.concatenate([targets for _, targets in shares]),
        epochs,
    )
    rows = []
    for n in SIZES:
        test = draw(rng, TEST, (n, n), 1)
        inputs, _ = _padded(test)
        predicted = net(inputs).reshape(-1, SIZES[-1], SIZES[-1])[:, n - 1, n - 1]
        truth = test[:, -1, -1]
        rows.append({"n": n, "hidden": relative(predicted - truth, truth)})
    return rows


def _own(rng, n, epochs):
    mask = corner(n, n)
    net, _, test, _ = learn(rng, mask, 1, width=96, layers=2, epochs=epochs)
    return relative(errors(net, test, mask)[:, ~mask], test[:, ~mask])


def _padded(matrices):
    """Return inputs and targets of the common network."""
    count, n, _ = matrices.shape
    targets = np.zeros((count, SIZES[-1], SIZES[-1]))
    seen = np.zeros_like(targets)
    targets[:, :n, :n] = matrices
    seen[:, :n, :n] = corner(n, n)
    return np.hstack([(targets * seen).reshape(count, -1), seen.reshape(count, -1)]), (
        targets.reshape(count, -1)
    )


def worst_own(table: pd.DataFrame) -> Estimate:
    """Largest error over the sizes, a network for each; 1 is predicting zero."""
    return _worst(table, "own")


def worst_common(table: pd.DataFrame) -> Estimate:
    """Largest error over the sizes, one network for all; 1 is predicting zero."""
    return _worst(table, "common")


def _worst(table, network):
    part = table[table["network"] == network]
    return mean(part.groupby("trial")["hidden"].max())


def _sweep(epochs, trials):
    return Sweep({"network": ["own", "common"], "epochs": epochs}, trials=trials)


PROTOCOL = Protocol(
    trial=trial,
    seed=2607,
    profiles={"smoke": _sweep(10, 2), "quick": _sweep(40, 3), "paper": _sweep(300, 5)},
)
