"""The matrices that the slides print: are they of the rank they are said to be, after rounding?

The distance from the matrices of rank r, the singular value r + 1, bounds what rounding can do: to d
decimals it moves an n-by-n matrix by at most n 10^-d / 2 in norm, and singular values by no more.
That is necessary. For the converse a matrix of rank r is looked for that has the printed digits, by
alternating projections; where one is found it settles the matter.
"""

import numpy as np
import pandas as pd

from mcrepro.experiments import Protocol, Sweep
from mcrepro.experiments.neural import _printed
from mcrepro.experiments.statistics import Estimate, exact
from mcrepro.theory.minors import fill

_MATRICES = {
    "example 2": (_printed.EXAMPLE_2, 1, 1),
    "example 4": (_printed.EXAMPLE_4, 2, 3),
    "truth 2": (_printed.CASE_2, 1, 7),
    "truth 4": (_printed.CASE_4, 2, 3),
    "prediction 2": (_printed.PREDICTION_2, 1, 8),
    "prediction 4": (_printed.PREDICTION_4, 2, 3),
}


def trial(_: None, *, matrix: str) -> dict:
    """Examine one printed matrix.

    Returns
    -------
    dict
        ``beyond``: its singular value r + 1; ``allowed``: the bound for rounding; ``deviation``:
        largest difference from the nearest found matrix of rank r, in half units of the last digit.
    """
    printed, rank, decimals = _MATRICES[matrix]
    half = 0.5 * 10.0**-decimals
    values = np.linalg.svd(printed, compute_uv=False)
    return {
        "beyond": float(values[rank]),
        "allowed": len(printed) * half,
        "relative": float(values[rank] / values[0]),
        "deviation": float(np.abs(nearest(printed, rank, half) - printed).max() / half),
    }


def nearest(printed: np.ndarray, rank: int, half: float, max_iter: int = 2000) -> np.ndarray:
    """Look for a matrix of rank r whose entries differ by at most `half` from the printed ones."""
    X = printed
    for _ in range(max_iter):
        u, s, vt = np.linalg.svd(X)
        low = (u[:, :rank] * s[:rank]) @ vt[:rank]
        if np.abs(low - printed).max() <= half:
            break
        X = np.clip(low, printed - 0.9 * half, printed + 0.9 * half)
    return low


def example_2(_: pd.DataFrame) -> Estimate:
    """Hidden entry of the 2 × 2 example by the rule of three."""
    return exact(fill(_printed.EXAMPLE_2, _printed.MASK_2, 1)[1, 1])


def truth_2(_: pd.DataFrame) -> Estimate:
    """Hidden entry of the 2 × 2 case by the rule of three."""
    return exact(fill(_printed.CASE_2, _printed.MASK_2, 1)[1, 1])


def example_4_is_rank_two(table: pd.DataFrame) -> bool:
    """Some matrix of rank two has the printed digits of the 4 × 4 example."""
    return _rounds_from_rank(table, "example 4")


def truth_4_is_rank_two(table: pd.DataFrame) -> bool:
    """Some matrix of rank two has the printed digits of the 4 × 4 ground truth."""
    return _rounds_from_rank(table, "truth 4")


def prediction_4_is_rank_two(table: pd.DataFrame) -> bool:
    """The printed prediction is within rounding of a matrix of rank two."""
    row = table[table["matrix"] == "prediction 4"].iloc[0]
    return bool(row["beyond"] <= row["allowed"])


def prediction_2_error(_: pd.DataFrame) -> Estimate:
    """Relative error of the printed 2 × 2 prediction at the hidden entry."""
    truth = _printed.CASE_2[1, 1]
    return exact(abs(_printed.PREDICTION_2[1, 1] - truth) / abs(truth))


def prediction_4_against_zero(_: pd.DataFrame) -> Estimate:
    """Error of the printed 4 × 4 prediction at hidden entries over that of predicting zero."""
    return exact(_relative_error(~_printed.MASK_4))


def _relative_error(at):
    error = (_printed.PREDICTION_4 - _printed.CASE_4)[at]
    return float(np.linalg.norm(error) / np.linalg.norm(_printed.CASE_4[at]))


def _rounds_from_rank(table, matrix):
    return bool(table.loc[table["matrix"] == matrix, "deviation"].iloc[0] <= 1)


PROTOCOL = Protocol(
    trial=trial,
    exact=True,
    profiles=dict.fromkeys(("smoke", "quick", "paper"), Sweep({"matrix": list(_MATRICES)})),
)
