"""Figure 1: the probability that Theorem 2.2 states, over target accuracy and ε.

The paper prints neither n, nor ‖M*‖, nor d. The public code of an earlier version has n = 5,
M* = z zᵀ with z = 1 at odd indices, M† = z̃ z̃ᵀ with z̃ = z + 1e-4 × noise: M† is not computed but
put in, next to M*. Then ‖M*‖² = 9, and where ε is well above the noise d is ε² on the nine ones of
M* and ‖d‖₁²/‖d‖₂² = 9.
"""

import numpy as np
import pandas as pd

import mcrepro as mc
from mcrepro.experiments import Protocol, Sweep
from mcrepro.experiments.statistics import Estimate, exact, mean
from mcrepro.theory import epsilon_mc as law

DEVIATION = 1e-4  # of the noise in the code
TARGET = 0.02  # of the example in Section 2
COLOUR = 0.005  # a colour cannot be read more finely
TARGETS = np.unique(np.r_[np.geomspace(1e-3, 0.1, 25), TARGET])
EPSILONS = np.geomspace(1e-5, 1e-2, 31)
RATIOS = {"even": 9.0, "one entry": 1.0}


def trial(_: None, *, p: float, ratio: str, draw: int) -> list[dict]:
    """Evaluate the theorem's probability on a grid.

    Parameters
    ----------
    ratio : {"code", "even", "one entry"}
        ‖d‖₁²/‖d‖₂²: from the d of the code, or 9 (even on the nine ones), or 1 (the least there is).
    draw : int
        Seed of the noise of the code; else without effect.

    Returns
    -------
    list of dict
        ``eps``, ``target``, ``probability``, and ``unclipped``: the same without setting negative
        χ to 0.
    """
    truth = mc.instances.structured(5).truth
    if ratio == "code":
        z = truth[0] + DEVIATION * np.random.default_rng(draw).standard_normal(5)
        ratios = [law.evenness(law.deviations(np.outer(z, z), truth, eps)) for eps in EPSILONS]
    else:
        ratios = [RATIOS[ratio]] * len(EPSILONS)
    grid = (TARGETS[None, :], p, EPSILONS[:, None], float(np.sum(truth**2)), np.c_[ratios])
    clipped, unclipped = (law.certified_probability(*grid, clip=clip) for clip in (True, False))
    return [
        {
            "eps": float(eps),
            "target": float(target),
            "probability": float(clipped[i, j]),
            "unclipped": float(unclipped[i, j]),
        }
        for i, eps in enumerate(EPSILONS)
        for j, target in enumerate(TARGETS)
    ]


def _brighter(table: pd.DataFrame, column: str) -> Estimate:
    """Return the share of the grid on which the probability grows with p."""
    part = table[table["ratio"] == "code"]
    by_p = part.pivot_table(index=["draw", "eps", "target"], columns="p", values=column)
    grows = (by_p.diff(axis=1).iloc[:, 1:] >= 0).all(axis=1)
    return exact(float(grows.mean()))


def brighter_with_p(table: pd.DataFrame) -> Estimate:
    """Share of the grid on which more observations mean a larger probability; χ < 0 set to 0."""
    return _brighter(table, "probability")


def brighter_with_p_unclipped(table: pd.DataFrame) -> Estimate:
    """The same with the square of a negative χ."""
    return _brighter(table, "unclipped")


def at_target(table: pd.DataFrame, ratio: str) -> pd.DataFrame:
    """Return the probability for ‖M† - M*‖² ≤ .02 at p = .3: a row an ε, a column a draw."""
    part = table[(table["p"] == 0.3) & (table["ratio"] == ratio) & (table["target"] == TARGET)]
    return part.pivot(index="eps", columns="draw", values="probability")


def probability_code(table: pd.DataFrame) -> Estimate:
    """The largest probability over ε, with the d of the code; mean over draws of its noise."""
    return mean(at_target(table, "code").max())


def probability_even(table: pd.DataFrame) -> Estimate:
    """The largest probability over ε, with d even on the nine ones."""
    return exact(at_target(table, "even").to_numpy().max())


def probability_smallest(table: pd.DataFrame) -> Estimate:
    """The same with the least ratio there is, which "the smallest probability" would mean."""
    return exact(at_target(table, "one entry").to_numpy().max())


def epsilon_range(table: pd.DataFrame) -> Estimate:
    """Share of the decades of ε with .8, up to `COLOUR`; mean over draws."""
    return mean((at_target(table, "code") >= 0.8 - COLOUR).mean())


def _sweep(draws: int) -> Sweep:
    ratios = [{"ratio": "code", "draw": k} for k in range(1, draws + 1)]
    return Sweep({"p": [0.3, 0.4, 0.5]}, cells=ratios + [{"ratio": r, "draw": 0} for r in RATIOS])


PROTOCOL = Protocol(
    trial=trial,
    exact=True,
    profiles={"smoke": _sweep(3), "quick": _sweep(5), "paper": _sweep(20)},
)
