"""Numbers and one-variable inequalities of section 3: closed forms, and one supremum over a plane."""

import numpy as np
import pandas as pd
from scipy import stats

from mcrepro.experiments import Protocol, Sweep
from mcrepro.experiments.statistics import Estimate, exact
from mcrepro.theory.landscape import plane_sup


def trial(_: None, *, step: float) -> dict:
    """Compute them all; `step` is that of the grid for Lemma 3.6 and Claim A.5."""
    lemma = plane_sup(0.25, 0.1, step)
    claim = plane_sup(0.125, 0.04, step)
    # Lemma 3.6 from ‖x‖² = 1/8 on, which is what Lemma 3.8 gives: x across z has residual 8^-1.5 < 0.1.
    across = plane_sup(0.125, 0.1, step)
    d, alpha = 1000, 0.4  # Claim A.3 at α = 4μ/√d: any μ and d with 4μ/√d = α
    large = int(4 / alpha**2)
    return {
        "squared": lemma["squared"],
        "plain": lemma["plain"],
        "squared_from_eighth": across["squared"],
        "beta": claim["beta"],
        "size": claim["size"],
        "relaxed": 2 - 0.1,
        "root": float(np.sqrt(8)),
        "cube": 0.125**1.5,
        "kept": float(np.sqrt(1 - large * alpha**2 / 16)),
        "only_zeros": float((1 - np.log(1e4) ** 1.5 / 1e4) ** 3),
        "only_zeros_small": float((1 - 0.05) ** 3),
        "degrees_1": _degrees(d, 1),
        "degrees_3": _degrees(d, 3),
        "degrees_10": _degrees(d, 10),
    }


def _degrees(d: int, constant: float) -> float:
    """At least this is P(every row has at most 2pd seen entries), p = c log d/d; a union bound."""
    p = min(1.0, constant * np.log(d) / d)
    return float(1 - d * stats.binom.sf(np.floor(2 * p * d), d, p))


def _number(column):
    def statistic(table: pd.DataFrame) -> Estimate:
        return exact(table[column].max())

    statistic.__doc__ = f"The number `{column}`."
    statistic.__name__ = column
    return statistic


squared_distance = _number("squared")
squared_distance_from_eighth = _number("squared_from_eighth")
relaxed_factor = _number("relaxed")
root_of_eight = _number("root")
cube_of_size = _number("cube")
mass_kept = _number("kept")
chance_of_zeros = _number("only_zeros")
degrees_bounded = _number("degrees_10")


def scale_is_right(table: pd.DataFrame) -> Estimate:
    """Larger of the two constants in Claim A.5: of 1 - β and of ‖x‖ - 1, over ε."""
    return exact(table[["beta", "size"]].max(axis=1).max())


def slope_dominates(_table: pd.DataFrame) -> bool:
    """4 (x - α)³ >= x³/2 for x >= 2α: with x = 2α + s the difference has no negative coefficient."""
    s, alpha = np.poly1d([1, 0]), 1
    difference = 4 * (s + alpha) ** 3 - (s + 2 * alpha) ** 3 / 2
    return bool((difference.coeffs >= 0).all())


def penalizes_printed(_table: pd.DataFrame) -> bool:
    """h(t) = (|t| - α)⁴ 1{t >= α} is positive at every coherent t; t = -100, α = 1 decides."""
    return all((abs(t) - 1) ** 4 * (t >= 1) > 0 for t in (100, -100))


def penalizes_both_sides(_table: pd.DataFrame) -> bool:
    """h(t) = (|t| - α)⁴ 1{|t| >= α} is."""
    return all((abs(t) - 1) ** 4 * (abs(t) >= 1) > 0 for t in (100, -100))


def curvature_is_lipschitz(_table: pd.DataFrame) -> bool:
    """|h''(t + 1) - h''(t)| stays bounded as t grows, α = 1."""
    jumps = [12 * t**2 - 12 * (t - 1) ** 2 for t in (10, 100, 1000, 10000)]
    return max(jumps) <= 2 * min(jumps)


def curvature_is_lipschitz_on_balls(_table: pd.DataFrame) -> bool:
    """For |t| <= B it has the constant 24 (B - α): h'' is a square of t - α, and 0 below."""
    t = np.arange(-40, 41)
    h = 12 * np.maximum(abs(t) - 1, 0) ** 2
    gaps = abs(h[:, None] - h[None]) <= 24 * 39 * abs(t[:, None] - t[None])
    return bool(gaps.all())


def norm_with_matrix_only(_table: pd.DataFrame) -> bool:
    """max over unit x of ‖A‖_q, as printed, is the largest row norm for p = 2, q = ∞."""
    A = np.array([[3, 4], [1, 0]])
    return bool(np.abs(A).sum(axis=1).max() == 5)  # ‖A‖_∞ = 7, whatever x is


def norm_with_vector(_table: pd.DataFrame) -> bool:
    """max over unit x of ‖Ax‖_q is: attained at the row itself, and bounded by Cauchy-Schwarz."""
    A = np.array([[3, 4], [1, 0]])
    attained = np.abs(A @ np.array([3, 4])).max() == 5 * 5  # x = (3, 4)/5
    circle = np.linspace(0, 2 * np.pi, 721)
    tried = np.abs(A @ np.stack([np.cos(circle), np.sin(circle)])).max()
    return bool(attained and tried <= 5 + 1e-12)


def incoherence_is_defined(_table: pd.DataFrame) -> bool:
    """1 <= μ <= √d for every Z: the rows' squared norms have mean ‖Z‖_F²/d and sum ‖Z‖_F²."""
    rng = np.random.default_rng(1)
    draws = (rng.integers(-5, 6, (d, r)) for d in (2, 5, 9) for r in (1, 2) for _ in range(20))
    squares = [(len(Z), (Z**2).sum(axis=1)) for Z in draws if Z.any()]
    return all(rows.sum() <= d * rows.max() <= d * rows.sum() for d, rows in squares)


PROTOCOL = Protocol(
    trial=trial,
    exact=True,
    profiles={
        "smoke": Sweep({"step": 2e-3}),
        "quick": Sweep({"step": 2e-3}),
        "paper": Sweep({"step": 2e-3}),
    },
)
