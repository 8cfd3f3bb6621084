"""A completion that is unique, and moves by any factor more than its data.

A 2-by-2 matrix of rank one has M_22 = M_12 M_21 / M_11 if M_11 ≠ 0. With M_12 = M_21 = 1 its
derivative in M_11 is -1/M_11²; here it is a difference quotient in exact fractions, whose limit the
derivative is.
"""

from fractions import Fraction

import pandas as pd

from mcrepro.experiments import Protocol, Sweep


def trial(_: None, *, power: int) -> dict:
    """Complete with M_11 = 10^-power, and with M_11 larger by a millionth of itself.

    Returns
    -------
    dict
        ``corner``: M_22, ``relative_step``: the relative change of M_11; ``moved``: the change of M_22
        over that of M_11, ``derivative``: -1/M_11²; fractions in text.
    """
    a = Fraction(1, 10**power)
    step = a / 10**6
    moved = (1 / (a + step) - 1 / a) / step
    return {"corner": str(1 / a), "moved": str(moved), "derivative": str(-1 / a**2)}


def sensitivity_is_unbounded(table: pd.DataFrame) -> bool:
    """The change of M_22 per change of M_11 is -1/M_11² to a millionth, and passes any bound."""
    moved = table["moved"].map(Fraction)
    derivative = table["derivative"].map(Fraction)
    near = all(abs(m / d - 1) < Fraction(2, 10**6) for m, d in zip(moved, derivative, strict=True))
    growing = all(
        abs(m) >= 10 ** (2 * power) * (1 - Fraction(2, 10**6))
        for m, power in zip(moved, table["power"], strict=True)
    )
    return bool(near and growing)


PROTOCOL = Protocol(
    trial=trial,
    exact=True,
    profiles={
        "smoke": Sweep({"power": [0, 2]}),
        "quick": Sweep({"power": [0, 1, 2, 3, 4]}),
        "paper": Sweep({"power": [0, 1, 2, 3, 4, 8]}),
    },
)
