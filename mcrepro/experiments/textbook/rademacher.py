"""Rademacher complexity of bounded matrices, by going through all signs.

For distinct seen entries the class {|X_ij| <= M} has complexity exactly M: every pattern of signs is a
member. Intersected with rank one, the class {u v^T : |u_i v_j| <= M} is, up to the scale M, all
u v^T with |u_i|, |v_j| <= 1, over which a bilinear form is largest at vectors of signs.
"""

from fractions import Fraction
from itertools import product

import numpy as np
import pandas as pd

from mcrepro.experiments import Protocol, Sweep


def trial(_: None, *, n: int, bound: str) -> dict:
    """Return the complexities over all entries of an n-by-n matrix, fractions in text."""
    signs = np.array(list(product((-1, 1), repeat=n)))
    patterns = np.array(list(product((-1, 1), repeat=n * n))).reshape(-1, n, n)
    # max over u, v in {-1, 1}^n of uᵀ S v: for each v the best u takes the sizes of S v.
    best = np.abs(patterns @ signs.T).sum(axis=1).max(axis=1)
    scale = Fraction(bound)
    count = len(patterns) * n * n
    return {
        "bounded": str(scale * int(np.abs(patterns).sum()) / count),
        "rank_one": str(scale * int(best.sum()) / count),
        "unit": str(Fraction(int(best.sum()), count)),
    }


def shrinks_with_the_bound(table: pd.DataFrame) -> bool:
    """Both complexities are proportional to the bound, and that of rank one is smaller."""
    bounds = [Fraction(b) for b in table["bound"]]
    bounded = [Fraction(c) for c in table["bounded"]]
    rank_one = [Fraction(c) for c in table["rank_one"]]
    unit = [Fraction(c) for c in table["unit"]]
    proportional = all(c == b * u for b, c, u in zip(bounds, rank_one, unit, strict=True))
    return bool(bounded == bounds and proportional and all(u < 1 for u in unit))


PROTOCOL = Protocol(
    trial=trial,
    exact=True,
    profiles={
        "smoke": Sweep({"n": 2, "bound": ["1/2", "1", "2"]}),
        "quick": Sweep({"n": [2, 3], "bound": ["1/2", "1", "2"]}),
        "paper": Sweep({"n": [2, 3, 4], "bound": ["1/2", "1", "2"]}),
    },
)
