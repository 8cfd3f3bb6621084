"""Three methods at the sampling rates of Table 1, with one constant for all sizes.

A condition "p ≥ O(rate)" says nothing of a single size. It does say that with *some* constant the
method works at every size: here the constant is fixed, and n grows. The matrices are flat
(μ₀ = 1), with singular values from n down to n/κ.
"""

import numpy as np
import pandas as pd

import mcrepro as mc
from mcrepro.experiments import Protocol, Sweep
from mcrepro.experiments.statistics import Estimate, mean, rate
from mcrepro.theory import recovery_conditions

from ._flat import singular_vectors

CONSTANTS = {"factored": 2.0, "spectral": 2.0, "lasso": 0.25}
NOISE = 0.1  # standard deviation, for the lasso
LEVEL = 2.5  # of the lasso: regularization over noise·√(n p), a bit above the norm of the noise


def trial(seed: np.random.SeedSequence, *, method: str, n: int, rank: int, kappa: float) -> dict:
    """Observe one flat matrix at the method's rate times its constant, and complete it.

    Returns
    -------
    dict
        ``p``; ``error``: relative, in Frobenius norm; ``scaled``: for "lasso", the error over
        noise·√(n r/p), else None.
    """
    rng = np.random.default_rng(seed)
    U, V = singular_vectors(n, rank, rng)
    truth = (U * np.linspace(n, n / kappa, rank)) @ V.T
    p = CONSTANTS[method] * recovery_conditions.required_rate(method, n, rank, 1.0, kappa)
    if p > 1:
        raise ValueError(f"n={n}, kappa={kappa} ask for p={p:.2f} > 1")
    mask = rng.random((n, n)) < p
    scaled = None
    if method == "spectral":
        left, s, right = np.linalg.svd(np.where(mask, truth, 0.0) / p)
        answer = (left[:, :rank] * s[:rank]) @ right[:rank]
    else:
        rows, cols = np.nonzero(mask)
        noise = NOISE * rng.standard_normal(len(rows)) if method == "lasso" else 0.0
        problem = mc.Problem(rows, cols, truth[rows, cols] + noise, (n, n))
        if method == "factored":
            answer = mc.complete(problem, "bm", rank=rank, seed=0).matrix()
        else:
            level = LEVEL * NOISE * np.sqrt(n * p)
            answer = mc.complete(problem, "soft_impute", regularization=level, seed=0).matrix()
            unit = NOISE * np.sqrt(n * rank / p)
            scaled = float(np.linalg.norm(answer - truth) / unit)
    error = np.linalg.norm(answer - truth) / np.linalg.norm(truth)
    return {"p": p, "error": float(error), "scaled": scaled}


def factored_success(table: pd.DataFrame) -> Estimate:
    """Rate of relative errors below 1e-6, over all sizes and condition numbers."""
    part = table[table["method"] == "factored"]
    return rate(int((part["error"] < 1e-6).sum()), len(part))


def _growth(table: pd.DataFrame, method: str, column: str) -> Estimate:
    part = table[(table["method"] == method) & (table["kappa"] == 1)]
    slopes = [
        np.polyfit(np.log(group["n"]), np.log(group[column]), 1)[0]
        for _, group in part.groupby("trial")
    ]
    return mean(slopes)


def spectral_growth(table: pd.DataFrame) -> Estimate:
    """Exponent of n in the relative error of the spectral method at its rate."""
    return _growth(table, "spectral", "error")


def spectral_error(table: pd.DataFrame) -> Estimate:
    """Relative error of the spectral method at its rate, at the largest n."""
    part = table[(table["method"] == "spectral") & (table["kappa"] == 1)]
    return mean(part.loc[part["n"] == part["n"].max(), "error"])


def lasso_growth(table: pd.DataFrame) -> Estimate:
    """Exponent of n in the lasso's error over noise·√(n r/p), at its rate."""
    return _growth(table, "lasso", "scaled")


def _cells(sizes: list[int], largest: int) -> list[dict]:
    plain = [{"method": m, "n": n, "kappa": 1.0} for m in CONSTANTS for n in sizes]
    # A condition number of 2 asks for p = 32/n, one of 4 for 128/n: only sizes with p ≤ 1/2.
    conditioned = [
        {"method": "factored", "n": n, "kappa": kappa}
        for kappa in (2.0, 4.0)
        for n in (64, 128, 256, 512)
        if 16 * kappa**2 <= n <= largest
    ]
    return plain + conditioned


PROTOCOL = Protocol(
    trial=trial,
    seed=2601,
    shared=("method",),
    profiles={
        "smoke": Sweep({"rank": 2}, cells=_cells([64, 128], 128), trials=2),
        "quick": Sweep({"rank": 2}, cells=_cells([64, 128], 256), trials=6),
        "paper": Sweep({"rank": 2}, cells=_cells([64, 128, 256, 512], 512), trials=20),
    },
)
