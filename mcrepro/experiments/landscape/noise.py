"""Theorem B.1: where descent ends when Gaussian noise was added, against noise level and p."""

import numpy as np
import pandas as pd

from mcrepro.experiments import Protocol, Sweep
from mcrepro.experiments.statistics import Estimate, mean, rate
from mcrepro.theory.landscape import symmetric_mask
from mcrepro.theory.landscape_rank_r import (
    RankR,
    factor,
    incoherence,
    noise_error,
    noise_incoherence,
)

from ._rank_r import descend, relative_error

STARTS = 3


def trial(seed: np.random.SeedSequence, *, d: int, rank: int, level: float, p: float) -> dict:
    """Descend from `STARTS` random starts on f with M = ZZᵀ + N, σ = `level` · μ² r/d.

    Returns
    -------
    dict
        ``error``: largest ‖XXᵀ - ZZᵀ‖_F over the starts, ``relative`` the same over ‖ZZᵀ‖_F;
        ``spread``: largest distance between two end points, relative; ``promise``: the ε of the
        theorem with C = 1; ``rate``: σ√(2rd/p); ``entry_ratio``: max |M_ij| over μ̂² r/d;
        ``spectral_ratio``: ‖P_Ω(N)‖ over ε p ‖ZZᵀ‖_F.
    """
    rng = np.random.default_rng(seed)
    Z, mask = factor(d, rank, 1.0, rng), symmetric_mask(d, p, rng)
    mu = incoherence(Z)
    sigma = level * mu**2 * rank / d
    N = rng.standard_normal((d, d)) * sigma
    N = np.triu(N) + np.triu(N, 1).T
    truth = Z @ Z.T
    mu_hat = noise_incoherence(d, rank, mu, sigma)
    alpha = 2 * mu_hat * rank / np.sqrt(d)
    f = RankR(truth + N, mask, alpha, mu_hat**2 * rank * p / alpha**2)
    ends = [
        descend(f, start, "lbfgs", max_iter=500, gtol=1e-7).left
        for start in rng.standard_normal((STARTS, d, rank)) / np.sqrt(d)
    ]
    size, promise = np.linalg.norm(truth), noise_error(d, rank, p, mu, 1.0, sigma)
    relative = max(relative_error(X, truth) for X in ends)
    fits = [X @ X.T for X in ends]
    return {
        "error": relative * size,
        "relative": relative,
        "spread": float(max(np.linalg.norm(A - fits[0]) for A in fits) / size),
        "promise": promise,
        "rate": float(sigma * np.sqrt(2 * rank * d / p)),
        "entry_ratio": float(np.abs(truth + N).max() / (mu_hat**2 * rank / d)),
        "spectral_ratio": float(np.linalg.norm(np.where(mask, N, 0), 2) / (promise * p * size)),
    }


def within_promise(table: pd.DataFrame) -> Estimate:
    """Share of instances where no start errs by more than ε with C = 1."""
    return rate(int((table["error"] <= table["promise"]).sum()), len(table))


def exponent_in_share(table: pd.DataFrame) -> Estimate:
    """Slope of log error against log p, mean over series of the same matrix size, rank and level.

    Only at the lowest level, where the noise does not hide the matrix.
    """
    part = table[table["level"] == table["level"].min()]
    slopes = [
        np.polyfit(np.log(g["p"]), np.log(g["error"]), 1)[0]
        for _, g in part.groupby(["d", "rank", "level", "trial"])
        if g["p"].nunique() > 1
    ]
    return mean(slopes)


def small_error_with_everything_seen(table: pd.DataFrame) -> Estimate:
    """Largest p and d, σ = μ² r/d: the relative error."""
    part = table[(table["level"] == 1) & (table["p"] == table["p"].max())]
    return mean(part[part["d"] == part["d"].max()]["relative"])


def starts_agree(table: pd.DataFrame) -> Estimate:
    """Share of instances at the lowest level whose starts all end at one matrix."""
    part = table[table["level"] == table["level"].min()]
    return rate(int((part["spread"] < 1e-4).sum()), len(part))


def mask_noise_is_small(table: pd.DataFrame) -> Estimate:
    """Share of instances with ‖P_Ω(N)‖ <= ε p ‖ZZᵀ‖_F, C = 1."""
    return rate(int((table["spectral_ratio"] <= 1).sum()), len(table))


PROTOCOL = Protocol(
    trial=trial,
    seed=2601,
    profiles={
        "smoke": Sweep({"d": 30, "rank": 1, "level": [0.1, 1.0], "p": [0.5, 1.0]}, trials=2),
        "quick": Sweep({"d": 100, "rank": 1, "level": [0.1, 1.0], "p": [0.2, 0.5, 1.0]}, trials=3),
        "paper": Sweep(
            {
                "d": [100, 400],
                "rank": [1, 2],
                "level": [0.1, 1.0],
                "p": [0.2, 0.5, 1.0],
            },
            trials=4,
        ),
    },
)
