"""Second-order points of random sensing problems, and every inequality in the proof of Theorem 3.1.

Sensing matrices are symmetric, as the proof assumes. `noise` says what the data are:

none
    ``b = A(M*)``. `entries` weights the entries of a random symmetric mask by 1 and the others by
    ε = .2, where spurious second-order points abound; `gaussian` is a random operator whose squared
    singular values spread over a factor of 50.
random
    ``b = A(M*) + w``, ``||w||`` three tenths of ``||A(M*)||``.
far
    A nearly isometric operator, b near the image of a matrix with eigenvalues near 1, and a truth
    that is several times larger along the eigenvector that the best fit leaves out. This is where
    (13) is met.

Each trial takes one problem and returns a row a second-order point that is not the truth.
"""

import numpy as np
import pandas as pd

from mcrepro.experiments import Protocol, Sweep
from mcrepro.experiments.statistics import Estimate, exact
from mcrepro.theory import conversion, lifted_curvature
from mcrepro.theory import factored_sensing as sensing

from ._points import second_order_points

STARTS = 12


def trial(seed: np.random.SeedSequence, *, noise: str, n: int, rank: int) -> list[dict]:
    """Find the second-order points of one problem.

    Returns
    -------
    list of dict
        `point` counts them; 0 is a row of NaN where none but the truth was found. ``share``:
        ``(α ||E||² - ||w||²) / (L λ_r tr M*)``, which (13) wants at least 1. ``gap_41``: left minus
        right side of (41) over ``||b||``. ``ratio_c2``: ``||A(XU^T + UX^T)||² / (2 L λ_r)``. ``excess_43``: left minus
        right side of (43) at order 3, over ``(b-a)³``. ``ab``: a b over max(a², b²). ``order``: what
        (14) asks for, ``curvature`` at that order over P^l + |b|^l, ``first``: the smallest order
        with negative curvature along the paper's direction. ``gradient_minimum``: λ_min(∇f) / ||b||.
    """
    rng = np.random.default_rng(seed)
    A, b, M, w = _problem(noise, n, rank, rng)
    size = np.linalg.norm(b)
    starts = rng.standard_normal((STARTS, n, rank)) * np.sqrt(np.trace(M) / n)
    rows = []
    for X in second_order_points(A, b, rank, starts):
        E = M - X @ X.T
        if np.linalg.norm(E) > 1e-4 * np.linalg.norm(M):
            rows.append({"point": len(rows) + 1, **_measure(A, b, X, M, w, size)})
    return rows or [{"point": 0}]


def _problem(noise, n, rank, rng):
    m = n * (n + 1) // 2
    if noise == "far":
        A = _operator(n, rng.uniform(0.99, 1.01, m), rng)
        Q = np.linalg.qr(rng.standard_normal((n, n)))[0]
        values = np.sort(rng.uniform(1.0, 1.3, n))[::-1]
        # The first r columns fit b best; the truth has the next one, and all but one of them.
        kept = [*range(rank - 1), rank]
        size = np.append(values[: rank - 1], rng.uniform(4, 8))
        M = (Q[:, kept] * size) @ Q[:, kept].T
        b = sensing.apply(A, (Q * values) @ Q.T)
        return A, b, M, b - sensing.apply(A, M)
    Z = rng.standard_normal((n, rank))
    if noise == "none" and rng.random() < 0.5:
        mask = np.triu(rng.random((n, n)) < 0.5, 1)
        weights = np.where(mask | mask.T | np.eye(n, dtype=bool), 1.0, 0.2)
        A = sensing.symmetrized(sensing.entry_operator(weights))
    else:
        A = _operator(n, np.exp(rng.uniform(-2, 0, m)), rng)
    M = Z @ Z.T
    b = sensing.apply(A, M)
    w = np.zeros(len(b))
    if noise == "random":
        w = rng.standard_normal(len(b))
        w *= 0.3 * np.linalg.norm(b) / np.linalg.norm(w)
    elif noise != "none":
        raise ValueError(f'noise must be "none", "random" or "far", got {noise!r}')
    return A, b + w, M, w


