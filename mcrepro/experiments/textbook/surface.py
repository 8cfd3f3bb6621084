"""A trap in two variables: the 2-by-2 matrix of ones, its off-diagonal entries seen less often.

All is computed in rationals from the gradient and the Hessian of the loss; see
`mcrepro.theory.factorization.trap`.
"""

from fractions import Fraction

import pandas as pd

from mcrepro.experiments import Protocol, Sweep
from mcrepro.theory.factorization import trap


def trial(_: None, *, weight: str) -> dict:
    """Judge the stationary point (x, -x) for one weight, given as a fraction.

    Returns
    -------
    dict
        ``square``: x²; ``loss`` there (the least is 0); ``outward``, ``across``: the two
        eigenvalues of the Hessian; ``trapped``: it is a strict minimum with a positive loss.
    """
    point = trap(Fraction(weight))
    return {
        "square": float(point.square),
        "loss": float(point.loss),
        "outward": float(point.outward),
        "across": float(point.across),
        "trapped": point.outward > 0 and point.across > 0 and point.loss > 0,
        "below_third": 0 < Fraction(weight) < Fraction(1, 3),
    }


def unequal_chances_trap(table: pd.DataFrame) -> bool:
    """There is a minimum that is not global exactly for weights between 0 and 1/3."""
    return bool((table["trapped"] == table["below_third"]).all() and table["trapped"].any())


PROTOCOL = Protocol(
    trial=trial,
    exact=True,
    profiles=dict.fromkeys(
        ("smoke", "quick", "paper"),
        Sweep({"weight": ["0", "1/100", "1/10", "1/4", "33/100", "1/3", "34/100", "1/2", "9/10"]}),
    ),
)
