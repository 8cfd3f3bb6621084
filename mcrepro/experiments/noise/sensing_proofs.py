"""Statements of Sections 1 and 2 that algebra decides, proved with SymPy.

Each function proves one statement and returns whether it holds; the table has a row for each.
"""

from collections.abc import Callable

import pandas as pd
import sympy as sp

import mcrepro as mc
from mcrepro.experiments import Protocol, Sweep
from mcrepro.experiments.noise._proofs import holds
from mcrepro.theory import recovery_conditions

HALF = sp.Rational(1, 2)
EPS = sp.Symbol("eps", positive=True)


def trial(_: None, *, statement: str) -> dict:
    """Prove or refute one statement, named as its function.

    Returns
    -------
    dict
        ``holds`` (bool).
    """
    return {"holds": bool(STATEMENTS[statement]())}


def bregman(factor: sp.Expr) -> tuple[sp.Expr, sp.Matrix, sp.Matrix, sp.Matrix]:
    """Return f(M) - f(N) - ⟨M - N, ∇f(N)⟩ for f = factor·‖D∘· - b‖² on 2 x 2, and D, M, N."""
    M, N, D, b = (sp.Matrix(2, 2, sp.symbols(f"{name}:4", real=True)) for name in "MNDb")

    def f(X):
        return factor * sum((D[k] * X[k] - b[k]) ** 2 for k in range(4))

    gradient = [sp.diff(f(N), N[k]) for k in range(4)]
    linear = sum((M[k] - N[k]) * gradient[k] for k in range(4))
    return sp.expand(f(M) - f(N) - linear), D, M, N


def constants(factor: sp.Expr) -> tuple[sp.Expr, sp.Expr]:
    """Return the best (α, L) of Definition 1.1 for f = factor·‖D∘· - b‖² on a mask with a gap.

    Twice the left side over ‖M - N‖² is extreme where M - N is a single entry: unobserved (D = ε)
    and observed (D = 1), by the decomposition in the proof of Lemma D.1.
    """
    excess, D, M, N = bregman(factor)
    single = {N[k]: 0 for k in range(4)} | {M[k]: int(k == 0) for k in range(4)}
    at_entry = 2 * excess.subs(single)
    return at_entry.subs(D[0], EPS), at_entry.subs(D[0], 1)


def bregman_is_half_the_norm() -> bool:
    """For f = ½‖A(·) - b‖² the quantity of Definition 1.1 is ½‖A(M - N)‖²."""
    excess, D, M, N = bregman(HALF)
    norm2 = sum((D[k] * (M[k] - N[k])) ** 2 for k in range(4))
    return sp.expand(excess - HALF * norm2) == 0


def constants_with_half() -> bool:
    """With the ½ of (1) and (8), the best constants are α = ε² and L = 1."""
    return constants(HALF) == (EPS**2, 1)


def constants_without_half() -> bool:
    """Without it, as (7) is printed, they are the same."""
    return constants(sp.Integer(1)) == (EPS**2, 1)


def rescaled_constant() -> bool:
    """A/√((L+α)/2) has ‖·‖² between 1 - δ and 1 + δ with δ = (L-α)/(L+α), both attained."""
    alpha, L = sp.symbols("alpha L", positive=True)
    delta = (L - alpha) / (L + alpha)
    scale = (L + alpha) / 2
    return (
        sp.simplify(alpha / scale - (1 - delta)) == 0 and sp.simplify(L / scale - (1 + delta)) == 0
    )


def constant_as_it_stands() -> bool:
    """The ε-MC operator itself, not rescaled, has the RIP constant (1 - ε²)/(1 + ε²)."""
    return sp.simplify((1 - EPS**2) - (1 - EPS**2) / (1 + EPS**2)) == 0


