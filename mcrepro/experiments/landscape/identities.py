"""Identities of section 3 and Appendix A in exact arithmetic, at points with rational coordinates.

Along a line t -> x + t v the objective is a polynomial of degree four as long as no coordinate
crosses ±α. The five-point formulas then give its first and second derivative without any error.
"""

from fractions import Fraction
from itertools import product

import numpy as np
import pandas as pd

from mcrepro.experiments import Protocol, Sweep

# Rational points of unit spheres.
UNITS = {3: [(1, 2, 2), 3], 4: [(1, 1, 1, 1), 2], 5: [(1, 1, 3, 3, 4), 6]}


def trial(_: None, *, d: int, instance: int) -> dict:
    """Check every identity at one random rational instance.

    Returns
    -------
    dict of bool
        ``first`` and ``second``: (3.2) and (3.3) are the derivatives of f; ``first_printed`` and
        ``second_printed``: so are the terms in the proof of Lemma A.1, which lack λ and P_Ω;
        ``general``: -2 P_Ω(M - XXᵀ) X is the gradient of (1.1) for two columns; ``rotated``,
        ``row_norms``: ZR gives the same M and row norms; ``residual``, ``residual_printed``,
        ``expansion``, ``expansion_printed``: the two identities in the proof of Lemma 3.6;
        ``signs``: ∇R has the signs of x; ``vanishes``: R = 0 at incoherent points; ``eigen``: what
        full observation leaves; ``dropped``: without the penalty's gradient no residual is larger.
    """
    rng = np.random.default_rng([d, instance])
    numbers, length = UNITS[d]
    z = [Fraction(int(s) * k, length) for s, k in zip(rng.choice([-1, 1], d), numbers, strict=True)]
    x, v = _rational(rng, d), _rational(rng, d)
    mask = _mask(rng, d)
    alpha, weight = Fraction(1, 2), Fraction(3, 2)
    # A step so short that no coordinate crosses a kink of the penalty.
    step = min(abs(abs(a) - alpha) for a in x) / (3 * max(map(abs, v)))
    first, second = _derivatives(lambda t: _objective(_move(x, t, v), z, mask, alpha, weight), step)

    slope = [_slope(a, alpha) for a in x]
    bend = [12 * max(abs(a) - alpha, 0) ** 2 for a in x]
    pairs = [(i, j) for i, j in product(range(d), repeat=2) if mask[i][j]]
    data = -2 * sum((z[i] * z[j] - x[i] * x[j]) * x[j] * v[i] for i, j in pairs)
    moved = {(i, j): v[i] * x[j] + x[i] * v[j] for i, j in product(range(d), repeat=2)}
    right = 2 * sum((z[i] * z[j] - x[i] * x[j]) * v[i] * v[j] for i, j in pairs)
    curved = weight * sum(b * a**2 for a, b in zip(v, bend, strict=True))
    seen = sum(moved[pair] ** 2 for pair in pairs)

    norm, inner = _dot(x, x), _dot(x, z)
    u = inner / norm  # z = u x + w with w across x
    w = [a - u * b for a, b in zip(z, x, strict=True)]
    residual = sum((inner * a - norm * b) ** 2 for a, b in zip(z, x, strict=True))
    across = u**2 * _dot(w, w)
    cells = list(product(range(d), repeat=2))
    gap = [x[i] * x[j] - z[i] * z[j] for i, j in cells]
    mixed = [u * (x[i] * w[j] + w[i] * x[j]) for i, j in cells]
    squares = [w[i] * w[j] for i, j in cells]
    along = [(1 - u**2) * x[i] * x[j] for i, j in cells]
    return {
        "first": first == data + weight * _dot(slope, v),
        "first_printed": first == data + _dot(slope, v),
        "second": second == seen + curved - right,
        "second_printed": second == sum(m**2 for m in moved.values()) + curved - right,
        "general": _general(rng, d, mask),
        **_rotation(rng, d),
        "residual": residual == norm**2 * (across + (1 - u**2) ** 2 * norm),
        "residual_printed": residual == norm**2 * (across + (1 - u**2) ** 2),
        "expansion": gap == [a - m - s for a, m, s in zip(along, mixed, squares, strict=True)],
        "expansion_printed": gap
        == [a + m + s for a, m, s in zip(along, mixed, squares, strict=True)],
        "signs": all(
            s * a >= 0 and (s == 0) == (abs(a) <= alpha) for s, a in zip(slope, x, strict=True)
        ),
        "vanishes": all(_slope(a, 10 * max(map(abs, z))) == 0 for a in z),
        "eigen": _eigenpoints(rng, d),
        "dropped": _dropping(rng, d, z),
    }


def _rational(rng, d):
    return [Fraction(int(k), 7) for k in rng.choice([-9, -6, -5, -2, 1, 3, 4, 8], d)]


def _mask(rng, d):
    upper = np.triu(rng.random((d, d)) < 0.6)
    upper[0, 1] = True
    return (upper | upper.T).tolist()


def _dot(a, b):
    return sum(s * t for s, t in zip(a, b, strict=True))


def _move(x, t, v):
    return [a + t * b for a, b in zip(x, v, strict=True)]


def _slope(t, alpha):
    return 4 * max(abs(t) - alpha, 0) ** 3 * (1 if t > 0 else -1)


def _objective(x, z, mask, alpha, weight):
    d = len(x)
    fit = sum(
        (z[i] * z[j] - x[i] * x[j]) ** 2 for i, j in product(range(d), repeat=2) if mask[i][j]
    )
    return fit / 2 + weight * sum(max(abs(a) - alpha, 0) ** 4 for a in x)


