"""Tall matrices of which every row shows two or three entries: what is found of the row space.

Rows are normal combinations of r random orthonormal factors in d dimensions, and each entry is seen
with probability C/d, perhaps with normal noise. The target is T = MᵀM/n. Methods that complete M give T̂ = M̂ᵀM̂/n, cut to rank
r; "second_moment" never completes M.
"""

import functools
import time
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp

import mcrepro as mc
from mcrepro.experiments import Protocol, Sweep
from mcrepro.experiments.statistics import mean, rate

FOUND = 0.5
"""Sine of the largest angle between row spaces below which they count as found."""

OPTIONS: dict[str, dict[str, Any]] = {
    "mean": {},
    "als": {"ridge": "learned", "max_iter": 50},
    "alternating_gd": {"max_iter": 100},
    "bm": {"regularizer": "ridge", "weight": 0.1, "max_iter": 300},
    "gnmr": {"max_iter": 50},
    "soft_impute": {"regularization": 0.3, "max_iter": 100},
}
METHODS = (*OPTIONS, "second_moment")


def trial(
    seed: np.random.SeedSequence, *, n: int, d: int, rank: int, C: float, noise: float, method: str
) -> dict:
    """Run one method on one matrix; `noise` is in units of the root mean square of M.

    Returns
    -------
    dict
        ``error``: ‖T̂ - T‖_F / ‖T‖_F; ``sine`` of the largest angle between the row spaces;
        ``solved``: whether that is below `FOUND`; ``seconds``: of processor time;
        ``converged``, ``stop_reason``; ``longer``: rows with more than r entries, each of which
        says something about the row space by itself; ``pairs``: n p², the mean count of a pair.
    """
    _warm(method)
    rng = np.random.default_rng(seed)
    factors = np.linalg.qr(rng.standard_normal((d, rank)))[0]
    weights = rng.standard_normal((n, rank)) / np.sqrt(rank)
    observed = mc.instances.sample_rows(weights @ factors.T, C / d, rng)
    observed.data += noise / np.sqrt(d) * rng.standard_normal(observed.nnz)
    T = factors @ (weights.T @ weights / n) @ factors.T
    begin = time.process_time()
    X, result = estimate(observed, method, rank, seed=0)
    seconds = time.process_time() - begin
    sine = largest_sine(X, factors)
    return {
        "error": float(np.linalg.norm(X @ X.T - T) / np.linalg.norm(T)),
        "sine": sine,
        "solved": sine <= FOUND,
        "seconds": seconds,
        "converged": result.converged,
        "stop_reason": result.stop_reason,
        "longer": int(np.sum(np.diff(observed.indptr) > rank)),
        "pairs": n * (C / d) ** 2,
    }


def estimate(observed: sp.csr_array, method: str, rank: int, seed):
    """X of at most `rank` columns with XXᵀ near T, and the Result it is from."""
    n, d = observed.shape
    if method == "second_moment":
        moments = mc.SecondMoment(d).update(observed)
        result = mc.recover_second_moment(moments, rank, seed)
        return result.left, result
    problem = mc.Problem.from_csr(observed)
    given = None if method in ("mean", "soft_impute") else rank
    result = mc.complete(problem, method, rank=given, seed=seed, **OPTIONS[method])
    # M̂ᵀM̂/n = R G Rᵀ, from thin factors: its leading part is that of the small R.
    Q, R = np.linalg.qr(result.right)
    left = np.linalg.qr(result.left, mode="r")
    _, s, vt = np.linalg.svd(left @ R.T, full_matrices=False)
    return Q @ (vt[:rank].T * s[:rank]) / np.sqrt(n), result


def largest_sine(X: np.ndarray, factors: np.ndarray) -> float:
    """Sine of the largest angle between a space and the span of X; 1 if X has fewer columns."""
    U, s, _ = np.linalg.svd(X, full_matrices=False)
    U = U[:, s > 1e-12 * s[0]]
    outside = factors - U @ (U.T @ factors)
    return float(min(np.linalg.norm(outside, 2), 1.0))


@functools.cache
def _warm(method):
    rng = np.random.default_rng(0)
    M = rng.standard_normal((200, 2)) @ rng.standard_normal((2, 10))
    estimate(mc.instances.sample_rows(M, 0.4, rng), method, 2, seed=0)


def summary(table: pd.DataFrame) -> pd.DataFrame:
    """One row for each setting and method: means with 95 % intervals over matrices."""
    rows = []
    keys = ["rank", "C", "noise", "method"]
    for key, part in table.groupby(keys, sort=False):
        solved = rate(int(part["solved"].sum()), len(part))
        row = {
            **dict(zip(keys, key, strict=True)),
            "solved": solved.value,
            "solved_low": solved.low,
            "solved_high": solved.high,
            "converged": float(part["converged"].mean()),
        }
        for column in ("sine", "error", "seconds"):
            found = mean(part[column])
            row |= {column: found.value, f"{column}_low": found.low, f"{column}_high": found.high}
        rows.append(row)
    return pd.DataFrame(rows)


_CELLS = [
    {"rank": 3, "C": 3.0, "noise": 0.0},
    {"rank": 6, "C": 2.0, "noise": 0.0},
    {"rank": 3, "C": 3.0, "noise": 0.5},
]

PROTOCOL = Protocol(
    trial=trial,
    seed=7302,
    shared=("method",),
    profiles={
        "smoke": Sweep({"n": 500, "d": 20, "method": list(METHODS)}, trials=1, cells=_CELLS),
        "quick": Sweep({"n": 2000, "d": 30, "method": list(METHODS)}, trials=2, cells=_CELLS),
        "paper": Sweep({"n": 10_000, "d": 50, "method": list(METHODS)}, trials=5, cells=_CELLS),
    },
)
