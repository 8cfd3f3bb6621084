"""Stationary points of all kinds, saddles above all, against the lemmas of section 4.

Roots of the gradient are found from random starts of many sizes; minimisers of lower rank, completed by
zero columns, are added: they are stationary too.
"""

import numpy as np
import pandas as pd
from scipy.optimize import least_squares

from mcrepro.experiments import Protocol, Sweep
from mcrepro.experiments.statistics import Estimate, rate
from mcrepro.theory.landscape import symmetric_mask
from mcrepro.theory.landscape_rank_r import (
    RankR,
    factor,
    incoherence,
    penalty_numbers,
)

STARTS = 20


def trial(
    seed: np.random.SeedSequence, *, d: int, rank: int, kappa: float, p: float, alpha: float
) -> list[dict]:
    """Collect the stationary points of one instance, α being `alpha` times the theorem's.

    Returns
    -------
    list of dict
        One row a point. Quotients that a lemma says are at most one: ``row_ratio`` (4.4),
        ``row_sharp`` (the same with max{2α, μ√(8rp/λ)}), ``frobenius_ratio`` (4.9), ``top_ratio``
        (4.10), ``residual_ratio`` (4.11) with constant 1 and ``residual_scaled`` with the factor
        ‖X‖_F³, ``sixth_ratio`` (4.15) with constant 1. Further ``degree``, largest row count over 2pd;
        ``smallest``, σ_min(X)/σ_min(Z); ``lowest``, λ_min(∇²f)/(p σ_min(Z)); ``error``,
        ‖X Xᵀ - M‖_F/σ_min(Z)²; ``held``: whether the longest row has its own diagonal entry seen, and
        ``held_ratio``, if so, its ‖X_i‖² over Σ_j |M_ij|, j seen, which is at most one at every stationary point.
    """
    rng = np.random.default_rng(seed)
    Z, mask = factor(d, rank, kappa, rng), symmetric_mask(d, p, rng)
    level, _ = penalty_numbers(Z, p)
    level *= alpha
    weight = incoherence(Z) ** 2 * rank * p / level**2
    f = RankR(Z @ Z.T, mask, level, weight)
    return [_row(f, X, Z, p) for X in _points(f, d, rank, rng)]


def _points(f: RankR, d: int, rank: int, rng: np.random.Generator) -> list[np.ndarray]:
    found = [np.zeros((d, rank))]
    for k in range(STARTS):
        r = rank if k % 2 else max(1, rank - 1)  # every other one with a zero column, if it can
        start = rng.standard_normal((d, r)) * 10 ** rng.uniform(-1.5, 0.5) / np.sqrt(d)
        root = least_squares(
            lambda x, r=r: f.gradient(x.reshape(d, r)).ravel(),
            start.ravel(),
            jac=lambda x, r=r: f.hessian(x.reshape(d, r)),
            method="lm",
            xtol=1e-15,
            ftol=1e-15,
            gtol=1e-15,
            max_nfev=100,
        )
        X = np.zeros((d, rank))
        X[:, :r] = root.x.reshape(d, r)
        if np.abs(f.gradient(X)).max() < 1e-9 and all(
            np.linalg.norm(X @ X.T - Y @ Y.T) > 1e-6 for Y in found
        ):
            found.append(X)
    return found


def _row(f: RankR, X: np.ndarray, Z: np.ndarray, p: float) -> dict:
    d, r = Z.shape
    top, bottom = np.linalg.svd(Z, compute_uv=False)[[0, -1]]
    mu, kappa, s = incoherence(Z), top / bottom, np.linalg.svd(X, compute_uv=False)
    longest, penalised = np.linalg.norm(X, axis=1).max(), mu * np.sqrt(r * p / f.weight)
    delta = mu**3 * kappa**3 * r**2 * np.log(d) ** 0.75 / top**3 / np.sqrt(d * p)
    residual = (Z @ Z.T - X @ X.T) @ X - f.weight / (2 * p) * f.penalty_gradient(X)
    size, frobenius = np.linalg.norm(residual), np.linalg.norm(X)
    i = np.linalg.norm(X, axis=1).argmax()
    held = bool(f.mask[i, i])
    return {
        "degree": float(f.mask.sum(axis=1).max() / (2 * p * d)),
        "row_ratio": float(longest / (4 * max(f.alpha, penalised))),
        "row_sharp": float(longest / max(2 * f.alpha, np.sqrt(8) * penalised)),
        "penalised": bool(longest > f.alpha),
        "frobenius_ratio": float(frobenius**2 / (2 * r * top**2)),
        "top_ratio": float(s[0] / (2 * top * r ** (1 / 6))),
        "residual_ratio": float(size / delta),
        "residual_scaled": float(size / (delta * frobenius**3)) if frobenius else 0.0,
        "sixth_ratio": float(np.sum(s**6) / ((1 + delta) * top**4 * np.sum(s**2)))
        if frobenius
        else 0.0,
        "smallest": float(s[-1] / bottom),
        "lowest": float(np.linalg.eigvalsh(f.hessian(X))[0] / (p * bottom)),
        "error": float(np.linalg.norm(X @ X.T - Z @ Z.T) / bottom**2),
        "held": held,
        "held_ratio": float(longest**2 / np.abs((Z @ Z.T)[i, f.mask[i]]).sum()) if held else 0.0,
    }


