"""Four small points at which a printed step of Sections 3 and 4 fails, in whole numbers.

Each example is a problem ``1/2 ||A(X X^T) - b||²`` with one column, a second-order point x of it and a
truth M*, all multiplied by a common factor that makes them whole. Second-order conditions, the two
sides of the paper's inequalities and the definiteness of the lifted second derivative are decided by
exact arithmetic.

noisy
    All entries of a 2 x 2 matrix are seen, ``b = diag(441, 400)/400``, truth ``diag(0, 2)``. The best
    rank-one fit x meets (13) strictly, and order 3 is above (14). With symmetrized sensing matrices
    x^{⊗3} is a strict saddle, as Theorem 3.1 says; with the entries themselves it is the strict
    minimum that it must be, since ``x^{⊗3}`` is the leading eigenvector of ``b^{⊗3}``.
equality
    The same with ``b = diag(25, 16)/16``, truth ``diag(0, 16/7)``: (13) holds with equality, γ = 2.
opposite
    Three sensing matrices, with a and b of opposite sign at x: (43) fails.
units
    One entry of a 2 x 2 matrix is seen, ε = 1/10: x^{⊗3} is a strict minimum of the lifted problem and
    violates (16) with e_1 from (18); with e_1 from the proof it does not.
"""

from fractions import Fraction
from math import isqrt

import numpy as np
import pandas as pd
import sympy as sp

from mcrepro.experiments import Protocol, Sweep
from mcrepro.theory import factored_sensing as sensing
from mcrepro.theory import lifted_curvature as lifted
from mcrepro.theory.conversion import smallest_odd_above

_ENTRIES = sensing.entry_operator(np.ones((2, 2), dtype=int))
_OPPOSITE = np.array([[[2, 0], [0, -1]], [[0, 0], [0, 2]], [[0, 2], [2, 0]]])
_SEEN_ONCE = sensing.entry_operator(np.array([[10, 1], [1, 1]]))

# operator, b, x, M*, α, L, and by what M* and x x^T were multiplied.
EXAMPLES = {
    "noisy": (_ENTRIES, [441, 0, 0, 400], [21, 0], [[0, 0], [0, 800]], 1, 1, 400),
    "equality": (_ENTRIES, [7 * 25, 0, 0, 7 * 16], None, [[0, 0], [0, 256]], 1, 1, 112),
    "opposite": (_OPPOSITE, [2, 2, 0], [1, 0], None, None, None, 1),
    "units": (_SEEN_ONCE, [10, 0, 0, 0], [1, 0], [[1, 100], [100, 10000]], 1, 100, 40000),
}


def trial(_: None, *, example: str) -> dict:
    """Work out one example.

    Returns
    -------
    dict
        ``second_order``; ``gradient_minimum``, the smallest eigenvalue of ∇f; β and γ as fractions and
        the order that (14) asks for, where there is a truth; at order 3, where ∇f has a negative eigenvalue, the curvature along the
        paper's direction and the right side of (43), for symmetrized matrices; whether the lifted
        second derivative at x^{⊗3} is positive definite, for both kinds of matrices.
    """
    A, b, x, M, alpha, L, scale = EXAMPLES[example]
    b = np.array(b)
    # x = 5 √7 e_1 is not whole, x x^T = diag(175, 0) is; everything but the lifted check needs only that.
    X = sp.Matrix([5 * sp.sqrt(7), 0]) if x is None else sp.Matrix(x)
    XX = X * X.T
    outer = np.array(XX.tolist(), dtype=int)
    residual = sensing.apply(A, outer) - b
    gradient = sp.Matrix((np.tensordot(residual, A + A.swapaxes(1, 2), axes=1)).tolist()) / 2
    row = {
        "second_order": _is_second_order(A, gradient, X),
        "gradient_minimum": float(min(gradient.eigenvals(multiple=True))) / scale,
    }
    if x is not None:
        if row["gradient_minimum"] < 0:
            # Halves are exact in floating point.
            column, u = np.array(x)[:, None], np.array([[0], [1]])
            terms = lifted.terms(sensing.symmetrized(A), b, column, u)
            row["curvature"] = terms.curvature(3) / scale**3
            row["bound_43"] = terms.proof_bound(3) / scale**3
        row |= {
            "minimum_entries": _definite(A, b, x),
            "minimum_symmetrized": _definite(A + A.swapaxes(1, 2), 2 * b, x),
        }
    if M is not None:
        row |= _hypothesis(A, b, outer, np.array(M), alpha, L)
        if example == "units":
            row |= _bound(outer, np.array(M), scale, Fraction(1, 10))
    return row