def _derivatives(phi, h):
    """First and second derivative at 0; exact for polynomials of degree four."""
    low, left, mid, right, high = (phi(k * h) for k in (-2, -1, 0, 1, 2))
    first = (low - 8 * left + 8 * right - high) / (12 * h)
    return first, (-low + 16 * left - 30 * mid + 16 * right - high) / (12 * h**2)


def _general(rng, d, mask):
    """Gradient of (1.1) at an X of two columns."""
    Z, X, V = ([_rational(rng, 2) for _ in range(d)] for _ in range(3))
    pairs = [(i, j) for i, j in product(range(d), repeat=2) if mask[i][j]]

    def f(t):
        W = [_move(a, t, b) for a, b in zip(X, V, strict=True)]
        return sum((_dot(Z[i], Z[j]) - _dot(W[i], W[j])) ** 2 for i, j in pairs) / 2

    printed = -2 * sum((_dot(Z[i], Z[j]) - _dot(X[i], X[j])) * _dot(X[j], V[i]) for i, j in pairs)
    return _derivatives(f, Fraction(1, 10))[0] == printed


def _rotation(rng, d):
    """Z of two columns, turned by the rational rotation with cosine 3/5."""
    Z = [_rational(rng, 2) for _ in range(d)]
    c, s = Fraction(3, 5), Fraction(4, 5)
    turned = [[c * a - s * b, s * a + c * b] for a, b in Z]
    same = all(_dot(Z[i], Z[j]) == _dot(turned[i], turned[j]) for i in range(d) for j in range(d))
    norms = all(_dot(a, a) == _dot(b, b) for a, b in zip(Z, turned, strict=True))
    return {"rotated": same, "row_norms": norms}


def _eigenpoints(rng, d):
    """p = 1, M = diag(l): x = sqrt(l_k) e_k solves Mx = ‖x‖² x; its Hessian is diagonal.

    In the direction e_j it is ‖e_j xᵀ + x e_jᵀ‖² - 2 (M - xxᵀ)_jj = 2 l_k - 2 l_j, and 4 l_k for j = k.
    At x = 0 it is -2 l_j. Only the largest eigenvalue leaves no negative number.
    """
    values = [Fraction(int(k)) for k in rng.choice(np.arange(1, 30), d, replace=False)]
    top = max(values)

    def second(k, j):  # x² = l_k enters, never x itself
        squared = 4 * values[k] if j == k else 2 * values[k]
        rest = values[j] - (values[k] if j == k else 0)
        return squared - 2 * rest

    least = {values[k]: min(second(k, j) for j in range(d)) for k in range(d)}
    return all((low >= 0) == (value == top) for value, low in least.items()) and min(values) > 0


def _dropping(rng, d, z):
    """Lemma 3.10 coordinate by coordinate, where |x_i| >= 10 |z_i| and ‖x‖² >= 1/8.

    <x, z> z_i - ‖x‖² x_i has the sign of -x_i there, as has -γ ∇R_i: to drop the latter only shrinks it.
    """
    good = True
    for _ in range(20):
        x = _rational(rng, d)
        large = [10 * abs(a) * int(s) for a, s in zip(z, rng.choice([-1, 0, 1], d), strict=True)]
        x = [a if b == 0 else b for a, b in zip(x, large, strict=True)]
        norm, inner = _dot(x, x), _dot(x, z)
        for a, b in zip(x, z, strict=True):
            if norm >= Fraction(1, 8) and abs(a) >= 10 * abs(b):
                without = inner * b - norm * a
                pull = Fraction(int(rng.integers(0, 50)), 3) * (1 if a > 0 else -1)
                good &= abs(without - pull) >= abs(without)
    return good


def _all(column):
    def statistic(table: pd.DataFrame) -> bool:
        return bool(table[column].all())

    statistic.__doc__ = f"`{column}` holds at every instance."
    statistic.__name__ = column
    return statistic


def gradient_of_objective(table: pd.DataFrame) -> bool:
    """-2 P_Ω(M - XXᵀ) X is the gradient of (1.1), and with λ∇R that of (3.1)."""
    return bool((table["general"] & table["first"]).all())


def optimality_conditions(table: pd.DataFrame) -> bool:
    """(3.2) is ∇f = 0 and (3.3) is vᵀ∇²f v >= 0, with no factor between: τ is in units of the Hessian."""
    return bool((table["first"] & table["second"]).all())


def terms_in_the_proof(table: pd.DataFrame) -> bool:
    """The expansion as it stands in the proof of Lemma A.1, without λ and P_Ω in two places."""
    return bool((table["first_printed"] & table["second_printed"]).all())


def residual_as_printed(table: pd.DataFrame) -> bool:
    """Both displays in the proof of Lemma 3.6 as they are printed."""
    return bool((table["residual_printed"] & table["expansion_printed"]).all())


def residual_repaired(table: pd.DataFrame) -> bool:
    """Both with the factor ‖x‖² on (1 - u²)² and minus signs."""
    return bool((table["residual"] & table["expansion"]).all())


same_matrix = _all("rotated")
same_norms = _all("row_norms")
gradient_has_signs = _all("signs")
penalty_vanishes = _all("vanishes")
full_observation = _all("eigen")
penalty_only_adds = _all("dropped")


PROTOCOL = Protocol(
    trial=trial,
    exact=True,
    profiles={
        "smoke": Sweep({"d": 3, "instance": [1, 2]}),
        "quick": Sweep({"d": [3, 4], "instance": [1, 2, 3]}),
        "paper": Sweep({"d": [3, 4, 5], "instance": [1, 2, 3, 4, 5, 6]}),
    },
)
