"""How far the output moves when one row is left out.

For the Hájek estimate every row is left out in turn: the change has a closed form. The recovered T is
fitted again, from the fit to all rows, without the rows that move the Hájek estimate most and without
some others; the largest change found is a lower bound.
"""

import numpy as np
import pandas as pd

import mcrepro as mc
from mcrepro.experiments import Protocol, Sweep
from mcrepro.experiments.statistics import Estimate, mean
from mcrepro.moments import MixtureStream
from mcrepro.theory.sensitivity import leave_one_out


def trial(
    seed: np.random.SeedSequence, *, n: int, d: int, rank: int, C: float, refits: int
) -> dict:
    """Leave rows out of one instance whose rows are factors of norm one.

    Parameters
    ----------
    refits : int
        How many rows the recovered T is fitted without: half those with the largest change of the
        Hájek estimate, half drawn from the other rows that show something.

    Returns
    -------
    dict
        ``hajek``: largest ‖T̄ - T̄⁽⁻ᵏ⁾‖_F over *all* rows; ``hajek_median``: their median over the
        rows with two entries or more; ``entry``: largest change of an entry; ``recovered``: largest
        ‖XXᵀ - (XXᵀ)⁽⁻ᵏ⁾‖_F over the refits, ``worst_alike``: whether it is a row of the first half;
        ``error``: ‖XXᵀ - T‖_F; ``norm``: ‖T‖_F; ``once``: share of the pairs i < j in Ω seen once.
    """
    rng = np.random.default_rng(seed)
    stream = MixtureStream(n, d, C, rank=rank, seed=int(rng.integers(2**31)), chunk=n)
    (rows,) = stream
    frobenius, largest = leave_one_out(rows)
    entries = np.diff(rows.indptr)
    moments = mc.SecondMoment(d).update(rows)
    options = {"rtol": 0.0, "gtol": 1e-7}
    X = mc.recover_second_moment(moments, rank, **options).left
    worst = np.argsort(-frobenius, kind="stable")[: refits // 2]
    others = np.setdiff1d(np.flatnonzero(entries), worst)
    others = rng.choice(others, refits - len(worst), replace=False)
    changes = []
    for k in np.concatenate([worst, others]):
        rest = mc.SecondMoment(d).update([rows[:k], rows[k + 1 :]])
        Y = mc.recover_second_moment(rest, rank, start=X, **options).left
        changes.append(np.linalg.norm(X @ X.T - Y @ Y.T))
    U = stream.factors.T
    truth = U @ U.T / rank  # of the rows to come; that of these n differs by their shares
    i, j, counts, _ = moments.pairs()
    return {
        "hajek": float(frobenius.max()),
        "hajek_median": float(np.median(frobenius[entries >= 2])),
        "entry": float(largest.max()),
        "recovered": float(np.max(changes)),
        "worst_alike": bool(np.argmax(changes) < len(worst)),
        "error": float(np.linalg.norm(X @ X.T - truth)),
        "norm": float(np.linalg.norm(truth)),
        "once": float(np.mean(counts[i < j] == 1)),
    }


def _slope(table: pd.DataFrame, column: str, sizes: tuple) -> Estimate:
    """Mean slope of log(column) against log n over the trials, at C = 2."""
    part = table[(table["C"] == 2) & table["n"].isin(sizes)]
    slopes = [
        float(np.polyfit(np.log(of["n"]), np.log(of[column]), 1)[0])
        for _, of in part.groupby("trial")
    ]
    return mean(slopes)


FEW, MANY = (500, 2000), (8000, 32_000)
"""Rows at which a pair of the 100 columns is expected less than once, and more than three times."""


def slope_hajek_few(table: pd.DataFrame) -> Estimate:
    """Exponent of n in the largest change of T̄ by one row, where np² < 1."""
    return _slope(table, "hajek", FEW)


def slope_hajek_many(table: pd.DataFrame) -> Estimate:
    """Exponent of n in the largest change of T̄ by one row, where np² > 3."""
    return _slope(table, "hajek", MANY)


def slope_recovered_few(table: pd.DataFrame) -> Estimate:
    """Exponent of n in the largest change found of the recovered T, where np² < 1."""
    return _slope(table, "recovered", FEW)


def slope_recovered_many(table: pd.DataFrame) -> Estimate:
    """Exponent of n in the largest change found of the recovered T, where np² > 3."""
    return _slope(table, "recovered", MANY)


_SIZE = {"d": 100, "rank": 3, "refits": 10}
_CELLS = [{"n": n, "C": 2.0} for n in (*FEW, *MANY)]

PROTOCOL = Protocol(
    trial=trial,
    seed=2601,
    profiles={
        "smoke": Sweep({**_SIZE, "refits": 2}, trials=1, cells=_CELLS),
        "quick": Sweep(_SIZE, trials=2, cells=_CELLS),
        "paper": Sweep(_SIZE, trials=10, cells=[*_CELLS, {"n": 8000, "C": 8.0}]),
    },
)
