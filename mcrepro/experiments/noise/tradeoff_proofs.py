"""Statements around Theorem 2.2 that algebra decides, proved with SymPy.

Each function proves one statement and returns whether it holds; the table has a row for each.
"""

from collections.abc import Callable

import pandas as pd
import sympy as sp

from mcrepro.experiments import Protocol, Sweep
from mcrepro.experiments.noise._proofs import holds

EPS, P, CHI = sp.symbols("eps p chi", positive=True)
HALF = sp.Rational(1, 2)


def trial(_: None, *, statement: str) -> dict:
    """Prove or refute one statement, named as its function.

    Returns
    -------
    dict
        ``holds`` (bool).
    """
    return {"holds": bool(STATEMENTS[statement]())}


def decomposition() -> bool:
    """(8) for one observed and one unobserved entry, f = ½‖A(M) - b‖²; sums of these are (8).

    f(M) - f(M*) = ½(m - m*)² + ½ε²u² - ½ε²u*², and the paper's middle line, with
    w = -ε u*, is the same. Dropping ½ε²u² ≥ 0 leaves ½(m - m*)² ≤ ½ε²u*² where f(M) ≤ f(M*).
    """
    m, truth_m, u, truth_u = sp.symbols("m m* u u*", real=True)
    f = HALF * (m - truth_m) ** 2 + HALF * (EPS * u - 0) ** 2
    at_truth = f.subs({m: truth_m, u: truth_u}, simultaneous=True)
    last = HALF * (m - truth_m) ** 2 + HALF * EPS**2 * u**2 - HALF * EPS**2 * truth_u**2
    w = -EPS * truth_u
    first = HALF * (m - truth_m) ** 2 + HALF * (EPS * (u - truth_u) - w) ** 2 - HALF * w**2
    return sp.expand(f - at_truth - last) == 0 and sp.expand(first - last) == 0


def adding_the_unobserved() -> bool:
    """(9) is (8) with ½‖M† - M*‖²_S added to both sides."""
    seen, unseen, truth_unseen = sp.symbols("seen unseen truth", nonnegative=True)
    eight = HALF * EPS**2 * truth_unseen - HALF * seen  # right minus left side of (8), ≥ 0
    nine = HALF * (unseen + EPS**2 * truth_unseen) - HALF * (seen + unseen)
    return sp.expand(nine - eight) == 0


def truth_is_beaten() -> bool:
    """Some multiple t M* has f(t M*) < f(M*), if M* is nonzero both on Ω and off it.

    f(t M*) = (1-t)² a + t²ε² b with a = ‖M*‖²_Ω, b = ‖M*‖²_S is least at t = a/(a + ε²b) < 1.
    """
    t, a, b = sp.symbols("t a b", positive=True)
    f = (1 - t) ** 2 * a + t**2 * EPS**2 * b
    (best,) = sp.solve(sp.diff(f, t), t)
    gain = sp.factor(f.subs(t, 1) - f.subs(t, best))
    return sp.simplify(best - a / (a + EPS**2 * b)) == 0 and bool(gain.is_positive)


def structured_optimum() -> bool:
    """On instance (20) the optima have x_i² = 1/(1 + ε²(m-1)) on the m ones, with any signs.

    f is a function of y_i = x_i² there, Σ(y_i - 1)² + ε² Σ_{i≠j} y_i y_j (entries at even indices
    only add squares, and are best 0). Its Hessian 2(1-ε²)I + 2ε²11ᵀ is positive definite for
    ε < 1, so that its one critical point is the minimum; every choice of signs of x gives the same y.
    """
    m = sp.Symbol("m", integer=True, positive=True)
    y = 1 / (1 + EPS**2 * (m - 1))
    gradient = 2 * (y - 1) + 2 * EPS**2 * (m - 1) * y
    return sp.simplify(gradient) == 0


def hoeffding_to_theorem() -> bool:
    """(34)-(36): with t = χ‖d‖₁ and E R = (1-p)‖d‖₁, ‖d‖₁ = e + ε²s, the bound is (10).

    (p - χ) e ≤ (1-p+χ) ε² s is e ≤ (1-p+χ)(e + ε²s); -2t²/‖d‖₂² is -2χ²‖d‖₁²/‖d‖₂².
    """
    e, s, norm = sp.symbols("e s norm", positive=True)
    total = e + EPS**2 * s
    mean = (1 - P) * e + (1 - P) * EPS**2 * s
    t = CHI * total
    ten = (1 - P + CHI) * EPS**2 * s - (P - CHI) * e
    return (
        sp.expand(mean - (1 - P) * total) == 0
        and sp.expand(mean + t - e - ten) == 0
        and sp.simplify(2 * t**2 / norm - 2 * CHI**2 * total**2 / norm) == 0
    )


