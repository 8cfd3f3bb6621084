"""Near the solution the gradient points away from it (Lemma C.1, Claim C.3), in the worst direction too.

To first order in E = X - U the quotient ⟨∇g, E⟩/(p ‖XXᵀ - M‖_F²) is that of two quadratic forms,
‖P_Ω(UEᵀ + EUᵀ)‖_F² and p ‖UEᵀ + EUᵀ‖_F²; its least value is a generalised eigenvalue.
"""

import numpy as np
import pandas as pd
from scipy.linalg import eigh

from mcrepro.experiments import Protocol, Sweep
from mcrepro.experiments.statistics import Estimate, rate
from mcrepro.theory.landscape import symmetric_mask
from mcrepro.theory.landscape_rank_r import RankR, factor, nearest_factor

from ._rank_r import descend, relative_error, with_penalty


def trial(seed: np.random.SeedSequence, *, d: int, rank: int, kappa: float, p: float) -> list[dict]:
    """Try one instance in random directions and in the worst one; one row a direction.

    Returns
    -------
    list of dict
        ``direction``; ``distance``, ‖XXᵀ - M‖_F/σ_min(Z)²; ``quotient``, ⟨∇f, X - U⟩/(p ‖XXᵀ - M‖_F²)
        and ``quotient_data``, of g; ``error`` and ``stop``, where descent from X ends.
    """
    rng = np.random.default_rng(seed)
    Z, mask = factor(d, rank, kappa, rng), symmetric_mask(d, p, rng)
    f = with_penalty(Z, mask, p)
    bottom = np.linalg.svd(Z, compute_uv=False)[-1]
    directions = {"worst": worst_direction(Z, mask)} | {
        f"random {k}": rng.standard_normal((d, rank)) for k in (1, 2)
    }
    rows = []
    for name, E in directions.items():
        t = 0.95 * bottom**2 / 100 / np.linalg.norm(Z @ E.T + E @ Z.T)
        X = Z + t * E
        gap = X - nearest_factor(X, Z)
        size = p * np.linalg.norm(X @ X.T - f.M) ** 2
        result = descend(f, X, max_iter=60)
        data = 2 * f.misfit(X) @ X
        rows.append(
            {
                "direction": name,
                "distance": float(np.linalg.norm(X @ X.T - f.M) / bottom**2),
                "quotient": float(np.sum(f.gradient(X) * gap) / size),
                "quotient_data": float(np.sum(data * gap) / size),
                "error": relative_error(result.left, f.M),
                "stop": result.stop_reason,
            }
        )
    return rows


def worst_direction(Z: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Return the E that minimises ‖P_Ω(ZEᵀ + EZᵀ)‖_F²/‖ZEᵀ + EZᵀ‖_F², rotations of Z left out."""
    d, r = Z.shape
    M = Z @ Z.T
    some, every = (RankR(M, shown).hessian(Z) for shown in (mask, np.ones_like(mask)))
    values, vectors = np.linalg.eigh(every)
    moves = vectors[:, values > 1e-8 * values[-1]]  # the rest turns Z and leaves M as it is
    form = moves.T @ every @ moves
    _, found = eigh(moves.T @ some @ moves, (form + form.T) / 2, subset_by_index=[0, 0])
    return (moves @ found[:, 0]).reshape(d, r)


def _share(table: pd.DataFrame, holds: pd.Series) -> Estimate:
    good = table.assign(holds=holds).groupby(["d", "rank", "kappa", "p", "trial"])["holds"].all()
    return rate(int(good.sum()), len(good))


def _densest(table: pd.DataFrame) -> pd.DataFrame:
    return table[table["p"] == table["p"].max()]


def gradient_points_away(table: pd.DataFrame) -> Estimate:
    """Lemma C.1 at the largest p: the quotient of f is at least ¼ in all directions tried."""
    part = _densest(table)
    return _share(part, part["quotient"] >= 0.25)


def data_gradient_points_away(table: pd.DataFrame) -> Estimate:
    """Claim C.3, with ∇g for the printed ∇R."""
    part = _densest(table)
    return _share(part, part["quotient_data"] >= 0.25)


def descent_from_there_is_exact(table: pd.DataFrame) -> Estimate:
    """Share of instances from all of whose points descent ends at M."""
    part = _densest(table)
    return _share(part, part["error"] < 1e-6)


PROTOCOL = Protocol(
    trial=trial,
    seed=2601,
    profiles={
        "smoke": Sweep({"d": 30, "rank": 2, "kappa": 1.0, "p": [0.3, 0.6]}, trials=1),
        "quick": Sweep({"d": 60, "rank": 2, "kappa": 2.0, "p": [0.15, 0.3, 0.6]}, trials=4),
        "paper": Sweep(
            {"d": [60, 120], "rank": [1, 2, 3], "kappa": 2.0, "p": [0.15, 0.3, 0.6]}, trials=7
        ),
    },
)
