"""Stationary points of every kind at moderate size, and what the first-order lemmas say of them.

Away from ±z most of them are saddles that come from noise: for each positive eigenvalue s of
P_Ω(M)/p with eigenvector u there is one near sqrt(s) u. Starts are those points, spikes at the edge
of the penalty and beyond it, and normal vectors; each is led to a zero of the gradient.
"""

import numpy as np
import pandas as pd

from mcrepro.experiments import Protocol, Sweep
from mcrepro.experiments.statistics import Estimate
from mcrepro.theory.landscape import random_instance
from mcrepro.theory.stationary import distinct, refined

from ._reductions import growth, share


def trial(seed: np.random.SeedSequence, *, d: int, mu: float, constant: float) -> dict:
    """Collect the stationary points of one instance, p = c log^1.5(d)/d, α and λ as in Theorem 3.2.

    Returns
    -------
    dict
        ``points`` found, ``second_order`` among them (least eigenvalue >= 0) and ``spurious``
        among those, further than 1e-6 from ±z; ``sup``: largest ‖x‖_∞ over
        4 max(α, μ√(p/λ)); ``degrees``: largest row count over pd; ``residual``: largest
        ‖<z, x> z - ‖x‖² x - γ∇R‖ over ε = μ³/√(pd); ``residual6``: over μ⁶/√(pd); ``plain``: without the
        penalty's term, at points of B; ``distance``: largest ‖xxᵀ - zzᵀ‖_F²/ε at second-order points.
    """
    rng = np.random.default_rng(seed)
    p = min(1.0, constant * np.log(d) ** 1.5 / d)
    f = random_instance(d, p, mu, rng)
    points, sizes = refined(f, _starts(f, p, rng))
    # 0, z and -z are stationary without a search.
    points = np.vstack([np.zeros(d), f.z, -f.z, points[sizes < 1e-11 * p]])
    points = distinct(points)
    lowest = f.lowest_curvature(points)
    inner, norms = points @ f.z, np.sum(points**2, axis=1)
    plain = inner[:, None] * f.z - norms[:, None] * points
    slope = f.gradient(points) - f.data_gradient(points)  # λ∇R
    residual = np.linalg.norm(plain - slope / (2 * p), axis=1).max()
    inside = (np.abs(points).max(axis=1) <= mu / np.sqrt(d) * (1 + 1e-9)) & (norms <= 1 + 1e-9)
    frobenius = norms**2 - 2 * inner**2 + 1
    second = lowest >= -1e-9 * p
    epsilon = mu**3 / np.sqrt(p * d)
    return {
        "p": p,
        "points": len(points),
        "second_order": int(second.sum()),
        "spurious": int((second & (frobenius > 1e-12)).sum()),
        "sup": float(np.abs(points).max() / (4 * max(f.alpha, mu * np.sqrt(p / f.weight)))),
        "degrees": float(f.pairs.sum(axis=1).max() / (p * d)),
        "residual": float(residual / epsilon),
        "residual6": float(residual / (epsilon * mu**3)),
        "plain": float(np.linalg.norm(plain[inside], axis=1).max() / epsilon),
        "distance": float(max(frobenius[second].max(), 0) / epsilon),
    }


def _starts(f, p, rng):
    d = len(f.z)
    values, vectors = np.linalg.eigh(f.seen / p)
    positive = values > 0
    noise = (vectors[:, positive] * np.sqrt(values[positive])).T
    spikes = np.eye(d)[rng.choice(d, 5, replace=False)]
    edges = np.array([0.5, 1.0, 1.5, 4.0])[rng.integers(0, 4, 5)] * f.alpha
    normal = rng.standard_normal((5, d)) / np.sqrt(d)
    return np.vstack(
        [noise[-12:], spikes * edges[:, None], spikes * edges[:, None] + normal, normal]
    )


def sup_is_bounded(table: pd.DataFrame) -> Estimate:
    """Share of instances with degrees <= 2pd at which every point found keeps to (3.11)."""
    return share(table.loc[table["degrees"] <= 2, "sup"] <= 1)


def inside_ball(table: pd.DataFrame) -> Estimate:
    """Share of all instances whose points found lie in B', which is (3.11) at these α and λ."""
    return share(table["sup"] <= 1)


def only_truth(table: pd.DataFrame) -> Estimate:
    """Share of instances without a second-order point other than ±z."""
    return share(table["spurious"] == 0)


def close(table: pd.DataFrame) -> Estimate:
    """Share of instances whose second-order points have ‖xxᵀ - zzᵀ‖_F² <= ε."""
    return share(table["distance"] <= 1)


def _at(table, mu):
    return table[table["mu"] == mu]


def full_residual_grows(table: pd.DataFrame) -> Estimate:
    """Exponent in d of the largest residual (3.13) over μ³/√(pd), at the least μ."""
    return growth(_at(table, table["mu"].min()), "residual")


def grows_with_mu(table: pd.DataFrame) -> Estimate:
    """Exponent in μ of the largest residual (3.13) over μ³/√(pd), at the largest d."""
    return growth(table[table["d"] == table["d"].max()], "residual", by="mu")


def grows_with_mu_sixth(table: pd.DataFrame) -> Estimate:
    """Exponent in μ of the same over μ⁶/√(pd)."""
    return growth(table[table["d"] == table["d"].max()], "residual6", by="mu")


PROTOCOL = Protocol(
    trial=trial,
    seed=2601,
    profiles={
        "smoke": Sweep({"d": [20, 30], "mu": [1.2, 2.0], "constant": 1.5}, trials=2),
        "quick": Sweep({"d": [30, 60], "mu": [1.2, 2.0], "constant": 1.5}, trials=4),
        "paper": Sweep({"d": [30, 60, 120], "mu": [1.2, 2.0], "constant": 1.5}, trials=10),
    },
)
