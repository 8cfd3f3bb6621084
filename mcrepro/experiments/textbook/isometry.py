"""Restricted isometry: of Gaussian measurements, and of looking at entries.

For 3-by-3 matrices the constant over all matrices can be computed, as an extreme eigenvalue. Lower
bounds of the constant of order k come from matrices of rank at most k, found by alternating the two
factors: with one factor fixed, ||A(H)||² is a quadratic form in the other.
"""

import numpy as np
import pandas as pd

from mcrepro.experiments import Protocol, Sweep
from mcrepro.theory.geometry import isometry_constant

N = 3


def trial(_: None, *, kind: str, draw: int) -> dict:
    """Measure one operator on 3-by-3 matrices; the generator's seed is `draw`.

    Parameters
    ----------
    kind : {"gaussian", "entries"}
        200 Gaussian measurements of variance 1/200, or the entries of a random mask with one to
        eight of them, each scaled by (9/|Ω|)^1/2 so that the mean of ||A(H)||² is ||H||².

    Returns
    -------
    dict
        ``full``: the constant over all matrices; ``rank_one``, ``rank_two``: lower bounds of those of
        order one and two; ``hidden``: least ||A(e_i e_jᵀ)||²; ``hessian_gap``: of the second
        difference of f against ||A(H)||²; ``above``, ``below``: by how much ||A(X - Y)||² leaves
        [1 ∓ full] ||X - Y||² over random pairs of rank one, at most.
    """
    rng = np.random.default_rng([draw, kind == "entries"])
    if kind == "gaussian":
        A = rng.standard_normal((200, N * N)) / np.sqrt(200)
    else:
        chosen = rng.permutation(N * N)[: rng.integers(1, N * N)]
        A = np.eye(N * N)[chosen] * N / np.sqrt(len(chosen))
    full = isometry_constant(A)
    pairs = rng.standard_normal((500, 2, N, 1)) @ rng.standard_normal((500, 2, 1, N))
    H = (pairs[:, 0] - pairs[:, 1]).reshape(500, -1)
    ratio = np.sum((H @ A.T) ** 2, axis=1) / np.sum(H**2, axis=1)

    X, D, y = rng.standard_normal((3, N * N))
    y = A @ y
    f = [0.5 * np.sum((A @ (X + t * D) - y) ** 2) for t in (-1.0, 0.0, 1.0)]
    second = f[0] - 2 * f[1] + f[2]  # of a quadratic: exact
    return {
        "full": full,
        "rank_one": _lower_bound(A, 1, rng),
        "rank_two": _lower_bound(A, 2, rng),
        "hidden": float(np.sum(A**2, axis=0).min()),
        "hessian_gap": float(abs(second - np.sum((A @ D) ** 2)) / np.sum((A @ D) ** 2)),
        "above": float(ratio.max() - (1 + full)),
        "below": float((1 - full) - ratio.min()),
    }


def _lower_bound(A: np.ndarray, rank: int, rng: np.random.Generator) -> float:
    """Return the largest |‖A(H)‖² - 1| found over H of unit norm and rank at most `rank`."""
    both = A.reshape(-1, N, N), A.reshape(-1, N, N).transpose(0, 2, 1)
    best = 0.0
    for sign in (1, -1):
        for _ in range(5):
            V = np.linalg.qr(rng.standard_normal((N, rank)))[0]
            for step in range(40):
                # H = U Vᵀ with orthonormal V: ‖H‖ = ‖U‖, and A(H) is linear in U.
                linear = (both[step % 2] @ V).reshape(len(A), -1)
                values, vectors = np.linalg.eigh(sign * linear.T @ linear)
                best = max(best, abs(sign * values[-1] - 1))
                V = np.linalg.qr(vectors[:, -1].reshape(N, rank))[0]
    return float(best)


def gaussian_is_isometric(table: pd.DataFrame) -> bool:
    """Gaussian measurements satisfy the definition with a constant below one, of any order."""
    part = table[table["kind"] == "gaussian"]
    ordered = (part["rank_one"] <= part["rank_two"] + 1e-9) & (
        part["rank_two"] <= part["full"] + 1e-9
    )
    return bool(len(part) and (part["full"] < 1).all() and ordered.all())


def entries_are_isometric(table: pd.DataFrame) -> bool:
    """Looking at some of the entries satisfies it with a constant below one, even for rank one."""
    part = table[table["kind"] == "entries"]
    return bool((part["hidden"] > 0).all() and (part["rank_one"] < 1).all())


def hessian_is_isometry(table: pd.DataFrame) -> bool:
    """⟨H, ∇²f(X)[H]⟩ = ‖A(H)‖² for f = ½‖A(X) - y‖²."""
    return bool((table["hessian_gap"] < 1e-9).all())


def curvature_is_bounded(table: pd.DataFrame) -> bool:
    """With constant δ the curvature along differences of matrices of rank one is within 1 ∓ δ."""
    return bool((table[["above", "below"]] <= 1e-9).all(axis=None))


PROTOCOL = Protocol(
    trial=trial,
    exact=True,
    profiles={
        "smoke": Sweep({"kind": ["gaussian", "entries"], "draw": [1, 2]}),
        "quick": Sweep({"kind": ["gaussian", "entries"], "draw": [1, 2, 3, 4]}),
        "paper": Sweep({"kind": ["gaussian", "entries"], "draw": list(range(1, 11))}),
    },
)
