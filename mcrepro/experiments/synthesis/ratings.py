"""Real ratings: a tenth held out, every method that can be called on them.

Kept are the films rated most. Methods that shrink are called with the row and column means taken
off or with a ridge; the others show what happens without.
"""

import functools
import time
from typing import Any

import numpy as np
import pandas as pd

import mcrepro as mc
from mcrepro.experiments import Protocol, Sweep
from mcrepro.experiments.statistics import mean

HELD_OUT = 0.1
BIASES = {"center": "rows+columns"}

CALLS: dict[str, tuple[str, int | None, dict[str, Any]]] = {
    "mean": ("mean", None, {}),
    "als": ("als", 5, {"ridge": "learned", "gtol": 0.02, **BIASES}),
    "als, no ridge": ("als", 5, {"max_iter": 100}),
    "alternating_gd": ("alternating_gd", 5, {"max_iter": 100}),
    "bm": ("bm", 5, {"regularizer": "ridge", "weight": 5.0, "max_iter": 200}),
    "gnmr": ("gnmr", 5, {"max_iter": 50}),
    "lin_rfm": ("lin_rfm", 5, {"schedule": "constant", "ridge": 0.05, "max_iter": 30}),
    "soft_impute": ("soft_impute", None, {"gtol": 1e-3, **BIASES}),
    "nmf": ("nmf", 5, {"max_iter": 50}),
}


def trial(seed: np.random.SeedSequence, *, dataset: str, films: int, method: str) -> dict:
    """Split once, fit, predict.

    Returns
    -------
    dict
        ``error``: root mean square on held-out ratings, in stars, predictions clipped to the scale;
        ``seconds`` of processor time; ``converged``, ``stop_reason``.
    """
    rng = np.random.default_rng(seed)
    training, held_out = _whole(dataset, films).split(1 - HELD_OUT, rng)
    name, rank, options = CALLS[method]
    _warm(method)
    begin = time.process_time()
    result = mc.complete(training, name, rank=rank, seed=rng, **options)
    seconds = time.process_time() - begin
    low, high = training.values.min(), training.values.max()
    predicted = np.clip(result.predict(held_out.rows, held_out.cols), low, high)
    return {
        "error": float(np.sqrt(np.mean((predicted - held_out.values) ** 2))),
        "seconds": seconds,
        "converged": result.converged,
        "stop_reason": result.stop_reason,
    }


@functools.cache
def _whole(dataset, films):
    ratings = mc.data.load(dataset).to_csr().tocsc()
    counts = np.diff(ratings.indptr)
    kept = np.sort(np.argsort(-counts, kind="stable")[:films])
    part = ratings[:, kept].tocoo()
    return mc.Problem(part.row, part.col, part.data, part.shape)


@functools.cache
def _warm(method):
    rng = np.random.default_rng(0)
    values = rng.integers(1, 6, size=(30, 20)).astype(float)
    name, _, options = CALLS[method]
    rank = None if CALLS[method][1] is None else 2
    mc.complete(
        mc.Problem.from_dense(values, rng.random((30, 20)) < 0.5), name, rank=rank, **options
    )


def summary(table: pd.DataFrame) -> pd.DataFrame:
    """One row for each data set and method.

    ``gain``: error of the method "mean" less its own, on the same split, with a 95 % interval over
    splits; ``error`` and ``seconds``: means; ``better``: share of the splits on which it gains.
    """
    rows = []
    for dataset, of_data in table.groupby("dataset", sort=False):
        errors = of_data.pivot(index="trial", columns="method", values="error")
        for method, part in of_data.groupby("method", sort=False):
            gain = errors["mean"] - errors[method]
            estimate = mean(gain)
            rows.append(
                {
                    "dataset": dataset,
                    "method": method,
                    "error": float(part["error"].mean()),
                    "gain": estimate.value,
                    "gain_low": estimate.low,
                    "gain_high": estimate.high,
                    "better": float((gain > 0).mean()),
                    "seconds": float(part["seconds"].mean()),
                    "converged": float(part["converged"].mean()),
                }
            )
    return pd.DataFrame(rows)


_SMALL = {"dataset": "ml-small-2016", "method": list(CALLS)}

PROTOCOL = Protocol(
    trial=trial,
    seed=7303,
    shared=("method",),
    data=("{dataset}",),
    profiles={
        "smoke": Sweep({**_SMALL, "films": 30}, trials=1),
        "quick": Sweep({**_SMALL, "films": 60}, trials=2),
        "paper": Sweep({**_SMALL, "films": 300}, trials=5),
    },
)
