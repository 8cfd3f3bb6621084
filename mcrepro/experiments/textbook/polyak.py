"""The Polyak-Łojasiewicz inequality: where it holds, what it gives, and where it fails."""

from fractions import Fraction

import numpy as np
import pandas as pd

from mcrepro.experiments import Protocol, Sweep
from mcrepro.theory.geometry import factored_gradient, factored_hessian, factored_loss, pl_ratio


def trial(_: None, *, matrix: int) -> dict:
    """Check every statement, those about random matrices with the generator's seed `matrix`.

    Returns
    -------
    dict
        ``scalar_mu``, ``scalar_rate``: least PL ratio of x² + 3 sin² x on [-20, 20], and by how much
        gradient descent exceeds the promised rate there, at most; ``curvature``, ``singular_mu``: least
        eigenvalue of the Hessian, and least PL ratio over random points, of least squares with a
        singular matrix; ``ratio_right``: least PL ratio over random factors with singular values of 1/2
        or more, where rank M = r, over the chapter's constant `pl_constant`; ``ratio_wrong``: the PL
        ratio at M = diag(2, 1), U = V = e₂;
        ``origin_gradient``, ``origin_loss`` at (0, 0); ``slope_error``: of the measured rate of gradient
        descent near a balanced minimum against 1 - step · σ_r; ``least_curvature``: least nonzero
        eigenvalue of the Hessian there over σ_r.
    """
    rng = np.random.default_rng(matrix)
    x = np.linspace(-20, 20, 40_001)
    x = x[x != 0]
    value, slope = x**2 + 3 * np.sin(x) ** 2, 2 * x + 3 * np.sin(2 * x)
    mu, smooth = 1 / 32, 8.0
    start = rng.uniform(-20, 20)
    excess, point, bound = -np.inf, start, start**2 + 3 * np.sin(start) ** 2
    for _ in range(300):
        point -= (2 * point + 3 * np.sin(2 * point)) / smooth
        bound *= 1 - mu / smooth
        excess = max(excess, point**2 + 3 * np.sin(point) ** 2 - bound)

    A = rng.standard_normal((3, 5))  # more unknowns than equations
    points = rng.standard_normal((200, 5))
    residual = points @ A.T - (A @ np.ones(5))
    singular = np.sum((residual @ A) ** 2, axis=1) / np.sum(residual**2, axis=1)

    n, r = 5, 2
    left, right = (np.linalg.qr(rng.standard_normal((n, r)))[0] for _ in range(2))
    M = (left * [2.0, 1.0]) @ right.T
    rates = _rate(M, left * np.sqrt([2.0, 1.0]), right * np.sqrt([2.0, 1.0]), rng)
    e2 = np.array([[0.0], [1.0]])
    D = np.diag([2.0, 1.0])
    zero = np.zeros((2, 1))
    return {
        "scalar_mu": float((0.5 * slope**2 / value).min()),
        "scalar_rate": float(excess),
        "curvature": float(np.linalg.eigvalsh(A.T @ A)[0]),
        "singular_mu": float(singular.min() / np.linalg.eigvalsh(A @ A.T)[0]),
        "ratio_right": _least_ratio(M, left, right, rng) / pl_constant(M, 0.5),
        "ratio_wrong": pl_ratio(D, e2, e2),
        "loss_wrong": factored_loss(D, e2, e2),
        "origin_gradient": float(sum(np.abs(g).sum() for g in factored_gradient(D, zero, zero))),
        "origin_loss": factored_loss(D, zero, zero),
        **rates,
    }


def pl_constant(M: np.ndarray, least: float) -> float:
    """μ for which PL holds at all factors with singular values of `least` or more, if rank M <= r."""
    return least**2 / (1 + 2 * np.sum(M**2) / least**4)


def _least_ratio(
    M: np.ndarray, left: np.ndarray, right: np.ndarray, rng: np.random.Generator
) -> float:
    """Least PL ratio over random factors that share more or less of their span with M."""
    ratios = []
    for _ in range(2000):
        made = []
        for span in (left, right):
            noise = rng.standard_normal(span.shape)
            basis = np.linalg.qr(
                rng.choice([0.0, 1e-3, 1.0]) * span + noise * 10 ** rng.uniform(-2, 1)
            )[0]
            turn = np.linalg.qr(rng.standard_normal((2, 2)))[0]
            made.append(basis * 0.5 * 10 ** (rng.uniform(0, 3, 2) * rng.integers(2)) @ turn)
        ratios.append(pl_ratio(M, *made))
    return float(min(ratios))


def _rate(M: np.ndarray, U: np.ndarray, V: np.ndarray, rng: np.random.Generator) -> dict:
    eigenvalues = np.linalg.eigvalsh(factored_hessian(M, U, V))
    least = eigenvalues[eigenvalues > 1e-8][0]
    step = 0.2
    u = U + 1e-3 * rng.standard_normal(U.shape)
    v = V + 1e-3 * rng.standard_normal(V.shape)
    losses = []
    for _ in range(60):
        gu, gv = factored_gradient(M, u, v)
        u, v = u - step * gu, v - step * gv
        losses.append(factored_loss(M, u, v))
    measured = np.sqrt(losses[-1] / losses[-21]) ** (1 / 20)
    sigma = np.linalg.svd(M, compute_uv=False)[U.shape[1] - 1]
    return {
        "slope_error": float(abs(measured - (1 - step * sigma))),
        "least_curvature": float(least / sigma),
    }


def linear_convergence(table: pd.DataFrame) -> bool:
    """x² + 3 sin² x is PL with 1/32 though not convex, and descent keeps the promised rate."""
    return bool((table["scalar_mu"] >= 1 / 32).all() and (table["scalar_rate"] <= 1e-12).all())


def weaker_than_strong_convexity(table: pd.DataFrame) -> bool:
    """Least squares with a singular matrix is PL with its least nonzero eigenvalue, not strongly convex."""
    return bool((table["curvature"] < 1e-9).all() and (table["singular_mu"] >= 1 - 1e-9).all())


def local_with_the_right_rank(table: pd.DataFrame) -> bool:
    """Where rank M = r, the PL ratio keeps to the constant that the chapter proves, however large the factors."""
    return bool((table["ratio_right"] >= 1).all())


def local_with_any_rank(table: pd.DataFrame) -> bool:
    """Well-conditioned factors suffice, also where rank M > r."""
    return bool((table["ratio_wrong"] > 0).all())


def rate_is_least_singular_value(table: pd.DataFrame) -> bool:
    """Near a balanced minimum the least nonzero curvature is σ_r, and the rate 1 - step · σ_r."""
    curvature = np.allclose(table["least_curvature"], 1, atol=1e-6)
    return bool(curvature and (table["slope_error"] < 0.01).all())


def fails_at_the_origin(table: pd.DataFrame) -> bool:
    """At (0, 0) the gradient is zero and the loss ½‖M‖² is not least."""
    stationary = (table["origin_gradient"] == 0).all()
    return bool(stationary and (table["origin_loss"] == Fraction(5, 2)).all())


PROTOCOL = Protocol(
    trial=trial,
    exact=True,
    profiles={
        "smoke": Sweep({"matrix": 1}),
        "quick": Sweep({"matrix": [1, 2]}),
        "paper": Sweep({"matrix": [1, 2, 3, 4, 5]}),
    },
)
