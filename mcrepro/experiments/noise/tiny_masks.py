"""All masks of a 3 x 3 matrix: the probabilistic half of Theorem 4.1, with every point found.

``M* = 1 1^T``, r = 1. Only ``K + K^T`` matters for a symmetric unknown, so the 512 masks make 216 problems; each
has all its second-order points found from a grid of starts. For every mask the trial notes whether
all of them satisfy (16) with e_1 of (19), and the probability q that (19) promises for the worst and
for the best of them as M†, the global optimum of ε-MC.
"""

from itertools import product

import numpy as np
import pandas as pd

from mcrepro.experiments import Protocol, Sweep
from mcrepro.experiments.statistics import Estimate, exact
from mcrepro.theory import factored_sensing as sensing

from ._points import second_order_points


def trial(_: None, *, p: float, share: float, epsilon: float) -> dict:
    """Enumerate the masks.

    Parameters
    ----------
    p : float
        Probability of an entry.
    share : float
        χ / p, below 1.

    Returns
    -------
    dict
        ``holds``: probability that (16) with (19) holds at every second-order point; ``promised``: mean
        over masks of q; ``noiseless``: probability that ``b = A(M†)``, which the proof takes for granted;
        ``mean_beta_finite``: probability that some second-order point has β < 1 in (52).
    """
    chi = share * p
    M = np.ones((3, 3))
    first = np.sqrt((1 - p + chi) / (p - chi)) * epsilon * 3
    starts = np.array([s for s in product((-1.0, 0.3, 1.1), repeat=3) if any(s)])[:, :, None]
    totals = dict.fromkeys(("holds", "promised", "noiseless", "finite"), 0.0)
    for seen, weight in _masks(p):
        D, B = np.where(seen, 1.0, epsilon), np.where(seen, M, 0.0)
        A, b = sensing.entry_operator(D), B.ravel()
        points = second_order_points(A, b, 1, starts)
        errors = [float(np.linalg.norm(M - X @ X.T)) for X in points]
        lengths = [float(np.sum(X**2)) for X in points]
        bounds = [np.sqrt(3 * length) / epsilon + first for length in lengths]
        best = min(points, key=lambda X: sensing.value(A, b, X))
        gap = (M - best @ best.T) ** 2
        d = (gap + epsilon**2 * M).ravel()
        q = 1 - np.exp(-2 * chi**2 * d.sum() ** 2 / (d @ d))
        totals["holds"] += weight * all(e < r for e, r in zip(errors, bounds, strict=True))
        totals["promised"] += weight * q
        totals["noiseless"] += weight * (sensing.value(A, b, best) < 1e-12)
        # The first term's square is λ_r tr M* / ε².
        totals["finite"] += weight * any(
            e * epsilon > np.sqrt(3 * length) for e, length in zip(errors, lengths, strict=True)
        )
    return {name: float(value) for name, value in totals.items()}


def _masks(p):
    """One mask for every K + K^T, with the probability of all that share it."""
    pairs = [(0, 1), (0, 2), (1, 2)]
    for diagonal in product((False, True), repeat=3):
        for counts in product((0, 1, 2), repeat=3):
            seen = np.diag(diagonal)
            for (i, j), count in zip(pairs, counts, strict=True):
                seen[i, j], seen[j, i] = count >= 1, count == 2
            k = int(seen.sum())
            yield seen, p**k * (1 - p) ** (9 - k) * 2.0 ** counts.count(1)


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
        "smoke": Sweep({"p": 0.3, "share": 0.99, "epsilon": 0.01}),
        "quick": Sweep({"p": [0.3, 0.5], "share": 0.99, "epsilon": 0.01}),
        "paper": Sweep({"p": [0.1, 0.2, 0.3, 0.5, 0.8], "share": [0.5, 0.99], "epsilon": [0.01, 0.1]}),
    },
)
