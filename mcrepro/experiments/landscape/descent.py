"""From many kinds of starts down to where the second-order conditions hold.

All starts and both objectives of one trial meet the same matrix and mask; a row is one start.
Recovered means max |xxᵀ - zzᵀ| <= 1e-4 max |zzᵀ|.
"""

import numpy as np
import pandas as pd

import mcrepro as mc
from mcrepro.experiments import Protocol, Sweep
from mcrepro.experiments.statistics import Estimate
from mcrepro.theory.landscape import incoherent, paper_parameters, symmetric_mask

from ._reductions import share

STARTS = ("normal", "spectral", "spike", "sparse", "flipped", "near zero")


def trial(
    seed: np.random.SeedSequence,
    *,
    d: int,
    p: float,
    mu: float,
    rank: int,
    regularizer: str,
    optimizer: str,
) -> list[dict]:
    """Descend from every kind of start.

    Parameters
    ----------
    regularizer : {"row_norm", "none"}
        With α and λ of Theorem 3.2 (rank one) or as in Theorem 4.3 for this Z, or λ = 0.
    optimizer : {"trust_region", "gd", "perturbed_gd"}
        The first and last end only where the Hessian has no negative eigenvalue.

    Returns
    -------
    list of dict
        ``start``; ``recovered``; ``error``, relative, Frobenius; ``iterations``; ``settled``:
        the method found its end, by a residual of zero or by its gradient.
    """
    rng = np.random.default_rng(seed)
    Z = np.stack([incoherent(d, mu, rng) for _ in range(rank)], axis=1)
    Z = np.sqrt(rank) * np.linalg.qr(Z)[0] / np.sqrt(rank)
    problem = mc.Problem.from_dense(Z @ Z.T, symmetric_mask(d, p, rng), symmetric=True)
    options = {}
    if regularizer == "row_norm":
        numbers = paper_parameters(d, np.sqrt(d / rank) * np.linalg.norm(Z, axis=1).max(), p)
        options = {"alpha": numbers["alpha"] * np.sqrt(rank), "weight": numbers["weight"]}
    rows = []
    for name in STARTS:
        X = _start(name, Z, problem, rng)
        result = mc.complete(
            problem,
            "bm",
            rank=rank,
            optimizer=optimizer,
            regularizer=regularizer,
            start=(X, X),
            seed=int(rng.integers(2**31)),
            **options,
        )
        gap = np.abs(result.matrix() - problem.truth).max() / np.abs(problem.truth).max()
        rows.append(
            {
                "start": name,
                "recovered": bool(gap <= 1e-4),
                "error": float(result.relative_error(problem.truth)),
                "iterations": result.n_iter,
                "settled": result.stop_reason in ("residual", "gradient"),
            }
        )
    return rows


def _start(name, Z, problem, rng):
    d, rank = Z.shape
    normal = rng.standard_normal((d, rank))
    if name == "normal":
        return normal / np.sqrt(d)
    if name == "spectral":
        values, vectors = np.linalg.eigh(problem.to_csr().toarray())
        return vectors[:, -rank:] * np.sqrt(np.maximum(values[-rank:], 0) / problem.density)
    if name == "spike":  # one huge row, on top of little
        X = 1e-2 * normal / np.sqrt(d)
        X[rng.integers(d)] += 2.0
        return X
    if name == "sparse":
        return normal * (rng.random((d, 1)) < 4 / d) + 1e-3 * normal / np.sqrt(d)
    if name == "flipped":  # the truth with half of its signs turned: a saddle when all is seen
        return Z * rng.permutation(np.resize([1.0, -1.0], d))[:, None]
    return 1e-8 * normal / np.sqrt(d)


def _of(table: pd.DataFrame, regularizer: str, optimizer: str, rank: int = 1) -> pd.DataFrame:
    part = table[(table["regularizer"] == regularizer) & (table["optimizer"] == optimizer)]
    return part[part["rank"] == rank]


def _instances(part: pd.DataFrame) -> Estimate:
    """Share of instances in which every start recovers the matrix."""
    return share(part.groupby(["d", "p", "trial"])["recovered"].all())


def every_start(table: pd.DataFrame) -> Estimate:
    """Share of rank-one instances in which all second-order points reached are ±z."""
    return _instances(_of(table, "row_norm", "trust_region"))


def every_start_rank_two(table: pd.DataFrame) -> Estimate:
    """The same for rank two."""
    return _instances(_of(table, "row_norm", "trust_region", rank=2))


def no_worse_than_spectral(table: pd.DataFrame) -> Estimate:
    """Share of instances in which the starts that know nothing do as well as the spectral one."""
    part = _of(table, "row_norm", "trust_region")
    wide = part.pivot_table(index=["d", "p", "trial"], columns="start", values="recovered")
    return share(wide.drop(columns="spectral").min(axis=1) >= wide["spectral"])


def gradient_descent(table: pd.DataFrame) -> Estimate:
    """Share of instances that gradient descent from a normal start recovers."""
    part = _of(table, "row_norm", "gd")
    return share(part.loc[part["start"] == "normal", "recovered"])


def stochastic_descent(table: pd.DataFrame) -> Estimate:
    """Share of instances that perturbed gradient descent recovers from every start."""
    return _instances(_of(table, "row_norm", "perturbed_gd"))


def _cells(d, p):
    common = {"d": d, "p": p, "mu": 1.2}
    return [
        {**common, "rank": 1, "regularizer": "row_norm", "optimizer": "trust_region"},
        {**common, "rank": 1, "regularizer": "none", "optimizer": "trust_region"},
        {**common, "rank": 1, "regularizer": "row_norm", "optimizer": "gd"},
        {**common, "rank": 1, "regularizer": "row_norm", "optimizer": "perturbed_gd"},
        {**common, "rank": 2, "regularizer": "row_norm", "optimizer": "trust_region"},
    ]


PROTOCOL = Protocol(
    trial=trial,
    seed=2601,
    shared=("regularizer", "optimizer"),
    profiles={
        "smoke": Sweep(cells=_cells(30, 0.6), trials=1),
        "quick": Sweep(cells=_cells(60, 0.6), trials=4),
        "paper": Sweep(cells=_cells(200, 0.25), trials=40),
    },
)