def _is_second_order(A, gradient, X) -> bool:
    """(37) and (38) for one column."""
    symmetric = [sp.Matrix((M + M.T).tolist()) for M in A]
    bend = 2 * gradient
    for M in symmetric:
        bend += (M * X) * (M * X).T
    return gradient * X == sp.zeros(2, 1) and bend.is_positive_semidefinite


def _definite(A, b, x) -> bool:
    w = np.array(x)
    w = np.multiply.outer(np.multiply.outer(w, w), w)
    return bool(sp.Matrix(lifted.lifted_hessian(A, b, w).tolist()).is_positive_definite)


def _hypothesis(A, b, outer, M, alpha, L) -> dict:
    """β of (14), and γ, as fractions; all with the weights of A squared."""
    noise = b - sensing.apply(A, M)
    surplus = alpha * int(np.sum((M - outer) ** 2)) - int(noise @ noise)
    asked = L * int(np.trace(outer)) * int(np.trace(M))
    if surplus <= 0:
        return {"beta": None, "gamma": None, "order": None}
    beta = Fraction(asked, surplus)
    order = None
    if beta < 1:
        order = int(smallest_odd_above(1 / float(1 - sp.log(2 * beta, 2))))
    return {"beta": str(beta), "gamma": str(2 * beta), "order": order}


def _bound(outer, M, scale, epsilon) -> dict:
    """Both sides of (16) in fractions: the left from below, the right from above."""
    unseen = Fraction(int(np.sum(M**2) - M[0, 0] ** 2), scale**2)
    left = _root(Fraction(int(np.sum((M - outer) ** 2)), scale**2))
    trace, smallest = Fraction(int(np.trace(M)), scale), Fraction(int(np.trace(outer)), scale)
    first = _root(trace * smallest, up=True) / epsilon
    return {
        "left": float(left),
        "printed": float(first + unseen),
        "proof": float(first + _root(unseen)),
        "printed_violated": left > first + unseen,
        "proof_kept": _root(Fraction(int(np.sum((M - outer) ** 2)), scale**2), up=True)
        < first * Fraction(99, 100) + _root(unseen),
    }


def _root(value: Fraction, up: bool = False) -> Fraction:
    """A rational square root from below (or above), to nine digits."""
    digits = 10**18
    root = isqrt(value.numerator * digits // value.denominator)
    return Fraction(root + up, 10**9)


def _example(table: pd.DataFrame, name: str):
    return table.set_index("example").loc[name]


def theorem_31_symmetrized(table: pd.DataFrame) -> bool:
    """The noisy point is a saddle for symmetrized matrices, at the order that (14) asks for."""
    row = _example(table, "noisy")
    return bool(row["second_order"] and row["order"] == 3 and row["curvature"] < 0)


def theorem_31_entries(table: pd.DataFrame) -> bool:
    """The noisy point is no minimum for the entries themselves, at the order that (14) asks for."""
    row = _example(table, "noisy")
    return bool(row["second_order"] and row["order"] == 3 and not row["minimum_entries"])


def hypothesis_can_hold(table: pd.DataFrame) -> bool:
    """With noise, a second-order point meets (13) strictly."""
    row = _example(table, "noisy")
    return bool(row["second_order"] and Fraction(row["beta"]) < 1)


def gamma_in_range(table: pd.DataFrame) -> bool:
    """1 <= γ < 2 at every example that meets (13)."""
    met = table[[isinstance(b, str) and Fraction(b) <= 1 for b in table["beta"]]]
    return bool(all(met["second_order"])) and all(1 <= Fraction(g) < 2 for g in met["gamma"])


def bound_43(table: pd.DataFrame) -> bool:
    """(43) holds at every example."""
    part = table.dropna(subset="curvature")
    return bool((part["second_order"] & (part["curvature"] <= part["bound_43"])).all())


def gradient_is_semidefinite(table: pd.DataFrame) -> bool:
    """∇f is positive semidefinite at the noisy point."""
    return bool(_example(table, "noisy")["gradient_minimum"] >= 0)


def printed_e1(table: pd.DataFrame) -> bool:
    """(16) with e_1 of (18) holds at a minimum of the lifted problem."""
    row = _example(table, "units")
    return not (row["second_order"] and row["minimum_entries"] and row["printed_violated"])


_ALL = Sweep({"example": list(EXAMPLES)})

PROTOCOL = Protocol(trial=trial, exact=True, profiles={"smoke": _ALL, "quick": _ALL, "paper": _ALL})
