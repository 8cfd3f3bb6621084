"""What Definitions C.4 and C.7, eq. (49) and eq. (26) on eq. (20) say when taken at their word.

Whole numbers and fractions throughout; one row a statement.
"""

from fractions import Fraction
from functools import reduce

import numpy as np
import pandas as pd

import mcrepro as mc
from mcrepro.experiments import Protocol, Sweep
from mcrepro.experiments.statistics import Estimate, exact

# Orthogonal integer vectors, pairs of which span the subspaces S.
_AXES = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1]])
_TURNED = np.array([[1, 2, 2], [2, 1, -2], [2, -2, 1]])


def trial(_: None, *, statement: str) -> dict:
    """Work out one statement.

    Parameters
    ----------
    statement : str
        A key of `STATEMENTS`.
    """
    value, shows = STATEMENTS[statement]()
    return {"value": float(value), "shows": shows}


def _second_eigenvalue():
    """λ_2^v of e_1^{⊗3} + e_2^{⊗3} and of a random tensor, over six subspaces: 0 on each.

    In any S spanned by a^{⊗3} and b^{⊗3}, ``u = <T, b^{⊗3}> a^{⊗3} - <T, a^{⊗3}> b^{⊗3}`` has ``<T, u> = 0``, and u = 0 only
    where every u in S has.
    """
    cubes = [_power(v, 3) for v in _AXES]
    tensors = [cubes[0] + cubes[1], np.random.default_rng(0).integers(-3, 4, size=27)]
    largest = 0
    for T in tensors:
        for frame in (_AXES, _TURNED):
            for i, j in ((0, 1), (0, 2), (1, 2)):
                a, b = _power(frame[i], 3), _power(frame[j], 3)
                alpha, beta = int(T @ a), int(T @ b)
                u = beta * a - alpha * b if alpha or beta else a
                largest = max(largest, abs(int(T @ u)) if u.any() else 1)
    return largest, "u = ⟨T,b⟩a - ⟨T,a⟩b is in S, not zero, and ⟨T,u⟩ = 0"


def _first_eigenvalue():
    """Smallest quotient on the line of e_1^{⊗3} for ``T = e_1^{⊗3}``, over multiples 1 to 10^6: it goes to 0."""
    quotients = [Fraction(c, c * c) for c in (1, 10, 10**6)]
    return min(quotients), "⟨T,cu⟩/‖cu‖² = 1/c, whose infimum is 0"


def _rank_one():
    """Whether e_1 ⊗ e_2 ⊗ e_2, of rank one by the first half of Definition C.4, is u^{⊗3}: 0 if not."""
    T = reduce(np.multiply.outer, [_AXES[0], _AXES[1], _AXES[1]])
    return int(
        np.array_equal(T, T.transpose(1, 0, 2))
    ), "u⊗u⊗u does not change when modes are swapped; this does"


def _recursion(gradient: int, shift: int):
    """Whether ``w_{t+shift} = Z_t w_0 - E_t`` for t = 0, 1, 2, l = 1 and 3, n = 2, with h's gradient
    ``gradient`` times what the proof writes."""
    eta = Fraction(1, 10)
    for order in (1, 3):
        B = reduce(np.kron, [np.array([[2, 1], [1, 3]])] * order)
        K = reduce(np.kron, [np.array([[1, 1], [1, 1]])] * order)
        x = reduce(np.kron, [np.array([Fraction(1, 2), Fraction(-1, 3)])] * order)
        path = [x]
        for _ in range(3):
            w = path[-1]
            path.append(w + gradient * eta * (B @ w - (K @ (w * w)) * w))
        I = np.array([[Fraction(int(i == j)) for j in range(len(x))] for i in range(len(x))])
        step = I + eta * B
        for t in range(3 if shift else 4):
            # E_t = sum over i = 1..t of step^{t-i} Ê_i, Ê_i from w_{i-1}.
            Z = reduce(np.dot, [step] * t, I)
            E = np.array([Fraction(0)] * len(x))
            for i in range(1, t + 1):
                w = path[i - 1]
                E = E + reduce(np.dot, [step] * (t - i), I) @ (eta * (K @ (w * w)) * w)
            if not (path[t + shift] == Z @ x - E).all():
                return 0, f"fails at l = {order}, t = {t}"
    return 1, "holds at every t tried"


def _structured():
    """Number of n = 3, ..., 12 for which t(κ, l) is finite on eq. (20) with zeros at even indices."""
    finite = 0
    for n in range(3, 13):
        lifted = mc.lifting.LiftedObjective(mc.instances.structured(n), order=1)
        singular = np.sort(np.abs(np.diag(lifted.data)))[::-1]
        assert not (lifted.data - np.diag(np.diag(lifted.data))).any()  # B is diagonal
        finite += int(singular[0] != singular[1])
    return finite, "B is diagonal with ceil(n/2) ones, so σ₁ = σ₂"


def _sizes():
    """Whether a tensor has (nr)^l entries, for the method's own tensors."""
    cases = [(8, 3, 1), (20, 3, 1), (6, 5, 1), (4, 3, 2)]
    for n, order, rank in cases:
        lifted = mc.lifting.LiftedObjective(mc.instances.structured(n), order=order, rank=rank)
        if lifted.initial(1.0, seed=0).size != (n * rank) ** order:
            return 0, f"not at n={n}, l={order}, r={rank}"
    return 1, "(nr)^l numbers: 512 for n=8, l=3; 3.2 million for n=20, l=5"


def _power(v, order):
    return reduce(np.multiply.outer, [v] * order).ravel()


STATEMENTS = {
    "second eigenvalue": _second_eigenvalue,
    "first eigenvalue": _first_eigenvalue,
    "rank one": _rank_one,
    "(49) as printed": lambda: _recursion(gradient=4, shift=1),
    "(49), indices mended": lambda: _recursion(gradient=4, shift=0),
    "(49), indices and factor mended": lambda: _recursion(gradient=1, shift=0),
    "structured": _structured,
    "sizes": _sizes,
}


def _value(table, statement):
    return table.set_index("statement").loc[statement, "value"]


def second_eigenvalue(table: pd.DataFrame) -> Estimate:
    """λ_2^v by Definition C.7."""
    return exact(_value(table, "second eigenvalue"))


def ratio_is_small(table: pd.DataFrame) -> bool:
    """λ_2^v <= κ λ_1^v for every κ: with λ_2^v = 0 it holds of every tensor."""
    return bool(_value(table, "second eigenvalue") == 0)


def rank_one_is_symmetric(table: pd.DataFrame) -> bool:
    """Every tensor of rank one is u^{⊗l}."""
    return bool(_value(table, "rank one"))


def decomposition_printed(table: pd.DataFrame) -> bool:
    """(49) as printed."""
    return bool(_value(table, "(49) as printed"))


def decomposition_mended(table: pd.DataFrame) -> bool:
    """(49) with w_t for w_{t+1} and the gradient's factor taken into the step."""
    return bool(_value(table, "(49), indices and factor mended"))


def finite_on_structured(table: pd.DataFrame) -> Estimate:
    """Number of sizes at which t(κ, l) is finite on the structured instance."""
    return exact(_value(table, "structured"))


def tensor_sizes(table: pd.DataFrame) -> bool:
    """A tensor has (nr)^l entries."""
    return bool(_value(table, "sizes"))


_ALL = Sweep({"statement": list(STATEMENTS)})

PROTOCOL = Protocol(trial=trial, exact=True, profiles={"smoke": _ALL, "quick": _ALL, "paper": _ALL})
