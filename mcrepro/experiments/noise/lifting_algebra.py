"""The steps of the proofs of Theorems 3.1 and 4.1 that are algebra, with SymPy and fractions.

One row a step; `holds` says whether it does as printed, `shows` what was shown instead where not.
"""

from fractions import Fraction

import numpy as np
import pandas as pd
import sympy as sp

import mcrepro as mc
from mcrepro.experiments import Protocol, Sweep
from mcrepro.theory import conversion

# E is ||M* - X X^T||², w the norm of the noise, lam and tr are λ_r(X X^T) and tr M*.
L, lam, tr, alpha, w, E, l = sp.symbols("L lambda tr alpha w E l", positive=True)


def trial(_: None, *, step: str) -> dict:
    """Show one step.

    Parameters
    ----------
    step : str
        A key of `STEPS`.
    """
    holds, shows = STEPS[step]()
    return {"holds": bool(holds), "shows": shows}


def _sufficient():
    """(44) with G at its bound (45) is (46), and with G = S / (2 tr)."""
    # Both sides of (44) are positive, so the l-th roots compare alike.
    left = (alpha * E - w**2) / (2 * tr)
    right = 2 ** ((1 - l) / l) * L * lam
    factor = 2 * tr / alpha  # positive: multiplying by it keeps the order
    printed = (E - w**2 / alpha) - 2 ** (1 / l) * L / alpha * lam * tr
    return sp.simplify(factor * (left - right) - printed) == 0, "(44) times 2 tr/α is (46)"


def _order():
    """(48) ⇔ (14), for β on both sides of 1/2 and every order up to 199, and at infinity."""
    for beta in (Fraction(k, 40) for k in range(1, 40)):
        for order in range(1, 200, 2):
            # 2^{(l-1)/l} > 2β, as integers: 2^{l-1} > (2β)^l.
            above = Fraction(2) ** (order - 1) > (2 * beta) ** order
            if above != (order > conversion.order_bound(float(beta))):
                return False, f"they differ at β = {beta}, l = {order}"
    return True, "2^{l-1} > (2β)^l exactly for the odd l above the bound"


def _equality():
    """Whether (13) with equality, β = 1, leaves a finite order."""
    exponent_below_one = sp.simplify(1 - (l - 1) / l).is_positive
    return not exponent_below_one, "2^{(l-1)/l} < 2 for every l, so that β = 1 has no order"


def _noiseless():
    """(13) and (14) at w = 0 have no noise term left."""
    side = L / alpha * lam * tr + w**2 / alpha
    beta = L * tr * lam / (alpha * E - w**2)
    zero = (side.subs(w, 0), beta.subs(w, 0))
    return zero == (
        L * lam * tr / alpha,
        L * tr * lam / (alpha * E),
    ), "‖M*-XX^T‖² ≥ (L/α) λ_r tr M*"


def _far():
    """The right side of (13) grows with the norm of the noise, everything else fixed."""
    side = L / alpha * lam * tr + w**2 / alpha
    return sp.diff(side, w).is_positive, "its derivative is 2 ‖w‖ / α"


def _trace():
    """The lifted objective and its start know nothing of the truth, so nothing of its trace."""
    known = mc.instances.bernoulli(4, 0.7, seed=1)
    blind = mc.Problem(known.rows, known.cols, known.values, known.shape, symmetric=True)
    a, b = (mc.lifting.LiftedObjective(p) for p in (known, blind))
    start = a.initial(0.1, seed=2)
    same = np.array_equal(start, b.initial(0.1, seed=2))
    return same and np.array_equal(
        a.gradient(start), b.gradient(start)
    ), "same gradient without truth"


def _kappa():
    """t(κ, l) of (26) decreases in κ."""
    kappa, share, gain = sp.symbols("kappa share gain", positive=True)
    t = sp.log(1 / (kappa * share**l)) / gain
    return sp.diff(t, kappa).is_negative, "its derivative is -1/(κ ln ratio)"


STEPS = {
    "sufficient": _sufficient,
    "order": _order,
    "equality": _equality,
    "noiseless": _noiseless,
    "far": _far,
    "trace": _trace,
    "kappa": _kappa,
}


def _holds(table: pd.DataFrame, step: str) -> bool:
    return bool(table.set_index("step").loc[step, "holds"])


def sufficient_condition(table: pd.DataFrame) -> bool:
    """(44) and (45) together are (46)."""
    return _holds(table, "sufficient")


def order_is_sufficient(table: pd.DataFrame) -> bool:
    """Exactly the odd orders above (14) satisfy (48)."""
    return _holds(table, "order")


def equality_has_an_order(table: pd.DataFrame) -> bool:
    """(13) with equality leaves a finite order."""
    return _holds(table, "equality")


def noiseless_form(table: pd.DataFrame) -> bool:
    """Without noise (13), (14) lose their noise terms."""
    return _holds(table, "noiseless")


def noise_moves_the_threshold(table: pd.DataFrame) -> bool:
    """(13) asks for more when the noise is larger."""
    return _holds(table, "far")


def trace_is_not_used(table: pd.DataFrame) -> bool:
    """Solving the lifted problem needs no trace of the truth."""
    return _holds(table, "trace")


def time_grows(table: pd.DataFrame) -> bool:
    """t(κ, l) grows as κ falls."""
    return _holds(table, "kappa")


_ALL = Sweep({"step": list(STEPS)})

PROTOCOL = Protocol(trial=trial, exact=True, profiles={"smoke": _ALL, "quick": _ALL, "paper": _ALL})
