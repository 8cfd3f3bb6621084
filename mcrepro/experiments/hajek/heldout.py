"""How near the estimates of T come to what rows say that nobody was shown.

The rows of real ratings are split: half of them, thinned to C entries a row, make the estimates; two
quarters B and C, not thinned, judge them. A pair of columns seen in both quarters has two Hájek
estimates T_B and T_C that err independently of each other and of the prediction P. So

    (P - T_B)(P - T_C)

has the mean (P - T)², without the noise of those who judge, where T is what the average row says that
shows the pair. The mean of (P - T_B)², which is the usual score, has this noise in it.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd

import mcrepro as mc
from mcrepro.experiments import Protocol, Sweep
from mcrepro.experiments.statistics import Estimate, mean

from ._ratings import column_means, split, tall, thin


class Judges(NamedTuple):
    """Pairs of columns seen in both held-out quarters, and what either says of them."""

    i: np.ndarray
    j: np.ndarray
    weight: np.ndarray
    first: np.ndarray
    second: np.ndarray


def trial(
    seed: np.random.SeedSequence,
    *,
    dataset: str,
    columns: int | None,
    C: float,
    ranks: tuple,
    completion: int,
) -> list[dict]:
    """Split the rows once and score every estimate; a row for each estimate and part of the pairs.

    Parameters
    ----------
    dataset : str
        A ratings set of `mc.data`; its longer side are the rows.
    columns : int or None
        Keep the columns with the most entries, this many; None: all.
    C : float
        Entries a row of the estimating half, on average; more than there are: all.
    ranks : tuple of int
        Of the fits X Xᵀ.
    completion : int
        Rank of softImpute, whose completed rows give another T; 0: leave it out.

    Returns
    -------
    list of dict
        ``estimate``: "constant", "column means", "Hájek", "rank r" or "completed rows";
        ``part``: of the pairs both quarters show, those "seen" by the estimating half, or "new";
        ``pairs``: their number; ``squared``: relative squared error ⟨(P - T_B)(P - T_C)⟩/⟨T_B T_C⟩;
        ``raw``: ⟨(P - T_B)²⟩/⟨T_B²⟩; ``shown``: entries a row of the estimating half.
    """
    rng = np.random.default_rng(seed)
    rows = tall(dataset, columns)
    estimating, *judging = split(rows.shape[0], (0.5, 0.25, 0.25), rng)
    part = thin(rows[estimating], C, rng)
    moments = mc.SecondMoment(rows.shape[1]).update(part)
    judges = judged([mc.SecondMoment(rows.shape[1]).update(rows[k]) for k in judging])
    hajek = moments.hajek().toarray()[judges.i, judges.j]
    seen = moments.counts.toarray()[judges.i, judges.j] > 0
    g, means = part.data.mean(), column_means(part)
    estimates = {
        "constant": np.full(len(judges.i), g * g),
        "column means": means[judges.i] * means[judges.j],
        "Hájek": np.where(seen, hajek, np.nan),  # it says nothing of new pairs
    }
    for rank in ranks:
        fit = mc.recover_second_moment(moments, rank, gtol=1e-3)
        estimates[f"rank {rank}"] = fit.predict(judges.i, judges.j)
    if completion:
        T = completed_moment(part, completion, int(rng.integers(2**31)))
        estimates["completed rows"] = T[judges.i, judges.j]
    shown = part.nnz / part.shape[0]
    return [
        {"estimate": name, "part": label, **score(values, judges, where), "shown": shown}
        for name, values in estimates.items()
        for label, where in (("seen", seen), ("new", ~seen))
        if where.any() and np.isfinite(values[where]).all()
    ]


def judged(quarters: list[mc.SecondMoment]) -> Judges:
    """The pairs i < j in both, weighted by N_B N_C/(N_B + N_C)."""
    d = quarters[0].d
    keys, counts, values = [], [], []
    for moments in quarters:
        i, j, count, total = moments.pairs()
        off = i < j
        keys.append(i[off].astype(np.int64) * d + j[off])
        counts.append(count[off])
        values.append(total[off] / count[off])
    common, at, to = np.intersect1d(*keys, assume_unique=True, return_indices=True)
    if not common.size:
        raise ValueError("no pair of columns is seen in both held-out quarters")
    N, L = counts[0][at], counts[1][to]
    return Judges(common // d, common % d, N * L / (N + L), values[0][at], values[1][to])


def score(values: np.ndarray, judges: Judges, where: np.ndarray) -> dict:
    """Both scores of a prediction on some of the judged pairs."""
    P, w = values[where], judges.weight[where]
    first, second = judges.first[where], judges.second[where]
    return {
        "pairs": int(where.sum()),
        "squared": float(w @ ((P - first) * (P - second)) / (w @ (first * second))),
        "raw": float(w @ (P - first) ** 2 / (w @ first**2)),
    }


def completed_moment(part, rank: int, seed: int) -> np.ndarray:
    """MᵀM/n of the rows completed by softImpute, shape (d, d)."""
    cols = part.indices
    row = np.repeat(np.arange(part.shape[0]), np.diff(part.indptr))
    problem = mc.Problem(row, cols, part.data, shape=part.shape)
    fit = mc.complete(problem, "soft_impute", rank=rank, seed=seed)
    return fit.right @ (fit.left.T @ fit.left / part.shape[0]) @ fit.right.T


def errors(table: pd.DataFrame, part: str) -> pd.DataFrame:
    """Root of the mean squared error of each estimate, with its interval over the splits.

    Returns
    -------
    DataFrame
        ``shown``, ``estimate``, ``error``, ``low``, ``high``; ends below zero are put to zero.
    """
    rows = []
    chosen = table[table["part"] == part]
    for (C, name), group in chosen.groupby(["C", "estimate"], sort=False):
        squared = mean(group["squared"])
        ends = np.sqrt(np.maximum([squared.value, squared.low, squared.high], 0))
        rows.append([C, group["shown"].mean(), name, *map(float, ends)])
    return pd.DataFrame(rows, columns=["C", "shown", "estimate", "error", "low", "high"])


def reduction(table: pd.DataFrame, better: str, worse: str, part: str = "seen") -> Estimate:
    """1 - error of one estimate over that of another, over the splits of all cells.

    Parameters
    ----------
    better, worse : str
        Names of estimates.
    """
    chosen = table[table["part"] == part]
    keys = [k for k in ("dataset", "columns", "C", "trial") if k in chosen]
    wide = chosen.pivot_table(index=keys, columns="estimate", values="squared")
    return mean(1 - np.sqrt(wide[better] / wide[worse]).dropna())


_EMBEDDED = {"dataset": "ml-small-2016", "columns": 200}

PROTOCOL = Protocol(
    trial=trial,
    seed=2601,
    shared=("C", "ranks", "completion"),
    data=("{dataset}",),
    profiles={
        "smoke": Sweep(
            {
                "dataset": "ml-small-2016",
                "columns": 60,
                "C": [2.0, 100.0],
                "ranks": [[1, 3]],
                "completion": 3,
            },
            trials=2,
        ),
        "quick": Sweep(
            {**_EMBEDDED, "C": [2.0, 100.0], "ranks": [[1, 2, 5]], "completion": 5}, trials=3
        ),
        "paper": Sweep(
            {**_EMBEDDED, "C": [2.0, 100.0], "ranks": [[1, 2, 5]], "completion": 5},
            trials=8,
        ),
    },
)
