"""Real matrices that are known in full, observed ultra-sparsely: here the true T is known.

Ratings never tell what nobody rated. Pictures, genotypes and traffic counters do, so that the mask is
ours, uniform, as the theorem assumes, and the values are nature's.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd

import mcrepro as mc
from mcrepro.experiments import Protocol, Sweep
from mcrepro.experiments.statistics import mean
from mcrepro.moments import Subspace

from ._ratings import column_means

SETS = ("digits", "1000g", "los-loop")
"""Handwritten digits (in scikit-learn), and two sets of `mc.data`."""


def trial(seed: np.random.SeedSequence, *, dataset: str, C: float, rank: int) -> list[dict]:
    """Observe each entry with probability C/d, estimate T, compare with the truth.

    Parameters
    ----------
    dataset : {"digits", "1000g", "los-loop"}
        The matrix; its longer side are the rows.

    Returns
    -------
    list of dict
        For each ``estimate`` ("constant", "column means", "HT", "Hájek", "rank r"): ``error``,
        ‖estimate - T‖_F/‖T‖_F over all pairs (not for Hájek, which says nothing of unseen pairs),
        and ``seen_error``, the same over the pairs i ≠ j in Ω; ``angle``: sine of the largest angle
        between its leading three-dimensional space and that of T, where it has one; ``share``: of
        the pairs i ≠ j in Ω.
    """
    rng = np.random.default_rng(seed)
    matrix, truth, leading = known(dataset)
    d = matrix.shape[1]
    observed = mc.instances.sample_rows(matrix, C / d, seed=rng)
    moments = mc.SecondMoment(d).update(observed)
    g, means = observed.data.mean(), column_means(observed)
    X = mc.recover_second_moment(moments, rank, gtol=1e-3).left
    ht = moments.horvitz_thompson(C / d).toarray()
    estimates = {
        "constant": np.full((d, d), g * g),
        "column means": np.outer(means, means),
        "HT": ht,
        "Hájek": moments.hajek().toarray(),
        f"rank {rank}": X @ X.T,
    }
    seen = (moments.counts.toarray() > 0) & ~np.eye(d, dtype=bool)
    share = float(seen.sum() / (d * (d - 1)))
    rows = []
    for name, P in estimates.items():
        error = P - truth
        row = {
            "estimate": name,
            "error": float(np.linalg.norm(error) / np.linalg.norm(truth)),
            "seen_error": float(np.linalg.norm(error[seen]) / np.linalg.norm(truth[seen])),
            "angle": leading.error(np.linalg.eigh(P)[1][:, -3:]),
            "share": share,
        }
        if name == "Hájek":
            row["error"] = row["angle"] = float("nan")
        if name in ("constant", "column means"):
            row["angle"] = float("nan")
        rows.append(row)
    return rows


@lru_cache(maxsize=1)
def known(dataset: str) -> tuple[np.ndarray, np.ndarray, Subspace]:
    """The matrix, longer side as rows, its T, and the leading three dimensions of T."""
    if dataset not in SETS:
        raise ValueError(f"dataset must be one of {list(SETS)}, got {dataset!r}")
    if dataset == "digits":
        from sklearn.datasets import load_digits

        matrix = load_digits().data
    else:
        matrix = mc.data.load(dataset).values.astype(float)
    if matrix.shape[0] < matrix.shape[1]:
        matrix = matrix.T
    truth = matrix.T @ matrix / len(matrix)
    values, vectors = np.linalg.eigh(truth)
    return matrix, truth, Subspace(vectors[:, :-4:-1], values[:-4:-1])


def summary(table: pd.DataFrame) -> pd.DataFrame:
    """Means over the trials by C and estimate, with the half-width of the interval of the error."""
    rows = []
    for (C, name), group in table.groupby(["C", "estimate"], sort=False):
        whole = group["seen_error"]
        rows.append(
            {
                "C": C,
                "estimate": name,
                "seen pairs": whole.mean(),
                "±": mean(whole).high - whole.mean(),
                "all pairs": group["error"].mean(),
                "angle": group["angle"].mean(),
            }
        )
    return pd.DataFrame(rows)


class _Known(Protocol):
    """A protocol whose digits are no data set of `mcrepro.data`.

    They come with scikit-learn, whose version is in the key of every trial.
    """

    def datasets(self, parameters: Mapping[str, Any]) -> tuple[str, ...]:
        return tuple(name for name in super().datasets(parameters) if name != "digits")


PROTOCOL = _Known(
    trial=trial,
    seed=2601,
    data=("{dataset}",),
    profiles={
        "smoke": Sweep({"dataset": "digits", "C": [2.0, 8.0], "rank": 3}, trials=2),
        "quick": Sweep({"dataset": "digits", "C": [2.0, 4.0, 8.0, 16.0], "rank": 3}, trials=5),
        "paper": Sweep({"dataset": "digits", "C": [2.0, 4.0, 8.0, 16.0], "rank": 3}, trials=20),
    },
)