def constant_of_the_same_order() -> bool:
    """From RSC and RSS over pairs of rank r follows the RIP constant of order r (not 2r).

    The 2 x 2 operator that removes the part along the identity, ‖A(M)‖² = ‖M‖² - tr(M)²/2. The
    difference of e₁e₁ᵀ and -e₂e₂ᵀ is the identity, so that α = 0, L = 1 and the formula gives 1.
    Over single matrices of rank one, |tr M| ≤ ‖M‖ and the constant is 1/3.
    """

    def image(M):
        return sum(v**2 for v in M) - M.trace() ** 2 / 2

    x = sp.Matrix(sp.symbols("x:2", real=True))
    y = sp.Matrix(sp.symbols("y:2", real=True))
    rank_one = x * y.T
    # ‖xyᵀ‖² - tr(xyᵀ)² = (x₀y₁ - x₁y₀)² ≥ 0: half of the norm stays, no less.
    excess = sum(v**2 for v in rank_one) - rank_one.trace() ** 2
    assert sp.expand(excess - (x[0] * y[1] - x[1] * y[0]) ** 2) == 0
    alpha_of_pairs, alpha_of_single = image(sp.eye(2)) / 2, HALF
    by_pairs, by_single = ((1 - alpha) / (1 + alpha) for alpha in (alpha_of_pairs, alpha_of_single))
    return by_pairs == by_single


