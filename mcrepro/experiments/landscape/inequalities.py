"""Lemmas 4.6 to 4.8 and Claims C.2 and C.4: inequalities between matrices, without any chance.

Each is tried on matrices made to come close to it. Quotients below are to be at most one.
"""

from fractions import Fraction

import numpy as np
import pandas as pd

from mcrepro.experiments import Protocol, Sweep
from mcrepro.experiments.statistics import Estimate, exact
from mcrepro.theory.landscape_rank_r import (
    RankR,
    factor,
    incoherence,
    nearest_factor,
    truncated_factor,
)

DRAWS = 60


def trial(_: None, *, matrix: int, rank: int, kappa: float) -> dict:
    """Take Z and everything else from the generator with seed `matrix`; the worst of `DRAWS` each.

    Returns
    -------
    dict
        ``kept``: ½σ_min(Z)/σ_min(Z_J) for the worst L of Lemma 4.6 with α = 4μκr/√d; ``courant``,
        ``courant_small``: least ‖Xᵀz‖/σ_min(X) over unit z in a subspace of r, of r - 1 dimensions;
        ``removed``: (4.21), left over right; ``step``: 10√r‖Z_i‖/α as used in its proof; ``close``,
        ``close_in``: ‖XXᵀ - ZZᵀ‖_F/(δκ²/σ_min) of Lemma 4.8, and ``near_part``, ``far_part``,
        ``core``: of its proof's three bounds; ``outward``: -⟨∇R, X - U⟩ relative; ``factor_gap``:
        Claim C.4, U nearest; ``factor_proof``: U of its proof; ``w_part``, ``q_part``, ``product``.
    """
    rng = np.random.default_rng(matrix)
    d = 40
    Z = factor(d, rank, kappa, rng)
    top, bottom = np.linalg.svd(Z, compute_uv=False)[[0, -1]]
    alpha = 4 * incoherence(Z) * (top / bottom) * rank / np.sqrt(d)
    found: dict[str, float] = {"kept": _kept(Z, alpha, top, bottom)}
    longest = np.linalg.norm(Z, axis=1).max()
    found["step"] = float(10 * np.sqrt(rank) * longest / alpha)
    rows = []
    for _draw in range(DRAWS):
        rows.append(
            _courant(d, rank, rng)
            | _removed(Z, alpha, bottom, rng)
            | _close(Z, top, bottom, rng)
            | _outward(Z, alpha, rng)
            | _factors(Z, bottom, rng)
        )
    return found | {k: float(v) for k, v in pd.DataFrame(rows).max().items()}


def _kept(Z, alpha, top, bottom):
    # The rows that matter most go into L, as many as ‖X‖_F² <= 2rσ_max² allows.
    lost = int(2 * Z.shape[1] * top**2 / alpha**2)
    order = np.argsort(np.linalg.norm(Z, axis=1))
    kept = Z[order[: len(Z) - lost]]
    return 0.5 * bottom / np.linalg.svd(kept, compute_uv=False)[-1]


def _courant(d, r, rng):
    X = rng.standard_normal((d, r)) * np.geomspace(1, 10, r)
    basis = np.linalg.qr(rng.standard_normal((d, r)))[0]
    if rng.random() < 0.5:  # the worst subspaces are among those spanned by X's own directions
        basis = np.linalg.qr(X + 0.1 * rng.standard_normal((d, r)))[0]
    least = np.linalg.svd(X, compute_uv=False)[-1]
    ratio = np.linalg.svd(X.T @ basis, compute_uv=False)[-1] / least
    left = np.linalg.svd(X, full_matrices=False)[0][:, : r - 1]
    small = np.linalg.svd(X.T @ left, compute_uv=False)[-1] / least if r > 1 else 0.0
    return {"courant": ratio, "courant_small": small}


def _removed(Z, alpha, bottom, rng):
    d, r = Z.shape
    X = Z @ np.linalg.qr(rng.standard_normal((r, r)))[0] * rng.uniform(0.26, 1.5)
    picked = rng.random(d) < 0.2
    # Long rows that point where Z Zᵀ X pulls them, the case in which dropping ∇R could hurt.
    pull = (Z @ (Z.T @ X))[picked]
    X[picked] = pull / np.linalg.norm(pull, axis=1)[:, None] * alpha * rng.uniform(1.0001, 2)
    s = np.linalg.svd(X, compute_uv=False)[-1]
    if s < bottom / 4:
        X *= bottom / (4 * s)
    gap = (Z @ Z.T - X @ X.T) @ X
    push = RankR(Z @ Z.T, np.ones((d, d), bool), alpha, 1.0).penalty_gradient(X)
    gamma = 10 ** rng.uniform(-3, 6)
    return {"removed": np.linalg.norm(gap) / np.linalg.norm(gap - gamma * push)}


