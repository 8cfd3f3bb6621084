"""Mean of both estimators over many masks of one matrix, entry by entry.

For every pair i ≤ j the trial averages T̄_ij over the masks with (i, j) in Ω, HT_ij over the same
masks, and HT_ij over all masks (zero where the pair was not seen). Each average minus T_ij, divided
by its standard error, is near standard normal where the estimator is unbiased in that sense.
"""

import numpy as np
import pandas as pd

import mcrepro as mc
from mcrepro.experiments import Protocol, Sweep
from mcrepro.experiments.statistics import Estimate, exact


def trial(
    seed: np.random.SeedSequence, *, n: int, d: int, rank: int, C: float, masks: int
) -> list[dict]:
    """Average over masks with p = C/d of one matrix with Gaussian rows; one row a pair i ≤ j.

    Returns
    -------
    list of dict
        ``i``, ``j``, ``truth``, ``seen`` (number of masks with the pair in Ω), and for each of
        hajek_given, ht_given (over masks with the pair in Ω) and ht (over all): mean and
        ``*_error``, its standard error. ``factor``: 1/P(Ω), exact.
    """
    rng = np.random.default_rng(seed)
    matrix = mc.instances.gaussian_rows(n, d, rank, seed=rng)
    p = C / d
    probability = np.where(np.eye(d, dtype=bool), p, p * p)
    sums = np.zeros((6, d, d))
    for _ in range(masks):
        mask = (rng.random((n, d)) < p).astype(float)
        counts = mask.T @ mask
        shown = mask * matrix
        total = shown.T @ shown
        hajek = np.divide(total, counts, out=np.zeros((d, d)), where=counts > 0)
        thompson = total / (n * probability)
        sums += [counts > 0, hajek, hajek**2, thompson, thompson**2, np.ones((d, d))]
    return _rows(sums, matrix.T @ matrix / n, 1 / -np.expm1(n * np.log1p(-probability)))


def _rows(sums: np.ndarray, truth: np.ndarray, factor: np.ndarray) -> list[dict]:
    seen, hajek, hajek2, thompson, thompson2, masks = sums
    means = {
        "hajek_given": _mean_and_error(hajek, hajek2, seen),
        "ht_given": _mean_and_error(thompson, thompson2, seen),
        "ht": _mean_and_error(thompson, thompson2, masks),
    }
    return [
        {
            "i": int(i),
            "j": int(j),
            "truth": float(truth[i, j]),
            "seen": int(seen[i, j]),
            "factor": float(factor[i, j]),
            **{name: float(average[i, j]) for name, (average, _) in means.items()},
            **{f"{name}_error": float(error[i, j]) for name, (_, error) in means.items()},
        }
        for i, j in zip(*np.triu_indices(len(truth)), strict=True)
    ]


def _mean_and_error(total, squares, count):
    with np.errstate(invalid="ignore", divide="ignore"):
        average = total / count
        return average, np.sqrt((squares / count - average**2) / (count - 1))


def deviations(table: pd.DataFrame, estimator: str) -> pd.Series:
    """(mean - T)/standard error for ``hajek_given``, ``ht_given`` or ``ht``, one number an entry."""
    return (table[estimator] - table["truth"]) / table[f"{estimator}_error"]


def largest_deviation(table: pd.DataFrame) -> Estimate:
    """Largest standardized deviation of the Hájek average from T, given Ω."""
    return exact(float(deviations(table, "hajek_given").abs().max()))


def largest_deviation_ht(table: pd.DataFrame) -> Estimate:
    """Largest standardized deviation of the Horvitz-Thompson average from T, over all masks."""
    return exact(float(deviations(table, "ht").abs().max()))


PROTOCOL = Protocol(
    trial=trial,
    seed=2601,
    profiles={
        "smoke": Sweep({"n": 200, "d": 30, "rank": 3, "C": 2.0, "masks": 300}, trials=1),
        "quick": Sweep({"n": 1000, "d": 50, "rank": 5, "C": 2.0, "masks": 1000}, trials=2),
        "paper": Sweep({"n": 1000, "d": 50, "rank": 5, "C": 2.0, "masks": 10000}, trials=5),
    },
)
