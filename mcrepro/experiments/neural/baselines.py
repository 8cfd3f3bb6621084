"""The network beside predictors that need no training, on the same new matrices."""

import numpy as np
import pandas as pd

import mcrepro as mc
from mcrepro.experiments import Protocol, Sweep
from mcrepro.experiments.neural._printed import MASK_2, MASK_4
from mcrepro.experiments.neural._task import errors, learn
from mcrepro.experiments.statistics import Estimate, mean
from mcrepro.theory.interpolation import interpolate
from mcrepro.theory.minors import fill

_FEW = 100


def trial(seed: np.random.SeedSequence, *, n: int, epochs: int) -> list[dict]:
    """Complete new matrices in seven ways; a row each.

    Returns
    -------
    list of dict
        ``method``; ``error``: root mean square error at hidden entries, relative to predicting zero;
        ``median``: of the absolute error; ``matrices``: how many were completed (nuclear norm and
        "gnmr" take longer, and get the first hundred and the first ten).
    """
    mask, rank = (MASK_2, 1) if n == 2 else (MASK_4, 2)
    net, train, test, _ = learn(
        np.random.default_rng(seed), mask, rank, width=8 * n * n, layers=2, epochs=epochs
    )
    truth = test[:, ~mask]
    seen, hidden = train[:, mask], train[:, ~mask]
    weights = np.linalg.lstsq(seen, hidden, rcond=None)[0]
    few = test[:_FEW]
    nuclear, _ = interpolate(few, np.broadcast_to(mask, few.shape), max_iter=400)
    predictions = {
        "zero": np.zeros_like(truth),
        "mean": np.broadcast_to(test[:, mask].mean(axis=1, keepdims=True), truth.shape),
        "linear": test[:, mask] @ weights,
        "network": truth + errors(net, test, mask)[:, ~mask],
        "nuclear norm": nuclear[:, ~mask],
        "minors": fill(test, mask, rank)[:, ~mask],
        "gnmr": np.array([_gnmr(matrix, mask, rank)[~mask] for matrix in test[:10]]),
    }
    rows = []
    for method, predicted in predictions.items():
        error = predicted - truth[: len(predicted)]
        rows.append(
            {
                "method": method,
                "error": float(np.linalg.norm(error) / np.linalg.norm(truth[: len(predicted)])),
                "median": float(np.median(np.abs(error))),
                "matrices": len(predicted),
            }
        )
    return rows


def _gnmr(matrix, mask, rank):
    rows, cols = np.nonzero(mask)
    seen = mc.Problem(rows=rows, cols=cols, values=matrix[mask], shape=mask.shape)
    return mc.complete(seen, "gnmr", rank=rank).matrix()


def network_below_zero_2(table: pd.DataFrame) -> Estimate:
    """Error of the network over that of predicting zero, 2 × 2."""
    return _ratio(table, 2, "zero")


def network_below_zero_4(table: pd.DataFrame) -> Estimate:
    """Error of the network over that of predicting zero, 4 × 4."""
    return _ratio(table, 4, "zero")


def network_below_linear_2(table: pd.DataFrame) -> Estimate:
    """Error of the network over that of linear regression, 2 × 2."""
    return _ratio(table, 2, "linear")


def network_below_minors_2(table: pd.DataFrame) -> Estimate:
    """Error of the network less that of vanishing minors, 2 × 2."""
    runs = _runs(table, 2)
    return mean(runs["network"] - runs["minors"])


def _ratio(table, n, other):
    runs = _runs(table, n)
    return mean(runs["network"] / runs[other])


def _runs(table, n):
    return table[table["n"] == n].pivot(index="trial", columns="method", values="error")


def _sweep(epochs_2, epochs_4, trials):
    cells = [{"n": 2, "epochs": epochs_2}, {"n": 4, "epochs": epochs_4}]
    return Sweep(cells=cells, trials=trials)


PROTOCOL = Protocol(
    trial=trial,
    seed=2604,
    profiles={
        "smoke": _sweep(60, 10, 2),
        "quick": _sweep(250, 60, 3),
        "paper": _sweep(3000, 300, 5),
    },
)
