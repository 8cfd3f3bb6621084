"""Held-out ratings, predicted by means and by factors on top of them.

A tenth of the ratings is held out at random. The means are shrunk as if every film and person had five
more ratings at the overall mean. The factors are those of the method als with a learned ridge, biases
included; "free" are factors without any penalty, of the same rank.
"""

import numpy as np
import pandas as pd

import mcrepro as mc
from mcrepro.experiments import Protocol, Sweep
from mcrepro.experiments.statistics import Estimate, mean

HELD_OUT, SHRINK = 0.1, 5.0


def trial(seed: np.random.SeedSequence, *, dataset: str, films: int, rank: int) -> dict:
    """Split once; keep the `films` columns rated most.

    Returns
    -------
    dict
        Root mean square errors on held-out ratings, in stars: of the ``overall`` mean, of the
        means of ``film`` and ``person`` (both), of the ``factors`` and of the ``free`` ones.
    """
    rng = np.random.default_rng(seed)
    ratings = mc.data.load(dataset).to_csr().tocsc()
    counts = np.diff(ratings.indptr)
    kept = np.sort(np.argsort(-counts, kind="stable")[:films])
    part = ratings[:, kept].tocoo()
    rows, cols, values = part.row, part.col, part.data
    train = rng.random(len(values)) >= HELD_OUT
    test = (rows[~train], cols[~train])
    problem = mc.Problem(rows[train], cols[train], values[train], shape=part.shape)

    centre = values[train].mean()
    film = _deviations(cols[train], values[train] - centre, part.shape[1])
    rest = values[train] - centre - film[cols[train]]
    person = _deviations(rows[train], rest, part.shape[0])
    learned = mc.complete(
        problem, "als", rank=rank, ridge="learned", center="rows+columns", gtol=0.02
    )
    free = mc.complete(problem, "als", rank=rank, max_iter=15)
    guesses = {
        "overall": np.full(len(test[0]), centre),
        "film": centre + film[test[1]],
        "person": centre + film[test[1]] + person[test[0]],
        "factors": _entries(learned, *test),
        "free": _entries(free, *test),
    }
    low, high = values.min(), values.max()
    truth = values[~train]
    return {
        name: float(np.sqrt(np.mean((np.clip(guess, low, high) - truth) ** 2)))
        for name, guess in guesses.items()
    }


def _deviations(groups, values, size):
    return np.bincount(groups, values, size) / (np.bincount(groups, minlength=size) + SHRINK)


def _entries(result, rows, cols):
    return np.einsum("ij,ij->i", result.left[rows], result.right[cols])


def gain_over_means(table: pd.DataFrame) -> Estimate:
    """Error of the means of film and person less that of the factors, mean over splits, at the largest rank."""
    part = table[table["rank"] == table["rank"].max()]
    return mean((part["person"] - part["factors"]).to_numpy())


def explained(table: pd.DataFrame) -> Estimate:
    """Share of the variance of held-out ratings that means and factors together explain."""
    part = table[table["rank"] == table["rank"].max()]
    return mean((1 - (part["factors"] / part["overall"]) ** 2).to_numpy())


PROTOCOL = Protocol(
    trial=trial,
    seed=2601,
    shared=("rank",),
    data=("{dataset}",),
    profiles={
        "smoke": Sweep({"dataset": "ml-small-2016", "films": 100, "rank": [2]}, trials=2),
        "quick": Sweep({"dataset": "ml-small-2016", "films": 1000, "rank": [2, 5]}, trials=2),
        "paper": Sweep({"dataset": "ml-small-2016", "films": 10_000, "rank": [2, 5]}, trials=4),
    },
)
