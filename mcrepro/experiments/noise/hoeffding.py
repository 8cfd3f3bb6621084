"""Hoeffding's inequality (33) for a fixed d, with the exact law of R.

R = Σ r_i with r_i = 0 with probability p and d_i otherwise, over all 2^k subsets. The tail is
largest, against the bound, just below an attained value x: there P(R > E R + t) is P(R ≥ x).
"""

from itertools import product

import numpy as np
import pandas as pd

from mcrepro.experiments import Protocol, Sweep
from mcrepro.experiments.statistics import Estimate, exact

SHAPES = {
    "equal": np.ones(10),
    "one large": np.r_[10.0, np.ones(9)],
    "geometric": 0.7 ** np.arange(10),
    "one": np.r_[1.0, np.zeros(9)],
    "squares": np.arange(1, 11) ** 2.0,
}


def trial(_: None, *, shape: str, p: float) -> dict:
    """Compare the exact tail with the bound at every value of R above its mean.

    Returns
    -------
    dict
        ``excess``: the largest P(R ≥ x) - exp(-2 (x - E R)²/‖d‖₂²).
    """
    return {"excess": largest_excess(SHAPES[shape], p)}


def largest_excess(d: np.ndarray, p: float, constant: float = 2.0) -> float:
    """Return the largest tail minus exp(-constant (x - E R)²/‖d‖₂²)."""
    hidden = np.array(list(product((0, 1), repeat=len(d))))
    count = hidden.sum(axis=1)
    weight = (1 - p) ** count * p ** (len(d) - count)
    sums = (hidden @ d).round(12)
    values, place = np.unique(sums, return_inverse=True)
    tail = np.bincount(place, weight)[::-1].cumsum()[::-1]
    deviation = values - (1 - p) * d.sum()
    bound = np.exp(-constant * deviation**2 / np.sum(d**2))
    return float((tail - bound)[deviation >= 0].max())


def worst_excess(table: pd.DataFrame) -> Estimate:
    """The largest excess over all shapes and p."""
    return exact(table["excess"].max())


_ALL = Sweep({"shape": list(SHAPES), "p": [0.1, 0.3, 0.5, 0.7, 0.9]})

PROTOCOL = Protocol(trial=trial, exact=True, profiles={"smoke": _ALL, "quick": _ALL, "paper": _ALL})
