"""What bound (16) excludes on the structured instance with zeros at even indices: nothing.

Every sign pattern s on the m = ceil(n/2) ones gives a second-order point ``x = c s`` of ε-MC, with
``c² = 1 / (1 + ε² (m-1))``. For k flips the two sides of (16), with e_1 from the proof, are

    ||c² s s^T - 1 1^T||² = (m² - 2k(m-k)) (1 - c²)² + 2k(m-k) (1 + c²)²,     c m / ε + sqrt(m² - m).

The left side is at most sqrt(2) m for small ε; the right side exceeds m + sqrt(m² - m) for ε <= 1 but for
the factor c, so that the ratio is computed and not only bounded.
"""

import numpy as np
import pandas as pd

from mcrepro.experiments import Protocol, Sweep
from mcrepro.experiments.statistics import Estimate, exact


def trial(_: None, *, n: int) -> dict:
    """Largest left over right side over all flips and ε in [1e-6, 1].

    Returns
    -------
    dict
        ``ratio``, the ``epsilon`` where it is attained, and both sides for a half of the signs flipped
        at ε = 5e-5: ``left``, ``computational`` (the first term of the right side), ``e1``.
    """
    m = (n + 1) // 2
    epsilon = np.geomspace(1e-6, 1, 601)
    flips = np.arange(m // 2 + 1)[:, None]
    left, first = _sides(m, flips, epsilon)
    e1 = np.sqrt(m * (m - 1))
    ratio = left / (first + e1)
    at, term = _sides(m, m // 2, 5e-5)
    return {
        "ratio": float(ratio.max()),
        "epsilon": float(epsilon[ratio.max(axis=0).argmax()]),
        "left": float(at),
        "computational": float(term),
        "e1": float(e1),
    }


def _sides(m, flips, epsilon):
    c2 = 1 / (1 + epsilon**2 * (m - 1))
    opposite = 2 * flips * (m - flips)
    left = np.sqrt((m**2 - opposite) * (1 - c2) ** 2 + opposite * (1 + c2) ** 2)
    return left, np.sqrt(c2) * m / epsilon


def largest_ratio(table: pd.DataFrame) -> Estimate:
    """Largest left over right side of (16): above 1 the bound would exclude a pattern."""
    return exact(table["ratio"].max())


PROTOCOL = Protocol(
    trial=trial,
    exact=True,
    profiles={
        "smoke": Sweep({"n": [4, 6, 8]}),
        "quick": Sweep({"n": list(range(3, 21))}),
        "paper": Sweep({"n": list(range(3, 101))}),
    },
)
