"""The factored objective: gradient, tie to the nuclear norm, number of variables, and the saddle at 0."""

import numpy as np
import pandas as pd
from scipy.optimize import minimize

from mcrepro.experiments import Protocol, Sweep
from mcrepro.theory.factorization import balanced_factors, gradient, hessian, objective

N1, N2, RANK = 6, 5, 2


def trial(_: None, *, matrix: int) -> dict:
    """Check every identity at a random matrix, drawn with the generator's seed `matrix`.

    Returns
    -------
    dict
        ``gradient_gap``, ``hessian_gap``: to central differences, relative; ``product_gap``: of the
        balanced factors' product; ``balanced``: their 1/2 (||U||² + ||V||²) over ||X||_*, and
        ``unbalanced``: the least such ratio that a search over factors found; ``spectrum_gap``: of
        the Hessian at 0 against ridge ± σ_i of the seen entries; ``lowest_small``,
        ``lowest_large``: its least eigenvalue for ridges of half and of one and a half σ_1; ``excess``: of the loss at 0
        over the least one found, with the large ridge; ``variables``, ``entries``: of the factors and of X.
    """
    rng = np.random.default_rng(matrix)
    X = rng.standard_normal((N1, RANK)) @ rng.standard_normal((RANK, N2))
    seen = rng.random(X.shape) < 0.7
    U, V = rng.standard_normal((N1, RANK)), rng.standard_normal((N2, RANK))
    z = np.concatenate([U.ravel(), V.ravel()])
    ridge, h = 0.3, 1e-5
    value, slope = _of_vector(X, seen, ridge)
    steps = h * np.eye(len(z))
    differences = np.array([(value(z + e) - value(z - e)) / (2 * h) for e in steps])
    curvature = np.array([(slope(z + e) - slope(z - e)) / (2 * h) for e in steps])
    H = hessian(X, seen, U, V, ridge)

    nuclear = np.linalg.norm(X, "nuc")
    ratios, gaps = [], []
    for width in (RANK, RANK + 2):
        A, B = balanced_factors(X, width)
        gaps.append(np.abs(A @ B.T - X).max())
        balanced = _size(A, B) / nuclear
        ratios.append(_best_gauge(A, B, rng) / nuclear)

    sigma = np.linalg.svd(np.where(seen, X, 0.0), compute_uv=False)
    zero = np.zeros((N1, RANK)), np.zeros((N2, RANK))
    at_zero = np.linalg.eigvalsh(hessian(X, seen, *zero, ridge))
    expected = np.concatenate([ridge + sigma, ridge - sigma, np.full(N1 - N2, ridge)])
    expected = np.sort(np.repeat(expected, RANK))
    lowest = [np.linalg.eigvalsh(hessian(X, seen, *zero, c * sigma[0]))[0] for c in (0.5, 1.5)]
    value, slope = _of_vector(X, seen, 1.5 * sigma[0])
    found = min(minimize(value, rng.standard_normal(len(z)), jac=slope).fun for _ in range(5))
    return {
        "gradient_gap": float(np.abs(differences - _of_vector(X, seen, ridge)[1](z)).max()),
        "hessian_gap": float(np.abs(curvature - H).max()),
        "product_gap": float(max(gaps)),
        "balanced": float(balanced),
        "unbalanced": float(min(ratios)),
        "spectrum_gap": float(np.abs(at_zero - expected).max()),
        "lowest_small": float(lowest[0]),
        "lowest_large": float(lowest[1]),
        "excess": float(value(0 * z) - found),
        "variables": U.size + V.size,
        "entries": X.size,
    }


def _of_vector(M, seen, ridge):
    """Objective and gradient as functions of (U, V) raveled."""

    def split(z):
        return z[: N1 * RANK].reshape(N1, RANK), z[N1 * RANK :].reshape(N2, RANK)

    def slope(z):
        return np.concatenate([g.ravel() for g in gradient(M, seen, *split(z), ridge)])

    return lambda z: objective(M, seen, *split(z), ridge), slope


def _size(U, V):
    return 0.5 * (np.sum(U**2) + np.sum(V**2))


def _best_gauge(U, V, rng) -> float:
    """Return the least size of (U G, V G^-T) that descent over G finds from a random start."""
    r = U.shape[1]

    def size(z):
        G = np.eye(r) + z.reshape(r, r)
        return _size(U @ G, np.linalg.solve(G, V.T).T)

    return float(minimize(size, 0.3 * rng.standard_normal(r * r)).fun)


def objective_has_this_gradient(table: pd.DataFrame) -> bool:
    """The objective is smooth, and its gradient and Hessian are the coded ones, to 1e-6."""
    return bool((table["gradient_gap"] < 1e-6).all() and (table["hessian_gap"] < 1e-6).all())


def ridge_is_nuclear_norm(table: pd.DataFrame) -> bool:
    """Of all factors of X the balanced ones have the least ½(‖U‖² + ‖V‖²), and it is ‖X‖_*."""
    attained = (
        np.allclose(table["balanced"], 1, rtol=1e-12) and (table["product_gap"] < 1e-12).all()
    )
    return bool(attained and (table["unbalanced"] >= 1 - 1e-9).all())


def fewer_variables(table: pd.DataFrame) -> bool:
    """The factors have (m + n) r numbers, and here, with r < mn/(m + n), fewer than the matrix."""
    count = (table["variables"] == (N1 + N2) * RANK).all()
    return bool(count and (table["variables"] < table["entries"]).all())


def zero_is_saddle(table: pd.DataFrame) -> bool:
    """With a ridge below σ₁ of the seen entries 0 is a saddle; the Hessian has ridge ± σ_i."""
    return bool((table["spectrum_gap"] < 1e-9).all() and (table["lowest_small"] < 0).all())


def zero_is_saddle_with_any_ridge(table: pd.DataFrame) -> bool:
    """The same with a ridge above σ₁. There 0 is a minimum instead, and nothing lower was found."""
    minimum = (table["lowest_large"] > 0) & (table["excess"] < 1e-9)
    return not bool(minimum.any())


PROTOCOL = Protocol(
    trial=trial,
    exact=True,
    profiles={
        "smoke": Sweep({"matrix": 1}),
        "quick": Sweep({"matrix": [1, 2, 3]}),
        "paper": Sweep({"matrix": list(range(1, 11))}),
    },
)
