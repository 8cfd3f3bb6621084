"""Lemmas D.4 and D.6 and Theorem D.2: spectral norms of what sampling adds, and a uniform residual.

Matrices W of two kinds: "flat", all entries of one size, and "spiked", where a tenth of the rows and
columns holds the entries of the largest size. Masks are symmetric; p = c log(d)/d with the given c.
"""

import numpy as np
import pandas as pd

from mcrepro.experiments import Protocol, Sweep
from mcrepro.experiments.statistics import Estimate
from mcrepro.theory.landscape import symmetric_mask
from mcrepro.theory.sampling import gradient_epsilon, spectral_epsilon

from ._reductions import growth, share


def trial(seed: np.random.SeedSequence, *, d: int, constant: float) -> dict:
    """Draw one mask.

    Returns
    -------
    dict
        ``flat``, ``spiked``: ‖P_Ω(W) - pW‖/(εp‖W‖_F), ε = ν√(log d/(pd)); ``noise``: ‖P_Ω(N)‖/(εpd);
        ``gradient``: the largest ‖P_Ω(XXᵀ)X - pXXᵀX‖_F/(pε‖X‖_F³) found over X of rank two with rows
        at most ν = 2 times the root mean square, ε² = ν⁶ r log^1.5(d)/(pd); ``gradient_random``: at a random X.
    """
    rng = np.random.default_rng(seed)
    p = min(1.0, constant * np.log(d) / d)
    mask = symmetric_mask(d, p, rng)
    noise = mask - p
    u = np.full(d, 0.1)
    u[: d // 10] = 1.0
    spiked = np.outer(u, u)
    nu = d * spiked.max() / np.linalg.norm(spiked)
    gaussian = mask * rng.standard_normal((d, d))
    random, best = _row_bounded(mask, p, rng)
    unit = p * gradient_epsilon(2.0, d, 2, p)
    return {
        "p": p,
        "flat": float(_norm(noise) / d / (p * spectral_epsilon(1.0, d, p))),
        "spiked": float(
            _norm(noise * spiked) / np.linalg.norm(spiked) / (p * spectral_epsilon(nu, d, p))
        ),
        "noise": float(np.linalg.norm(gaussian, 2) / (p * d * spectral_epsilon(1.0, d, p))),
        "gradient_random": random / unit,
        "gradient": best / unit,
    }


def _norm(A):
    """Spectral norm of a symmetric matrix."""
    return np.abs(np.linalg.eigvalsh(A)[[0, -1]]).max()


def _row_bounded(mask, p, rng, rank=2, nu=2.0, steps=60):
    """Climb ‖G(X)‖² = ‖((mask - p) ∘ XXᵀ)X‖² over ‖X‖_F = 1, rows clipped to ν/√d; (random, largest)."""
    d = len(mask)
    A = mask - p

    def project(X):
        X = X / np.linalg.norm(X)
        for _ in range(5):  # clipping shrinks the norm, and scaling lengthens rows
            rows = np.linalg.norm(X, axis=1, keepdims=True)
            X = X * np.minimum(1, nu / np.sqrt(d) / np.maximum(rows, 1e-300))
            X = X / np.linalg.norm(X)
        rows = np.linalg.norm(X, axis=1, keepdims=True)
        return X * np.minimum(1, nu / np.sqrt(d) / np.maximum(rows, 1e-300))

    def value(X):
        return float(np.linalg.norm((A * (X @ X.T)) @ X) / np.linalg.norm(X) ** 3)

    random, best = None, 0.0
    for start in range(2):
        X = rng.standard_normal((d, rank))
        if start:  # the leading singular direction of the noise, in one column
            X[:, 0] += 10 * d**0.5 * np.linalg.eigh(A)[1][:, -1]
        X = project(X)
        if random is None:
            random = value(X)
        step = 1.0
        current = value(X)
        for _ in range(steps):
            S = A * (X @ X.T)
            G = S @ X
            climb = 2 * (S @ G) + 2 * (A * (G @ X.T)) @ X + 2 * (A * (X @ G.T)) @ X
            trial_ = project(X + step * climb / max(np.linalg.norm(climb), 1e-300))
            new = value(trial_)
            if new > current:
                X, current, step = trial_, new, step * 1.3
            else:
                step *= 0.5
        best = max(best, current)
    return random, best


def flat_grows(table: pd.DataFrame) -> Estimate:
    """Exponent in d of the larger of the two ratios of Lemma D.4."""
    return growth(table.assign(worst=table[["flat", "spiked"]].max(axis=1)), "worst")


def noise_grows(table: pd.DataFrame) -> Estimate:
    """Exponent in d of the ratio of Lemma D.6."""
    return growth(table, "noise")


def gradient_grows(table: pd.DataFrame) -> Estimate:
    """Exponent in d of the ratio of Theorem D.2 at the worst X found."""
    return growth(table, "gradient")


def gradient_bounded(table: pd.DataFrame) -> Estimate:
    """Share of masks in which no X was found that breaks Theorem D.2 with C = 1."""
    return share(table["gradient"] <= 1)


PROTOCOL = Protocol(
    trial=trial,
    seed=2601,
    profiles={
        "smoke": Sweep({"d": [40, 80], "constant": 4.0}, trials=2),
        "quick": Sweep({"d": [100, 200], "constant": 4.0}, trials=10),
        "paper": Sweep({"d": [100, 200, 400, 600], "constant": 4.0}, trials=10),
    },
)