def _operator(n, singular, rng):
    """Symmetric sensing matrices with these singular values on the symmetric matrices."""
    i, j = np.triu_indices(n)
    coordinates = np.linalg.qr(rng.standard_normal((len(i), len(i))))[0] * singular
    A = np.zeros((len(i), n, n))
    A[:, i, j] = coordinates.T * np.where(i == j, 1.0, 0.5 * np.sqrt(2))
    return np.where(np.eye(n, dtype=bool), A, A + A.swapaxes(1, 2))


def _measure(A, b, X, M, w, size) -> dict:
    alpha, L = sensing.constants(A)
    E2, noise2, trace = np.sum((M - X @ X.T) ** 2), w @ w, np.trace(M)
    U, G = sensing.proof_direction(A, b, X)
    smallest = np.linalg.svd(X, compute_uv=False)[-1] ** 2
    terms = lifted_curvature.terms(A, b, X, U)
    asked = alpha * E2 - noise2
    # With λ_r = 0, (13) asks for a left side that is not negative.
    share = asked / (L * smallest * trace) if smallest > 0 else np.copysign(np.inf, asked)
    both = sensing.apply(A, X @ U.T + U @ X.T)
    order = (
        conversion.smallest_odd_above(conversion.order_bound(1 / share if share > 0 else np.inf))
        if share > 1
        else np.inf
    )
    at = terms.curvature(int(order)) if order < 500 else np.nan
    top = max(abs(v) for v in terms)
    return {
        "share": share,
        "gap_41": (-G + asked / (2 * trace)) / size,
        "ratio_c2": both @ both / (2 * L * smallest) if smallest > 0 else 0.0,
        "excess_43": (terms.curvature(3) - terms.proof_bound(3)) / top**3,
        "ab": terms.a * terms.b / max(terms.a**2, terms.b**2, 1e-300),
        "order": order,
        "curvature": at / top**order if order < 500 else np.nan,
        "first": terms.smallest_order(),
        "G": G,
        "gradient_minimum": -G / size,
        "beyond_P": max(terms.b, -terms.a) / terms.P if terms.P > 0 else np.inf,
    }


def _points(table, noise=None):
    part = table[table["point"] > 0]
    return part if noise is None else part[part["noise"] == noise]


def share_noiseless(table: pd.DataFrame) -> Estimate:
    """Largest ``α ||E||² / (L λ_r tr M*)`` without noise: (13) wants 1."""
    return exact(_points(table, "none")["share"].max())


def share_noisy(table: pd.DataFrame) -> Estimate:
    """Largest ``(α ||E||² - ||w||²) / (L λ_r tr M*)`` with noise."""
    return exact(_points(table[table["noise"] != "none"])["share"].max())


def largest_curvature(table: pd.DataFrame) -> Estimate:
    """Largest curvature, at the order (14) asks for, of the points that meet (13) strictly."""
    part = _points(table)
    return exact(part["curvature"].dropna().max())


def gap_41(table: pd.DataFrame) -> Estimate:
    """Largest violation of (41) over ``||b||``; negative where it holds with room."""
    return exact(_points(table)["gap_41"].max())


def ratio_c2(table: pd.DataFrame) -> Estimate:
    """Largest ``||A(XU^T + UX^T)||² / (2 L λ_r)`` at points where ∇f has a negative eigenvalue."""
    part = _points(table)
    return exact(part.loc[part["gradient_minimum"] < -1e-6, "ratio_c2"].max())


def excess_43(table: pd.DataFrame) -> Estimate:
    """Largest violation of (43) at order 3, relative to the largest term."""
    part = _points(table)
    return exact(part.loc[part["gradient_minimum"] < -1e-6, "excess_43"].max())


PROTOCOL = Protocol(
    trial=trial,
    seed=2601,
    profiles={
        name: Sweep(
            {"noise": ["none", "random", "far"]},
            cells=[{"n": 2, "rank": 1}, {"n": 3, "rank": 1}, {"n": 3, "rank": 2}],
            trials=trials,
        )
        for name, trials in (("smoke", 4), ("quick", 20), ("paper", 300))
    },
)
