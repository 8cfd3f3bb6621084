"""What counts and sums of pairs cost, against the number of observed entries.

A row with k entries is k(k + 1)/2 additions, and k is binomial. So n rows of C entries on average
are about n(C²/2 + C) additions: linear in the entries as rows are added, quadratic in C.

Times are processor times of one thread, for `SecondMoment.update` alone: making the rows is not
measured, and the triangle of all pairs is there before the clock starts.
"""

import time

import numpy as np
import pandas as pd

import mcrepro as mc
from mcrepro.experiments import Protocol, Sweep
from mcrepro.experiments.statistics import Estimate, mean
from mcrepro.moments import MixtureStream


def trial(seed: np.random.SeedSequence, *, n: int, d: int, C: float) -> dict:
    """Time one pass over n rows.

    Returns
    -------
    dict
        ``entries``; ``additions``: pairs of entries of one row, an entry with itself included;
        ``seconds``: processor time.
    """
    (rows,) = MixtureStream(n, d, C, rank=5, seed=int(seed.generate_state(1)[0]), chunk=n)
    moments = mc.SecondMoment(d, threads=1).update(rows)  # compiles, and touches the memory
    begin = time.process_time()
    moments.update(rows)
    seconds = time.process_time() - begin
    k = np.diff(rows.indptr).astype(np.int64)
    return {
        "entries": int(rows.nnz),
        "additions": int((k * (k + 1) // 2).sum()),
        "seconds": seconds,
    }


def slope_in_rows(table: pd.DataFrame) -> Estimate:
    """Slope of log seconds against log entries as rows are added, at C = 10."""
    return _slope(table[table["C"] == 10])


def slope_in_density(table: pd.DataFrame) -> Estimate:
    """The same slope as C grows, at the number of rows at which C varies."""
    sizes = table.groupby("n")["C"].nunique()
    return _slope(table[table["n"] == sizes.idxmax()])


def slope_in_additions(table: pd.DataFrame) -> Estimate:
    """Slope of log seconds against log additions, all sizes together."""
    return _slope(table, against="additions")


def _slope(part: pd.DataFrame, against: str = "entries") -> Estimate:
    """Least-squares slope of each trial, and their mean."""
    slopes = [
        float(np.polyfit(np.log(of_trial[against]), np.log(of_trial["seconds"]), 1)[0])
        for _, of_trial in part.groupby("trial")
    ]
    return mean(slopes)


PROTOCOL = Protocol(
    trial=trial,
    seed=2601,
    profiles={
        "smoke": Sweep(
            {"d": 300},
            2,
            cells=[{"n": n, "C": 10.0} for n in (2000, 8000)] + [{"n": 2000, "C": 20.0}],
        ),
        "quick": Sweep(
            {"d": 2000},
            trials=5,
            cells=[{"n": n, "C": 10.0} for n in (20_000, 40_000, 80_000, 160_000)]
            + [{"n": 40_000, "C": C} for C in (5.0, 20.0, 40.0)],
        ),
        "paper": Sweep(
            {"d": 10_000},
            trials=5,
            cells=[{"n": n, "C": 10.0} for n in (500_000, 1_000_000, 2_000_000, 4_000_000)]
            + [{"n": 500_000, "C": C} for C in (5.0, 20.0, 40.0)],
        ),
    },
)
