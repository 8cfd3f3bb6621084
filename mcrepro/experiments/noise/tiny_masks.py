"""All masks of a 3 x 3 matrix: the probabilistic half of Theorem 4.1, with every point found.

``M* = 1 1^T``, r = 1. Only ``K + K^T`` matters for a symmetric unknown, and the order of the indices does
not, so the 512 masks make few problems; each has all its second-order points found from a grid of
starts. For every mask the trial notes whether
all of them satisfy (16) with e_1 of (19), and the probability q that (19) promises for the worst and
for the best of them as M†, the global optimum of ε-MC.
"""

from collections import Counter
from itertools import permutations, product

import numpy as np
import pandas as pd

from mcrepro.experiments import Protocol, Sweep
from mcrepro.experiments.statistics import Estimate, exact
from mcrepro.theory import factored_sensing as sensing

from ._points import second_order_points


def trial(_: None, *, epsilon: float, rates: tuple, shares: tuple) -> list[dict]:
    """Enumerate the masks.

    Parameters
    ----------
    rates : tuple of float
        Values of p.
    shares : tuple of float
        Values of χ / p, below 1.

    Returns
    -------
    list of dict
        For every `p` and `share`, ``holds``: probability that (16) with (19) holds at every second-order point;
        ``promised``: mean over masks of q; ``noiseless``: probability that ``b = A(M†)``, which the proof
        takes for granted; ``finite``: probability that some second-order point has β < 1 in (52).
    """
    M = np.ones((3, 3))
    solved = [(seen, *_solve(seen, M, epsilon)) for seen in _masks()]
    rows = []
    for p, share in product(rates, shares):
        chi = share * p
        e1 = np.sqrt((1 - p + chi) / (p - chi)) * epsilon * 3
        totals = dict.fromkeys(("holds", "promised", "noiseless", "finite"), 0.0)
        for (seen, copies), errors, first, best, value in solved:
            k = int(seen.sum())
            weight = p**k * (1 - p) ** (9 - k) * copies
            d = ((M - best @ best.T) ** 2 + epsilon**2 * M).ravel()
            totals["holds"] += weight * bool((errors < first + e1).all())
            totals["promised"] += weight * (1 - np.exp(-2 * chi**2 * d.sum() ** 2 / (d @ d)))
            totals["noiseless"] += weight * (value < 1e-12)
            # β < 1 in (52) is an error above the first term of (16).
            totals["finite"] += weight * bool((errors > first).any())
        rows.append({"p": p, "share": share, **{k: float(v) for k, v in totals.items()}})
    return rows


def _solve(seen, M, epsilon):
    """Errors and first terms of (16) at all points; the best point M† and its value."""
    # X and -X are one point.
    starts = np.array([s for s in product((-1.0, 0.3, 1.1), repeat=3) if s > (-s[0], -s[1], -s[2])])
    D = np.where(seen[0], 1.0, epsilon)
    A, b = sensing.entry_operator(D), np.where(seen[0], M, 0.0).ravel()
    points = second_order_points(A, b, 1, starts[:, :, None])
    errors = np.array([np.linalg.norm(M - X @ X.T) for X in points])
    first = np.array([np.linalg.norm(X) * np.sqrt(3) / epsilon for X in points])
    best = min(points, key=lambda X: sensing.value(A, b, X))
    return errors, first, best, sensing.value(A, b, best)


def _masks():
    """One mask for every K + K^T up to the order of the indices, and how many share it."""
    copies = Counter()
    for bits in product((0, 1), repeat=9):
        seen = np.array(bits).reshape(3, 3)
        orders = (np.ix_(order, order) for order in permutations(range(3)))
        copies[max(tuple((seen + seen.T)[order].ravel().tolist()) for order in orders)] += 1
    for twice, count in copies.items():
        twice = np.array(twice).reshape(3, 3)
        yield np.triu(twice >= 1) | np.tril(twice == 2), count


def excess(table: pd.DataFrame) -> Estimate:
    """Smallest excess of the true probability over the mean promised one."""
    return exact((table["holds"] - table["promised"]).min())


def noiseless_probability(table: pd.DataFrame) -> Estimate:
    """Largest probability that ``b = A(M†)``."""
    return exact(table["noiseless"].max())


PROTOCOL = Protocol(
    trial=trial,
    exact=True,
    profiles={
        "smoke": Sweep({"epsilon": 0.01, "rates": [(0.3,)], "shares": [(0.99,)]}),
        "quick": Sweep({"epsilon": 0.01, "rates": [(0.3, 0.5)], "shares": [(0.99,)]}),
        "paper": Sweep(
            {"epsilon": [0.01, 0.1], "rates": [(0.1, 0.2, 0.3, 0.5, 0.8)], "shares": [(0.5, 0.99)]}
        ),
    },
)