def _close(Z, top, bottom, rng):
    d, r = Z.shape
    move = rng.standard_normal((d, r)) * bottom / np.sqrt(d)
    if rng.random() < 0.5:  # only along the weakest direction of Z
        left, _, right = np.linalg.svd(Z, full_matrices=False)
        move = np.outer(left[:, -1], right[-1]) * bottom
    X = Z + move * 10 ** rng.uniform(-4, -2.5)
    delta = np.linalg.norm((Z @ Z.T - X @ X.T) @ X)
    if delta > bottom**3 / 128:
        return {}
    span = np.linalg.qr(X)[0]
    U = span @ (span.T @ Z)
    V = Z - U
    bound = delta * (top / bottom) ** 2 / bottom
    return {
        "close": np.linalg.norm(X @ X.T - Z @ Z.T) / bound,
        "near_part": np.linalg.norm(U @ U.T - X @ X.T) / (4 * delta / bottom),
        "core": bottom**3 / 128 / np.linalg.svd(U @ (U.T @ X), compute_uv=False)[-1],
        "far_part": np.linalg.norm(V) / (128 * delta * top / bottom**3),
    }


def _outward(Z, alpha, rng):
    d, r = Z.shape
    U = Z @ np.linalg.qr(rng.standard_normal((r, r)))[0]
    # Rows just longer than α, in the directions of U's.
    X = U / np.linalg.norm(U, axis=1)[:, None] * alpha * rng.uniform(0.5, 1.5, (d, 1))
    push = RankR(Z @ Z.T, np.ones((d, d), bool), alpha, 1.0).penalty_gradient(X)
    return {"outward": -np.sum(push * (X - U))}


def _factors(Z, bottom, rng):
    d, r = Z.shape
    M = Z @ Z.T
    E = rng.standard_normal((d, r)) / np.sqrt(d)
    if rng.random() < 0.5:
        left, _, right = np.linalg.svd(Z, full_matrices=False)
        E = np.outer(left[:, -1], right[-1])
    t = bottom**2 / 100 / np.linalg.norm(E @ Z.T + Z @ E.T) * rng.uniform(0.1, 0.98)
    X = Z + t * E
    epsilon = np.linalg.norm(X @ X.T - M)
    if epsilon > bottom**2 / 100:
        return {}
    parts = truncated_factor(X, Z)
    allowed = 5 * epsilon * np.sqrt(r) / bottom**2
    return {
        "factor_gap": np.linalg.norm(X - nearest_factor(X, Z)) / allowed,
        "factor_proof": np.linalg.norm(X - parts["U"]) / allowed,
        "w_part": np.linalg.norm(parts["W"]) / (2 * epsilon / bottom),
        "q_part": np.linalg.norm(parts["Q"] - np.eye(r), 2) / (2 * epsilon / bottom**2),
        "product": np.linalg.norm(parts["P"] @ parts["P"].T - parts["M"]) / (1e-9 * bottom**2),
    }


def _at_most_one(table: pd.DataFrame, *columns: str) -> bool:
    return bool((table[list(columns)] <= 1 + 1e-12).all(axis=None))


def rows_kept_suffice(table: pd.DataFrame) -> bool:
    """σ_min(Z_J) >= ½ σ_min(Z) with α = 4μκr/√d."""
    return _at_most_one(table, "kept")


def rows_kept_suffice_as_quoted(table: pd.DataFrame) -> bool:  # noqa: ARG001 - one example decides
    """σ_min(Z_J) >= ½ σ_min(Z) with α = rκμ/√d, the least that the proof quotes.

    d = 8, r = 1, four entries ½ and four 0: μ² = 2, α = ½. With x = 3/5 where z is not zero,
    ‖x‖² = 36/25 <= 2, all of z is lost.
    """
    z, x = [Fraction(1, 2)] * 4 + [Fraction(0)] * 4, [Fraction(3, 5)] * 4 + [Fraction(0)] * 4
    mu_squared = 8 * max(e**2 for e in z)
    level_squared = mu_squared / 8
    if not (sum(e**2 for e in z) == 1 and sum(e**2 for e in x) <= 2):
        raise ArithmeticError("the example is not in the setting of the lemma")
    kept = [a for a, b in zip(z, x, strict=True) if b**2 <= level_squared]
    return sum(e**2 for e in kept) >= Fraction(1, 4)