def evenness_range() -> bool:
    """1 ≤ ‖d‖₁²/‖d‖₂² ≤ N, and making two entries more equal raises the ratio.

    ‖d‖₁² - ‖d‖₂² is a sum of products, N‖d‖₂² - ‖d‖₁² one of squares (here N = 4). Moving h from a
    to b with 0 < h < a - b keeps ‖d‖₁ and lowers ‖d‖₂² by 2h(a - b - h).
    """
    d = sp.symbols("d:4", nonnegative=True)
    one, two = sum(d), sum(v**2 for v in d)
    products = sum(2 * d[i] * d[j] for i in range(4) for j in range(i))
    squares = sum((d[i] - d[j]) ** 2 for i in range(4) for j in range(i))
    a, b, h = sp.symbols("a b h", positive=True)
    change = a**2 + b**2 - (a - h) ** 2 - (b + h) ** 2
    return (
        sp.expand(one**2 - two - products) == 0
        and sp.expand(4 * two - one**2 - squares) == 0
        and sp.expand(change - 2 * h * (a - b - h)) == 0
    )


def any_chi_up_to_p() -> bool:
    """(10) with its probability holds at every χ ≤ p, for M* = 1 (n = 1), p = 1/10.

    If the entry is observed the error is 0, else it is 1. At χ = p the factor is infinite. At
    χ = -9/10 it is 0, so that (10) holds with probability 1/10; the printed one is 1 - exp(-2·.81).
    """
    p, chi = sp.Rational(1, 10), sp.Rational(-9, 10)
    divides_by_zero = p - p == 0
    factor = (1 - p + chi) / (p - chi)
    true = p if factor * EPS**2 < 1 else sp.Integer(1)
    printed = 1 - sp.exp(-2 * chi**2)
    return bool(true >= printed) and not divides_by_zero


def four_is_attained() -> bool:
    """‖M† - M*‖²/‖M*‖²_S → 4 as ε → 0, for M* of ones, n = 2, diagonal observed.

    x̂ = s(1, -1), s² = 1/(1 + ε²), is an optimum by `structured_optimum` (m = 2).
    """
    s2 = 1 / (1 + EPS**2)
    error2 = 2 * (s2 - 1) ** 2 + 2 * (-s2 - 1) ** 2
    return sp.limit(error2 / 2, EPS, 0) == 4 and bool(
        sp.simplify((4 + EPS**2) - error2 / 2).subs(EPS, HALF) > 0
    )


STATEMENTS: dict[str, Callable[[], bool]] = {
    proof.__name__: proof
    for proof in (
        decomposition,
        adding_the_unobserved,
        truth_is_beaten,
        structured_optimum,
        hoeffding_to_theorem,
        evenness_range,
        any_chi_up_to_p,
        four_is_attained,
    )
}


def eq8(table: pd.DataFrame) -> bool:
    """‖M† - M*‖² over the observed entries is at most ε²‖M*‖² over the others."""
    return holds(table, "decomposition")


def eq9(table: pd.DataFrame) -> bool:
    """‖M† - M*‖² ≤ ‖M† - M*‖²_S + ε²‖M*‖²_S."""
    return holds(table, "decomposition", "adding_the_unobserved")


def truth_is_no_optimum(table: pd.DataFrame) -> bool:
    """M* is not a global optimum of (7)."""
    return holds(table, "truth_is_beaten", "structured_optimum")


def eq34_to_36(table: pd.DataFrame) -> bool:
    """The algebra from Hoeffding's inequality to (10)."""
    return holds(table, "hoeffding_to_theorem")


def ratio_of_norms(table: pd.DataFrame) -> bool:
    """1 ≤ ‖d‖₁²/‖d‖₂² ≤ n², larger for more even d."""
    return holds(table, "evenness_range")


def every_chi(table: pd.DataFrame) -> bool:
    """Any χ ≤ p will do."""
    return holds(table, "any_chi_up_to_p")


_ALL = Sweep({"statement": list(STATEMENTS)})

PROTOCOL = Protocol(trial=trial, exact=True, profiles={"smoke": _ALL, "quick": _ALL, "paper": _ALL})