def _all_within(table: pd.DataFrame, column: str) -> Estimate:
    """Share of instances, α as in the theorem, at all of whose points the quotient is at most one."""
    return _instances(table[table["alpha"] == 1], lambda t: t[column] <= 1 + 1e-9)


def _instances(table: pd.DataFrame, holds) -> Estimate:
    keys = ["d", "rank", "kappa", "p", "alpha", "trial"]
    good = table.assign(holds=holds(table)).groupby(keys)["holds"].all()
    return rate(int(good.sum()), len(good))


def rows_are_bounded(table: pd.DataFrame) -> Estimate:
    """Lemma 4.4, at every α, where no row has more than 2pd entries."""
    return _instances(table[table["degree"] <= 1], lambda t: t["row_ratio"] <= 1 + 1e-9)


def frobenius_is_bounded(table: pd.DataFrame) -> Estimate:
    """(4.9) and (4.10)."""
    part = table[table["alpha"] == 1]
    return _instances(
        part, lambda t: (t["frobenius_ratio"] <= 1 + 1e-9) & (t["top_ratio"] <= 1 + 1e-9)
    )


def frobenius_is_bounded_where_held(table: pd.DataFrame) -> Estimate:
    """(4.9) and (4.10) at points whose longest row has its own diagonal entry seen."""
    return frobenius_is_bounded(table[table["held"]])


def residual_is_bounded(table: pd.DataFrame) -> Estimate:
    """(4.11) with δ as printed and the constant 1."""
    return _all_within(table, "residual_ratio")


def scaled_residual_is_bounded(table: pd.DataFrame) -> Estimate:
    """(4.11) with the factor ‖X‖_F³ of Theorem D.2 in δ and the constant 1."""
    return _all_within(table, "residual_scaled")


def sixth_powers_are_bounded(table: pd.DataFrame) -> Estimate:
    """(4.15) with the constant 1."""
    return _all_within(table, "sixth_ratio")


def sixth_powers_are_bounded_where_held(table: pd.DataFrame) -> Estimate:
    """(4.15) with the constant 1, at points whose longest row has its own diagonal entry seen."""
    return sixth_powers_are_bounded(table[table["held"]])


def short_points_are_saddles(table: pd.DataFrame) -> Estimate:
    """Lemma 4.6, turned round: where σ_min(X) < σ_min(Z)/4, the curvature is below -0.01 p σ_min(Z)."""
    part = table[table["alpha"] == 1]
    return _instances(part, lambda t: (t["smallest"] >= 0.25) | (t["lowest"] < -0.01))


def minima_are_near(table: pd.DataFrame) -> Estimate:
    """Where the Hessian is positive semidefinite, ‖X Xᵀ - M‖_F <= σ_min(Z)²/100."""
    part = table[table["alpha"] == 1]
    return _instances(part, lambda t: (t["error"] <= 0.01) | (t["lowest"] < -1e-7))


PROTOCOL = Protocol(
    trial=trial,
    seed=2601,
    profiles={
        "smoke": Sweep(
            {"d": 12, "rank": 2, "kappa": 2.0, "p": 0.8, "alpha": [1.0, 0.05]}, trials=1
        ),
        "quick": Sweep(
            {"d": 20, "rank": 2, "kappa": 2.0, "p": 0.8, "alpha": [1.0, 0.05]}, trials=8
        ),
        "paper": Sweep(
            {"d": 24, "rank": [2, 3], "kappa": [1.0, 2.0], "p": 0.8, "alpha": [1.0, 0.05]},
            trials=40,
        ),
    },
)