def subspace_meets_weak_direction(table: pd.DataFrame) -> bool:
    """In r dimensions there is a unit z with ‖Xᵀz‖ <= σ_min(X)."""
    return _at_most_one(table, "courant")


def smaller_subspace_meets_weak_direction(table: pd.DataFrame) -> bool:
    """The same in fewer than r dimensions, "at most r" as printed."""
    return _at_most_one(table, "courant_small")


def penalty_can_be_removed(table: pd.DataFrame) -> bool:
    """(4.21)."""
    return _at_most_one(table, "removed")


def printed_step_of_removal(table: pd.DataFrame) -> bool:
    """α >= 10 √r ‖Z_i‖, a step of (4.21)'s printed proof, with α = 4μκr/√d."""
    return _at_most_one(table, "step")


def small_gap_is_near(table: pd.DataFrame) -> Estimate:
    """Largest ‖XXᵀ - ZZᵀ‖_F/(δκ²/σ_min)."""
    return exact(table["close"].max())


def squared_gap_over_scale(table: pd.DataFrame) -> Estimate:  # noqa: ARG001 - one family decides
    """‖XXᵀ - ZZᵀ‖_F²/(δκ²/σ_min) at X = 1.01 Z, ‖Z‖ = 100, r = 1."""
    return exact(float(squared_quotient(Fraction(100))))


def squared_gap_over_larger_scale(table: pd.DataFrame) -> Estimate:  # noqa: ARG001
    """The same with ‖Z‖ = 1000."""
    return exact(float(squared_quotient(Fraction(1000))))


def squared_quotient(size: Fraction) -> Fraction:
    """‖XXᵀ - ZZᵀ‖_F²/(δκ²/σ_min) at X = 1.01 Z for ‖Z‖ = `size` and r = 1: it grows as ‖Z‖²."""
    t = Fraction(101, 100)
    delta = t * (t**2 - 1) * size**3
    return ((t**2 - 1) * size**2) ** 2 / (delta / size)


def parts_are_bounded(table: pd.DataFrame) -> bool:
    """The three bounds in the proof of Lemma 4.8."""
    return _at_most_one(table, "near_part", "core", "far_part")


def penalty_agrees_with_direction(table: pd.DataFrame) -> bool:
    """⟨∇R(X), X - U⟩ >= 0 with α = 4μκr/√d."""
    return bool((table["outward"] <= 1e-12).all())


def penalty_agrees_as_quoted(table: pd.DataFrame) -> bool:  # noqa: ARG001 - one example decides
    """⟨∇R(X), X - U⟩ >= 0 with α = 2μ/√d, as the proof quotes.

    r = d = 9, Z = I: ‖Z‖_F² = r, μ = 1, rows of length 1, and α = 2/3. The row (5/6, 0, …) is pushed
    outward, and U's is longer.
    """
    level, row, target = Fraction(2, 3), Fraction(5, 6), Fraction(1)
    push = 4 * (row - level) ** 3
    return push * (row - target) >= 0


def factor_is_near(table: pd.DataFrame) -> bool:
    """‖X - U‖_F <= 5ε√r/σ_min², with the nearest U and with the proof's."""
    return _at_most_one(table, "factor_gap", "factor_proof")


def steps_are_bounded(table: pd.DataFrame) -> bool:
    """‖W‖_F <= 2ε/σ_min, ‖Q - I‖ <= 2ε/σ_min², and P Pᵀ = M'."""
    return _at_most_one(table, "w_part", "q_part", "product")


PROTOCOL = Protocol(
    trial=trial,
    exact=True,
    profiles={
        "smoke": Sweep({"matrix": 1, "rank": [1, 3], "kappa": [1.0, 3.0]}),
        "quick": Sweep({"matrix": [1, 2], "rank": [1, 2, 3, 5], "kappa": [1.0, 3.0, 10.0]}),
        "paper": Sweep(
            {"matrix": list(range(1, 13)), "rank": [1, 2, 3, 5], "kappa": [1.0, 3.0, 10.0]}
        ),
    },
)