def structured_incoherence() -> bool:
    """On instance (20) μ₀ is n/⌈n/2⌉: by the definition, U = z/√m has entries 0 and 1/√m."""
    found = {
        n: recovery_conditions.incoherence(mc.instances.structured(n).truth) for n in range(1, 11)
    }
    return all(abs(mu - n / -(-n // 2)) < 1e-12 for n, mu in found.items())


def incoherence_range() -> bool:
    """1 ≤ μ₀ ≤ n/r: the squared row norms of U are at most 1 and add up to r.

    Attained: a matrix of ones has 1, e₁e₁ᵀ has n.
    """
    mu = recovery_conditions.incoherence
    return abs(mu([[1.0] * 4] * 4) - 1) < 1e-12 and mu(sp.diag(1, 0, 0, 0).tolist()) == 4


def spurious_point_at_one_half() -> bool:
    """At RIP constant 1/2 there is a spurious second-order point; one more column removes it.

    z = (1, 0), x̂ = (0, 1/√2), and the operator with H = A*A: on diagonals [[1, ½], [½, 1]], on the
    off-diagonal 3/2; eigenvalues ½ and 3/2. E = x̂x̂ᵀ - zzᵀ = diag(-1, ½), G = H(E).
    """
    H = sp.Matrix([[1, HALF], [HALF, 1]])
    g = H * sp.Matrix([-1, HALF])
    rip = set(H.eigenvals()) | {sp.Rational(3, 2)} == {HALF, sp.Rational(3, 2)}
    x = sp.Matrix([0, 1 / sp.sqrt(2)])
    G = sp.diag(*g)
    critical = (G * x).is_zero_matrix
    u = sp.Matrix(sp.symbols("u:2", real=True))
    step = x * u.T + u * x.T
    curvature = 2 * (u.T * G * u)[0] + (
        (sp.Matrix([step[0, 0], step[1, 1]]).T * H * sp.Matrix([step[0, 0], step[1, 1]]))[0]
        + sp.Rational(3, 2) * 2 * step[0, 1] ** 2
    )
    hessian = sp.hessian(sp.expand(curvature), list(u))
    second_order = hessian.is_positive_semidefinite
    # With a zero column beside x̂, a step in that column has x̂ Uᵀ = 0: its curvature is 2⟨G, uuᵀ⟩.
    escapes = 2 * G[0, 0] < 0
    return bool(rip and critical and second_order and escapes)


def sdp_threshold_rises_with_rank() -> bool:
    """δ_2r < 1 is enough for the SDP when 2r ≥ n, while at n = 3, r = 1 it fails with δ₂ = 5/6.

    2r ≥ n: every n x n matrix has rank at most 2r, so δ_2r < 1 leaves A no null space and M* is the
    only feasible point. n = 3, r = 1: let A remove the part along K = diag(1, 1, -3). M* = diag(0, 0, 3)
    and M* + K = diag(1, 1, 0) ⪰ 0 give the same data, and the second has the smaller trace. A unit
    matrix of rank 2 has ⟨E, K⟩² at most 3² + 1² (its two largest singular values), of ‖K‖² = 11.
    """
    K, truth = sp.diag(1, 1, -3), sp.diag(0, 0, 3)
    rival = truth + K
    alpha = 1 - sp.Rational(3**2 + 1**2, sum(v**2 for v in K))
    delta = (1 - alpha) / (1 + alpha)
    fails = bool(rival.is_positive_semidefinite) and rival.trace() < truth.trace()
    full = all(min(n, 2 * r) == n for n in range(1, 9) for r in range(-(-n // 2), n + 1))
    return fails and delta == sp.Rational(5, 6) and full


def spikiness_range() -> bool:
    """1 ≤ α_sp ≤ n, with 1 for a flat matrix and n for a single entry only.

    n²max² ≥ ‖M‖² ≥ max²; checked on all 2 x 2 matrices with entries in {-1, 0, 1, 2}.
    """
    from itertools import product

    for entries in product((-1, 0, 1, 2), repeat=4):
        norm2, top2 = sum(v * v for v in entries), max(v * v for v in entries)
        if norm2 == 0:
            continue
        square = sp.Rational(4 * top2, norm2)
        flat = len({v * v for v in entries}) == 1
        single = sum(v != 0 for v in entries) == 1
        if not (1 <= square <= 4 and (square == 1) == flat and (square == 4) == single):
            return False
    return True


def bernstein_step_is_homogeneous() -> bool:
    """In the proof of Lemma D.1, p‖M‖² - B log - 2pB‖M‖² log scales like ‖M‖², as it must."""
    t, p, B, norm2, log = sp.symbols("t p B norm2 log", positive=True)

    def bound(scale):
        return p * scale * norm2 - scale * B * log - 2 * p * scale * B * scale * norm2 * log

    return sp.simplify(bound(t) - t * bound(1)) == 0


def dividing_gives_the_printed_line() -> bool:
    """Dividing that bound by ‖M‖² gives p - (B/‖M‖²)(1 + 2p) log, as printed."""
    p, B, norm2, log = sp.symbols("p B norm2 log", positive=True)
    bound = p * norm2 - B * log - 2 * p * B * norm2 * log
    return sp.simplify(bound / norm2 - (p - B / norm2 * (1 + 2 * p) * log)) == 0


STATEMENTS: dict[str, Callable[[], bool]] = {
    proof.__name__: proof
    for proof in (
        bregman_is_half_the_norm,
        constants_with_half,
        constants_without_half,
        rescaled_constant,
        constant_as_it_stands,
        constant_of_the_same_order,
        structured_incoherence,
        incoherence_range,
        spurious_point_at_one_half,
        sdp_threshold_rises_with_rank,
        spikiness_range,
        bernstein_step_is_homogeneous,
        dividing_gives_the_printed_line,
    )
}


def definition_is_the_norm(table: pd.DataFrame) -> bool:
    """Definition 1.1 bounds ½‖A(M - N)‖²."""
    return holds(table, "bregman_is_half_the_norm")


def lemma_with_half(table: pd.DataFrame) -> bool:
    """Lemma 2.1 for ½‖A(·) - b‖²."""
    return holds(table, "constants_with_half")


def lemma_without_half(table: pd.DataFrame) -> bool:
    """Lemma 2.1 for the printed (7)."""
    return holds(table, "constants_without_half")


def delta_after_rescaling(table: pd.DataFrame) -> bool:
    """(L - α)/(L + α) is the constant of the rescaled operator."""
    return holds(table, "rescaled_constant")


def delta_as_it_stands(table: pd.DataFrame) -> bool:
    """... and of the operator as it stands."""
    return holds(table, "constant_as_it_stands")


def delta_same_order(table: pd.DataFrame) -> bool:
    """... and of order r, as δ_r says."""
    return holds(table, "constant_of_the_same_order")


def incoherence_as_defined(table: pd.DataFrame) -> bool:
    """Definition 1.2 gives a number in [1, n/r], n/⌈n/2⌉ on instance (20)."""
    return holds(table, "structured_incoherence", "incoherence_range")


def one_half_is_hard(table: pd.DataFrame) -> bool:
    """A spurious second-order point at δ = 1/2, gone with a second column."""
    return holds(table, "spurious_point_at_one_half")


def sdp_threshold(table: pd.DataFrame) -> bool:
    """The SDP's threshold is 1 at high rank and at most 5/6 for n = 3, r = 1."""
    return holds(table, "sdp_threshold_rises_with_rank")


def spikiness_between(table: pd.DataFrame) -> bool:
    """1 ≤ α_sp ≤ n."""
    return holds(table, "spikiness_range")


_ALL = Sweep({"statement": list(STATEMENTS)})

PROTOCOL = Protocol(trial=trial, exact=True, profiles={"smoke": _ALL, "quick": _ALL, "paper": _ALL})
