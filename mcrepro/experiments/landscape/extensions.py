"""The three questions that the paper leaves open, tried: two factors, weights, another loss."""

import numpy as np
import pandas as pd
from scipy.optimize import minimize

import mcrepro as mc
from mcrepro.experiments import Protocol, Sweep
from mcrepro.experiments.statistics import Estimate, rate
from mcrepro.theory.landscape_rank_r import factor

from ._rank_r import relative_error

VARIANTS = (
    "two factors",
    "unbalanced",
    "unbalanced, second order",
    "uneven",
    "uneven, weighted",
    "huber",
    "log cosh",
)


def trial(seed: np.random.SeedSequence, *, d: int, rank: int, p: float, variant: str) -> dict:
    """Descend from one random start on one variant of f.

    Parameters
    ----------
    variant : str
        "two factors", U Vᵀ with d and 2d rows; "unbalanced", the same with U ten times and V a tenth
        at the start; "unbalanced, second order", that with a trust region in place of L-BFGS; "uneven", pairs seen with probabilities a_i a_j, a from √p/2 to 1; "uneven, weighted", the
        same with weights 1/(a_i a_j); "huber" and "log cosh", the loss in place of the square.

    Returns
    -------
    dict
        Relative ``error`` and ``recovered``.
    """
    rng = np.random.default_rng(seed)
    if variant in VARIANTS[:3]:
        error = _rectangular(d, rank, p, variant, rng)
    elif variant.startswith("uneven"):
        error = _uneven(d, rank, p, variant, rng)
    else:
        error = _loss(d, rank, p, variant, rng)
    return {"error": error, "recovered": bool(error < 1e-3)}


def _rectangular(d, rank, p, variant, rng):
    U, V = rng.standard_normal((d, rank)), rng.standard_normal((2 * d, rank))
    M = U @ V.T
    problem = mc.Problem.from_dense(M, rng.random(M.shape) < p)
    tilt = 1.0 if variant == "two factors" else 10.0
    start = (tilt * rng.standard_normal(U.shape), rng.standard_normal(V.shape) / tilt)
    second = variant.endswith("second order")
    result = mc.complete(
        problem,
        "bm",
        rank=rank,
        start=start,
        optimizer="trust_region" if second else "lbfgs",
        max_iter=100 if second else 1000,
    )
    return float(np.linalg.norm(result.matrix() - M) / np.linalg.norm(M))


def _uneven(d, rank, p, variant, rng):
    Z, a = factor(d, rank, 1.0, rng), rng.permutation(np.linspace(np.sqrt(p) / 2, 1, d))
    M, chances = Z @ Z.T, np.outer(a, a)
    upper = np.triu(rng.random((d, d)) < chances)
    problem = mc.Problem.from_dense(M, upper | upper.T, symmetric=True)
    weights = 1 / chances[problem.rows, problem.cols] if variant != "uneven" else None
    start = rng.standard_normal((d, rank)) / np.sqrt(d)
    result = mc.complete(
        problem, "bm", rank=rank, start=(start, start), weights=weights, max_iter=1000
    )
    return relative_error(result.left, M)


def _loss(d, rank, p, variant, rng):
    Z = factor(d, rank, 1.0, rng)
    M = Z @ Z.T
    upper = np.triu(rng.random((d, d)) < p)
    mask = upper | upper.T
    unit = np.sqrt(np.mean(M**2))  # the residual at which the loss turns from square to absolute

    def f(x):
        X = x.reshape(d, rank)
        t = np.where(mask, X @ X.T - M, 0) / unit
        if variant == "huber":
            value, slope = np.sqrt(1 + t**2) - 1, t / np.sqrt(1 + t**2)
        else:
            value, slope = np.logaddexp(t, -t) - np.log(2), np.tanh(t)
        return float(value.sum()), (2 * slope @ X / unit).ravel()

    start = rng.standard_normal(d * rank) / np.sqrt(d)
    end = minimize(
        f, start, jac=True, method="L-BFGS-B", options={"maxiter": 1000, "gtol": 1e-9, "ftol": 0}
    )
    return relative_error(end.x.reshape(d, rank), M)


def _recovered(table: pd.DataFrame, variant: str) -> Estimate:
    part = table[table["variant"] == variant]
    return rate(int(part["recovered"].sum()), len(part))


def two_factors(table: pd.DataFrame) -> Estimate:
    """Share of random starts that end at M = U Vᵀ."""
    return _recovered(table, "two factors")


def unbalanced(table: pd.DataFrame) -> Estimate:
    """The same within 1000 steps of L-BFGS, with U a hundred times as large as V at the start."""
    return _recovered(table, "unbalanced")


def unbalanced_second_order(table: pd.DataFrame) -> Estimate:
    """The same from such starts with a trust region."""
    return _recovered(table, "unbalanced, second order")


def uneven(table: pd.DataFrame) -> Estimate:
    """Share for uneven sampling without weights."""
    return _recovered(table, "uneven")


def uneven_weighted(table: pd.DataFrame) -> Estimate:
    """Share for uneven sampling with weights 1/p_ij."""
    return _recovered(table, "uneven, weighted")


def huber(table: pd.DataFrame) -> Estimate:
    """Share with the pseudo-Huber loss."""
    return _recovered(table, "huber")


def log_cosh(table: pd.DataFrame) -> Estimate:
    """Share with the loss log cosh."""
    return _recovered(table, "log cosh")


PROTOCOL = Protocol(
    trial=trial,
    seed=2601,
    shared=("variant",),
    profiles={
        "smoke": Sweep({"d": 40, "rank": 2, "p": 0.5, "variant": list(VARIANTS)}, trials=1),
        "quick": Sweep({"d": 60, "rank": 2, "p": 0.4, "variant": list(VARIANTS)}, trials=2),
        "paper": Sweep({"d": 100, "rank": 2, "p": 0.3, "variant": list(VARIANTS)}, trials=20),
    },
)
