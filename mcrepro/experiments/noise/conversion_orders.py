"""The order that turns a wrong sign pattern of the structured instance into a saddle.

On eq. (20) with `even_value` δ at even indices, one flipped sign among the odd ones is a spurious
second-order point of ε-MC until δ is large. The trial starts there, and asks four questions: which
order the paper's (17) wants, which the theorem of `mcrepro.theory.conversion` wants, from which order on a
rank-one direction escapes, and what the smallest curvature over all tensors is at low orders.
"""

import numpy as np
import pandas as pd

import mcrepro as mc
from mcrepro.experiments import Protocol, Sweep
from mcrepro.experiments.statistics import Estimate, exact
from mcrepro.theory import conversion, lifted_curvature
from mcrepro.theory import factored_sensing as sensing

from ._points import second_order_points


def trial(_: None, *, n: int, even_value: float, epsilon: float, dense: int) -> dict:
    """Examine the pattern with the first sign flipped.

    Parameters
    ----------
    dense : int
        Largest order whose smallest curvature over all tensors is computed.

    Returns
    -------
    dict
        ``spurious``: a second-order point with the flipped sign exists; ``error``: ``||E||``; ``share``: 1/β of
        (17); ``sign_order``, ``sign_first``: the order of the sign theorem, and the smallest at which its
        direction escapes; ``order``, ``order_symmetrized``: the smallest of any rank-one direction; ``truth_order``: the same at
        the fit with the right signs; ``proof_order``: for symmetrized matrices and the
        direction of the proof; ``curvature_l``: smallest over all tensors, for l = 1, 3, 5.
    """
    problem = mc.instances.structured(n, even_value)
    lifted = mc.lifting.LiftedObjective(problem, order=1, epsilon=epsilon)
    D, B = lifted.weights, lifted.data
    A, b = sensing.entry_operator(D), B.ravel()
    z = np.where(np.arange(n) % 2 == 0, 1.0, even_value)
    flipped = z.copy()
    flipped[0] = -1
    found = {}
    for name, start in (("truth", z), ("flipped", flipped)):
        points = second_order_points(A, b, 1, start[None, :, None])
        x = points[0][:, 0] if points else np.full(n, np.nan)
        found[name] = x * np.sign(x[-1 - (n + 1) % 2])  # the sign of the last odd index
    x = found["flipped"]
    spurious = bool(x[0] < 0)
    row = {"spurious": spurious, "truth_order": conversion.escape_order(D, B, found["truth"])}
    if not spurious:
        return row
    M, X = np.outer(z, z), x[:, None]
    E2, unseen = np.sum((M - X @ X.T) ** 2), np.sum((M * (D < 1)) ** 2)
    U, _ = sensing.proof_direction(A, b, X)
    row |= {
        "error": np.sqrt(E2),
        "share": epsilon**2 * (E2 - unseen) / (x @ x * np.trace(M)),
        "survival": float(np.linalg.eigvalsh(conversion.survival_matrix(D, B, x))[0]),
        "sign_order": conversion.smallest_odd_above(conversion.sign_order_bound(D, B, x)),
        "sign_first": conversion.entry_terms(D, B, x, np.abs(x) * np.sign(z)).smallest_order()
        if even_value
        else np.inf,
        "order": conversion.escape_order(D, B, x),
        "order_symmetrized": conversion.escape_order(D, B, x, symmetric=True),
        "proof_order": lifted_curvature.terms(sensing.symmetrized(A), b, X, U).smallest_order(),
    }
    for order in range(1, dense + 1, 2):
        row[f"curvature_{order}"] = _smallest_curvature(problem, order, epsilon, X)
    return row


def _smallest_curvature(problem, order, epsilon, X) -> float:
    """Smallest eigenvalue of the second derivative at the lift of X."""
    from scipy.sparse.linalg import LinearOperator, eigsh

    lifted = mc.lifting.LiftedObjective(problem, order=order, epsilon=epsilon)
    w = lifted.lift(X)
    if w.size <= 64:
        H = [lifted.hessian_product(w, e.reshape(w.shape)).ravel() for e in np.eye(w.size)]
        return float(np.linalg.eigvalsh(np.array(H))[0])
    operator = LinearOperator(
        (w.size, w.size),
        matvec=lambda d: lifted.hessian_product(w, d.reshape(w.shape)).ravel(),
        dtype=float,
    )
    v0 = np.random.default_rng(0).standard_normal(w.size)
    return float(eigsh(operator, 1, which="SA", v0=v0, tol=1e-6, return_eigenvectors=False)[0])


def _spurious(table):
    return table[table["spurious"]]


def finite_orders(table: pd.DataFrame) -> Estimate:
    """Largest 1/β of (17) at the spurious points: above 1 the paper names an order."""
    return exact(_spurious(table)["share"].max())


def sign_theorem(table: pd.DataFrame) -> bool:
    """Where δ is not 0, wrong patterns are converted, by the theorem's order where x has no zero.

    And no order converts the point with the right signs.
    """
    part = _spurious(table[table["even_value"] > 0])
    named = part[part["sign_order"] < np.inf]
    enough = (named["sign_first"] <= named["sign_order"]).all()
    converted = (part["survival"] < 0).all()
    return bool(len(named) and enough and converted and np.isinf(table["truth_order"]).all())


def tie(table: pd.DataFrame) -> bool:
    """With zeros at even indices no order converts a wrong pattern along any direction searched."""
    part = _spurious(table[table["even_value"] == 0])
    return bool(len(part) and np.isinf(part["order"]).all() and (part["survival"] > -1e-9).all())


_DELTAS = [0.0, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35]

PROTOCOL = Protocol(
    trial=trial,
    exact=True,
    profiles={
        "smoke": Sweep({"n": 5, "even_value": [0.0, 0.3], "epsilon": 5e-5, "dense": 3}),
        "quick": Sweep({"n": 6, "even_value": _DELTAS, "epsilon": 5e-5, "dense": 5}),
        "paper": Sweep(
            {
                "n": [4, 6, 8],
                "even_value": [0.0, 0.05, *_DELTAS[1:], 0.4],
                "epsilon": 5e-5,
                "dense": 5,
            }
        ),
    },
)
