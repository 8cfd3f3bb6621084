"""Second-order points of ε-MC, not lifted: what Theorem 4.1 says of the lifted ones, and what decides.

Truth ``Z Z^T`` with normal Z, a Bernoulli mask, ``b̃`` the observed entries. `mask` is "any" for
independent entries, or "symmetric" for independent pairs. The noise of eq. (6) is
``-ε M*`` on the unobserved entries.
"""

import numpy as np
import pandas as pd

from mcrepro.experiments import Protocol, Sweep
from mcrepro.experiments.statistics import Estimate, exact
from mcrepro.theory import conversion
from mcrepro.theory import factored_sensing as sensing

from ._points import second_order_points

STARTS = 10


def trial(
    seed: np.random.SeedSequence, *, n: int, rank: int, mask: str, epsilon: float
) -> list[dict]:
    """Find the second-order points of one random problem, with p uniform in [.2, .8].

    Returns
    -------
    list of dict
        A row a point. ``bound_ratio``: left over right side of (16) with e_1 from the proof;
        ``share``: ``ε² (||E||² - ||M*||² unobserved) / (λ_r tr M*)``, 1/β of (17), which must exceed 1;
        ``error``: ``||E|| / ||M*||``. For symmetric masks and r = 1 also ``contradicts``: a sign of an
        observed pair is wrong; ``survival``: smallest eigenvalue of S(x) over its largest;
        ``sign_order``: odd order by which the theorem of `mcrepro.theory.conversion` converts x, and
        ``sign_curvature``: the curvature there along |x| sign(z), over P^l; ``first``: the smallest order
        at which it is negative.
    """
    rng = np.random.default_rng(seed)
    Z = rng.standard_normal((n, rank))
    M, p = Z @ Z.T, rng.uniform(0.2, 0.8)
    seen = rng.random((n, n)) < p
    if mask == "symmetric":
        seen = np.triu(seen)
        seen = seen | seen.T
    elif mask != "any":
        raise ValueError(f'mask must be "any" or "symmetric", got {mask!r}')
    if not seen.any():  # then x = 0 is the only point, with equality in (16)
        seen[0, 0] = True
    weights, data = np.where(seen, 1.0, epsilon), np.where(seen, M, 0.0)
    A = sensing.entry_operator(weights)
    unseen = np.linalg.norm(M[~seen])
    rows = []
    starts = rng.standard_normal((STARTS, n, rank))
    for X in second_order_points(A, data.ravel(), rank, starts):
        E2 = float(np.sum((M - X @ X.T) ** 2))
        smallest = np.linalg.svd(X, compute_uv=False)[-1] ** 2
        right = conversion.completion_bound(X, M, epsilon, unseen)
        row = {
            "bound_ratio": np.sqrt(E2) / right,
            "share": epsilon**2 * (E2 - unseen**2) / max(smallest * np.trace(M), 1e-300),
            "error": np.sqrt(E2) / np.linalg.norm(M),
        }
        if rank == 1 and mask == "symmetric":
            row |= _signs(weights, data, X[:, 0], Z[:, 0])
        rows.append(row)
    return rows or [{"error": np.nan}]


def _signs(weights, data, x, z) -> dict:
    products = data * np.outer(x, x)
    bound = conversion.sign_order_bound(weights, data, x)
    order = conversion.smallest_odd_above(bound)
    S = np.linalg.eigvalsh(conversion.survival_matrix(weights, data, x))
    terms = conversion.entry_terms(weights, data, x, np.abs(x) * np.sign(z))
    row = {
        "contradicts": bool(products.min() < -1e-7 * np.abs(products).max()),
        "survival": S[0] / S[-1],
        "sign_order": order,
        "first": terms.smallest_order() if order < np.inf else np.inf,
        "nearest_zero": float(np.abs(x).min() / np.abs(x).max()),
        "sign_curvature": np.nan,
    }
    if order < 1e4:
        b, a = terms.b / terms.P, terms.a / terms.P
        row["sign_curvature"] = (2 + 4 * a**order - 2 * b**order) / b**order
    return row


def largest_bound_ratio(table: pd.DataFrame) -> Estimate:
    """Largest left over right side of (16), over points that were not lifted."""
    return exact(table["bound_ratio"].max())


def largest_share(table: pd.DataFrame) -> Estimate:
    """Largest 1/β of (17): above 1 an order would exist."""
    return exact(table["share"].max())


def _signed(table):
    # Within rounding of a zero or of a contradiction neither side of the theorem is decided.
    return table[table.get("contradicts").notna() & (table["nearest_zero"] > 1e-4)]


def signs_decide(table: pd.DataFrame) -> bool:
    """S(x) has a negative eigenvalue exactly where x contradicts the sign of an observed pair."""
    part = _signed(table)
    negative = part["survival"] < -1e-9
    return bool((part["contradicts"].astype(bool) == negative).all())


def largest_sign_curvature(table: pd.DataFrame) -> Estimate:
    """Largest curvature at the order of the sign theorem, relative to b^l: it must be negative."""
    return exact(_signed(table)["sign_curvature"].dropna().max())


PROTOCOL = Protocol(
    trial=trial,
    seed=2602,
    profiles={
        name: Sweep(
            {"epsilon": [1.0e-3, 0.03, 0.3, 1.0]},
            cells=[
                {"n": 4, "rank": 1, "mask": "any"},
                {"n": 6, "rank": 1, "mask": "symmetric"},
                {"n": 5, "rank": 2, "mask": "any"},
            ],
            trials=trials,
        )
        for name, trials in (("smoke", 3), ("quick", 15), ("paper", 200))
    },
)
