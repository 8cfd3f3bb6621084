"""Instances of section 4 and descent on them, shared by the protocols of rank r."""

import numpy as np

import mcrepro as mc
from mcrepro.theory.landscape_rank_r import RankR, penalty_numbers


def problem(f: RankR) -> mc.Problem:
    """Return the entries that `f` sees as a problem for the solvers."""
    return mc.Problem.from_dense(f.M, f.mask, symmetric=True)


def descend(f: RankR, start: np.ndarray, optimizer: str = "trust_region", **options) -> mc.Result:
    """Lead `start` downhill; "trust_region" stops only where no negative curvature is left either."""
    if f.weight:
        options |= {"regularizer": "row_norm", "alpha": f.alpha, "weight": f.weight}
    return mc.complete(
        problem(f),
        "bm",
        rank=start.shape[1],
        optimizer=optimizer,
        start=(start, start),
        **options,
    )


def with_penalty(Z: np.ndarray, mask: np.ndarray, p: float) -> RankR:
    """Return the objective with the α and λ of Theorem 4.3."""
    return RankR(Z @ Z.T, mask, *penalty_numbers(Z, p))


def relative_error(X: np.ndarray, M: np.ndarray) -> float:
    """Return ‖X Xᵀ - M‖_F/‖M‖_F."""
    return float(np.linalg.norm(X @ X.T - M) / np.linalg.norm(M))
