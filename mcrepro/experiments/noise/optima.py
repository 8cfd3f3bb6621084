"""Theorem 2.2 on random small instances: the global optimum of (7), beside every bound.

For each instance a mask is drawn and the optimum M† is sought from M* and from many random starts;
where several are tied, the one nearest to M* is taken.
"""

import numpy as np
import pandas as pd

from mcrepro.experiments import Protocol, Sweep
from mcrepro.experiments.statistics import Estimate, exact
from mcrepro.theory import epsilon_mc as law

from ._surrogate import optima

CHI = 0.95  # as a share of p


def trial(
    seed: np.random.SeedSequence, *, truth: str, n: int, rank: int, p: float, eps: float, masks: int
) -> list[dict]:
    """Draw masks, and for Gaussian factors a new M* with each.

    Parameters
    ----------
    truth : {"ones", "gaussian"}
        M* of ones, or Z Zᵀ with standard normal Z of shape (n, rank).

    Returns
    -------
    list of dict
        A row a mask: ``error2``: ‖M† - M*‖²/‖M*‖²; ``allowed``: (10), likewise; ``bound``: its
        printed probability; ``seen_ratio``: ‖M† - M*‖ over the observed entries by ε‖M*‖_S, at most
        1 by (8); ``safe_ratio``: ‖M† - M*‖² by (4 + ε²)‖M*‖²_S, at most 1; both None if nothing
        is unobserved; ``on_unobserved``: share of ‖d‖₁ on the unobserved entries.
    """
    rng = np.random.default_rng(seed)
    factor = np.ones((masks, n, 1)) if truth == "ones" else rng.standard_normal((masks, n, rank))
    M = factor @ np.swapaxes(factor, 1, 2)
    drawn = rng.random((masks, n, n)) < p
    values, products = optima(drawn, M, eps, rank, rng, starts=16)
    error2 = np.sum((products - M[:, None]) ** 2, axis=(2, 3))
    scale = np.sum(M**2, axis=(1, 2))
    tied = values <= values[:, :1] + 1e-9 * scale[:, None]
    nearest = np.argmin(np.where(tied, error2, np.inf), axis=1)
    return [_row(products[k, best], M[k], drawn[k], p, eps) for k, best in enumerate(nearest)]


def _row(optimum, M, seen, p, eps) -> dict:
    E2, scale = (optimum - M) ** 2, np.sum(M**2)
    hidden = float(np.sum(M[~seen] ** 2))
    d = law.deviations(optimum, M, eps)
    return {
        "error2": float(E2.sum() / scale),
        "allowed": law.error_factor(p, CHI * p) * eps**2,
        "bound": law.probability_bound(CHI * p, law.evenness(d)),
        "seen_ratio": float(np.sqrt(E2[seen].sum() / hidden) / eps) if hidden else None,
        "safe_ratio": float(E2.sum() / ((4 + eps**2) * hidden)) if hidden else None,
        "on_unobserved": float(d[~seen].sum() / d.sum()),
    }


def coverage(table: pd.DataFrame) -> pd.DataFrame:
    """Return, by parameters: the rate at which (10) holds, and the mean of the printed bound."""
    keys = ["truth", "n", "rank", "p", "eps"]
    met = table.assign(met=table["error2"] <= table["allowed"])
    columns = {"met": "mean", "bound": "mean", "on_unobserved": "mean", "error2": "median"}
    found = met.groupby(keys).agg(columns | {"trial": "size"}).reset_index()
    return found.rename(columns={"trial": "masks"})


def largest_seen_ratio(table: pd.DataFrame) -> Estimate:
    """The largest ‖M† - M*‖_observed/(ε‖M*‖_unobserved)."""
    return exact(table["seen_ratio"].max())


def largest_safe_ratio(table: pd.DataFrame) -> Estimate:
    """The largest ‖M† - M*‖²/((4 + ε²)‖M*‖²_S)."""
    return exact(table["safe_ratio"].max())


_CASES = [
    {"truth": "ones", "n": 6, "rank": 1, "eps": 1e-3},
    {"truth": "gaussian", "n": 6, "rank": 1, "eps": 1e-3},
    {"truth": "gaussian", "n": 8, "rank": 2, "eps": 1e-3},
]
_RATES = [0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5]

PROTOCOL = Protocol(
    trial=trial,
    seed=2601,
    profiles={
        "smoke": Sweep({"p": [0.15, 0.3], "masks": 20}, cells=_CASES[:2], trials=1),
        "quick": Sweep({"p": _RATES, "masks": 20}, cells=_CASES[:2], trials=1),
        "paper": Sweep({"p": _RATES, "masks": 20}, cells=_CASES, trials=5),
    },
)
