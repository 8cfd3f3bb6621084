"""What T is good for: ratings of rows that were not there when T was estimated.

Let m be a row minus the columns' means, and T the second moment of such rows. Seen at the columns S, it
has the best linear prediction

    m̂_j = T_jS (T_SS)⁻¹ m_S.

T = X Xᵀ + σ² I, what the rows share and what is each rating's own, makes this
x_jᵀ (X_SᵀX_S + σ² I)⁻¹ X_Sᵀ m_S. X is fitted to the pairs i ≠ j; σ² is what the diagonal has above
it. No row of the estimating half is needed again.
"""

import numpy as np
import pandas as pd
import scipy.sparse as sp

import mcrepro as mc
from mcrepro.experiments import Protocol, Sweep
from mcrepro.experiments.statistics import mean

from ._ratings import column_means, split, tall, thin


def trial(
    seed: np.random.SeedSequence,
    *,
    dataset: str,
    columns: int | None,
    C: float,
    ranks: tuple,
) -> list[dict]:
    """Estimate from half of the rows, predict half of the entries of the other rows.

    Parameters
    ----------
    dataset, columns, C, ranks
        As in the protocol hajek-heldout.

    Returns
    -------
    list of dict
        ``predictor``: "column means", "column and row means" or "rank r"; ``rmse``; ``ordered``:
        of the pairs of hidden entries of one row that differ, the share put into the right order
        (a tie counts one half).
    """
    rng = np.random.default_rng(seed)
    rows = tall(dataset, columns)
    estimating, judging = split(rows.shape[0], (0.5, 0.5), rng)
    part = thin(rows[estimating], C, rng)
    means = column_means(part)
    centred = sp.csr_array((part.data - means[part.indices], part.indices, part.indptr), part.shape)
    moments = mc.SecondMoment(rows.shape[1]).update(centred)
    predictors = {
        "column means": lambda _S, _m: means,
        "column and row means": lambda S, m: means + np.sum(m - means[S]) / (len(S) + 1),
    }
    diagonal = moments.hajek().diagonal()
    seen = diagonal > 0
    for rank in ranks:
        X = mc.recover_second_moment(moments, rank, gtol=1e-3, diagonal_weight=0.0).left
        own = max(float(np.mean((diagonal - np.sum(X**2, axis=1))[seen])), 1e-3 * diagonal.mean())
        predictors[f"rank {rank}"] = _linear(X, own, means)
    tests = hidden(rows[judging], rng)
    return [{"predictor": name, **judge(tests, predict)} for name, predict in predictors.items()]


def _linear(X, own, means):
    ridge = own * np.eye(X.shape[1])
    return lambda S, m: means + X @ np.linalg.solve(X[S].T @ X[S] + ridge, X[S].T @ (m - means[S]))


def hidden(rows, rng: np.random.Generator) -> list[tuple]:
    """For each row with four entries or more: shown columns and values, hidden ones."""
    tests = []
    for begin, end in zip(rows.indptr[:-1], rows.indptr[1:], strict=True):
        if end - begin >= 4:
            order = begin + rng.permutation(end - begin)
            show, hide = np.split(order, [len(order) // 2])
            tests.append((*(a[k] for k in (show, hide) for a in (rows.indices, rows.data)),))
    return tests


def judge(tests: list[tuple], predict) -> dict:
    """Root mean square error, and the share of pairs in the right order, over all rows."""
    squares = count = right = pairs = 0.0
    for shown, values, hide, truth in tests:
        guess = predict(shown, values)[hide]
        squares += np.sum((guess - truth) ** 2)
        count += len(truth)
        wanted, got = np.subtract.outer(truth, truth), np.subtract.outer(guess, guess)
        first = wanted > 0
        right += np.sum(got[first] > 0) + 0.5 * np.sum(got[first] == 0)
        pairs += np.sum(first)
    return {"rmse": float(np.sqrt(squares / count)), "ordered": float(right / pairs)}


def compared(table: pd.DataFrame) -> pd.DataFrame:
    """Mean and half-width of the interval of both scores, for each C and predictor."""
    rows = []
    for (C, name), group in table.groupby(["C", "predictor"], sort=False):
        scores = {k: mean(group[k]) for k in ("rmse", "ordered")}
        rows.append(
            {"C": C, "predictor": name}
            | {k: e.value for k, e in scores.items()}
            | {f"{k} ±": e.high - e.value for k, e in scores.items()}
        )
    return pd.DataFrame(rows)


_EMBEDDED = {"dataset": "ml-small-2016", "columns": 200}

PROTOCOL = Protocol(
    trial=trial,
    seed=2601,
    shared=("C", "ranks"),
    data=("{dataset}",),
    profiles={
        "smoke": Sweep(
            {"dataset": "ml-small-2016", "columns": 60, "C": 2.0, "ranks": [[1, 3]]}, trials=2
        ),
        "quick": Sweep({**_EMBEDDED, "C": [2.0, 100.0], "ranks": [[1, 2, 5]]}, trials=2),
        "paper": Sweep({**_EMBEDDED, "C": [2.0, 100.0], "ranks": [[1, 2, 5]]}, trials=6),
    },
)
