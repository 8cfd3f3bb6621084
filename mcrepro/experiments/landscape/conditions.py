"""First and second order conditions of rank r, in whole numbers and symbols (Propositions 4.1 and 4.2)."""

from fractions import Fraction

import numpy as np
import pandas as pd
import sympy

from mcrepro.experiments import Protocol, Sweep
from mcrepro.theory.landscape_rank_r import RankR


def trial(_: None, *, matrix: int) -> dict:
    """Differentiate in two ways at a random point with integer entries, the generator's seed `matrix`.

    Along a line f without its penalty is a polynomial of degree four, whose derivatives five values
    give exactly.

    Returns
    -------
    dict
        ``slope_gap``, ``curvature_gap``: of Proposition 4.1's expressions from those derivatives,
        integers; ``cube_gap``, ``fourth_gap``: of Γ_ii X_i with the third and the printed fourth
        power from the gradient of (‖x‖ - α)⁴ at x = (3, 4), α = `matrix`/3, as text of a fraction;
        ``inward``: whether ⟨(∇R)_i, X_i⟩ < 0 there.
    """
    rng = np.random.default_rng(matrix)
    d, r = 6, 2
    Z, X, V = (rng.integers(-3, 4, (d, r)) for _ in range(3))
    mask = np.triu(rng.random((d, d)) < 0.7)
    f = RankR(Z @ Z.T, mask | mask.T)

    def twice(t):  # 2 f(X + tV), an integer
        return int(np.sum(f.misfit(X + t * V) ** 2))

    slope = Fraction(twice(-2) - 8 * twice(-1) + 8 * twice(1) - twice(2), 24)
    bend = Fraction(-twice(2) + 16 * twice(1) - 30 * twice(0) + 16 * twice(-1) - twice(-2), 24)
    a, b, alpha = sympy.symbols("a b alpha", positive=True)
    norm = sympy.sqrt(a**2 + b**2)
    level = sympy.Rational(matrix, 3)
    at = {a: 3, b: 4, alpha: level}
    exact = sympy.Matrix([(norm - alpha) ** 4]).jacobian([a, b]).subs(at)
    x = sympy.Matrix([[3, 4]])
    gaps = {
        power: sum(abs(e) for e in exact - 4 * (5 - level) ** power / 5 * x) for power in (3, 4)
    }
    return {
        "slope_gap": int(abs(slope - int(np.sum(f.gradient(X) * V)))),
        "curvature_gap": int(abs(bend - int(f.curvature(X, V)))),
        "cube_gap": str(gaps[3]),
        "fourth_gap": str(gaps[4]),
        "inward": bool((exact * x.T)[0] < 0),
    }


def conditions_are_derivatives(table: pd.DataFrame) -> bool:
    """(4.2) and (4.3) are the first and second derivative, in whole numbers."""
    return bool((table[["slope_gap", "curvature_gap"]] == 0).all(axis=None))


def cube_is_gradient(table: pd.DataFrame) -> bool:
    """∇R = ΓX with Γ_ii = 4(‖X_i‖ - α)³/‖X_i‖."""
    return bool((table["cube_gap"] == "0").all())


def fourth_power_is_gradient(table: pd.DataFrame) -> bool:
    """∇R = ΓX with Γ_ii = 4(‖X_i‖ - α)⁴/‖X_i‖, as printed."""
    return bool((table["fourth_gap"] == "0").all())


def penalty_pushes_outward(table: pd.DataFrame) -> bool:
    """⟨(∇R)_i, X_i⟩ >= 0, so that descent along -∇R shortens the row."""
    return bool(not table["inward"].any())


PROTOCOL = Protocol(
    trial=trial,
    exact=True,
    profiles={
        "smoke": Sweep({"matrix": [1, 2]}),
        "quick": Sweep({"matrix": [1, 2, 4, 5]}),
        "paper": Sweep({"matrix": [1, 2, 4, 5, 7, 8, 10, 11]}),
    },
)
