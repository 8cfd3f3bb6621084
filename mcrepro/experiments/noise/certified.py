"""Are the optima of `enumeration` global? A lower bound from sums of squares says so.

For each class of masks, f minus the largest possible constant is written as a sum of squares. The
gap between the value found and that constant bounds how far the point is from globally optimal.
"""

import numpy as np
import pandas as pd

from mcrepro.experiments import Protocol, Sweep
from mcrepro.experiments.statistics import Estimate, exact

from ._mask_classes import N, classes
from ._surrogate import lower_bounds


def trial(_: None, *, eps: float) -> list[dict]:
    """Bound f from below for every class of masks.

    Returns
    -------
    list of dict
        ``seen``: observed entries; ``value``: f(M†); ``gap``: value minus lower bound.
    """
    found = classes(eps)
    bounds = lower_bounds(np.stack([one["share"] for one in found]), np.ones((N, N)), eps)
    return [
        {"seen": one["seen"], "value": one["value"], "gap": one["value"] - float(bound)}
        for one, bound in zip(found, bounds, strict=True)
    ]


def largest_gap(table: pd.DataFrame) -> Estimate:
    """Largest distance of a value from its lower bound."""
    return exact(table["gap"].max())


_ALL = Sweep({"eps": 1e-2})

PROTOCOL = Protocol(trial=trial, exact=True, profiles={"smoke": _ALL, "quick": _ALL, "paper": _ALL})
