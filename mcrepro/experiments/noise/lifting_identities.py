"""The identities of Section 3 and Appendix C, in whole numbers.

Sensing matrices, data, X, U and tensors are random integers. Along ``w + t Δ`` the objective is a
quartic in t, so that five values give its coefficients without error; they are set beside what the
paper writes for them. `symmetric` says whether the sensing matrices are; twice their symmetric part
is taken, to stay with integers.
"""

from functools import reduce

import numpy as np
import pandas as pd

from mcrepro.experiments import Protocol, Sweep
from mcrepro.theory import factored_sensing as sensing
from mcrepro.theory import lifted_curvature as lifted


def trial(_: None, *, instance: int, rank: int, order: int, symmetric: bool) -> dict:
    """Check every identity on one instance with n = 2 and three sensing matrices.

    Returns
    -------
    dict
        A bool for each identity.
    """
    rng = np.random.default_rng([instance, rank, order])
    n, m = 2, 3

    def draw(*shape):
        return rng.integers(-2, 3, size=shape)

    A, b, X, U = draw(m, n, n), draw(m), draw(n, rank), draw(n, rank)
    A[0, 0, 1] += 5  # unsymmetric, and no matrix is zero
    if symmetric:
        A = A + A.swapaxes(1, 2)
    w, D = draw(*(n * rank,) * order), draw(*(n * rank,) * order)
    linear, square = _coefficients(lambda t: 2 * lifted.lifted_value(A, b, w + t * D, rank))
    N, W, V, cross = _parts_of_lemma(A, b, w, D, rank)
    AXX = sensing.apply(A, X @ X.T)
    powers = [int(AXX @ AXX), int(AXX @ b), int(b @ b)]
    p, c, s = (v**order for v in powers)
    quadratic = _coefficients(lambda t: 2 * sensing.value(A, b, X + t * U))[1]
    both = sensing.apply(A, X @ U.T + U @ X.T)
    one = sensing.apply(A, X @ U.T)
    condition = 2 * np.sum(sensing.gradient_matrix(A, b, X) * (U @ U.T)) + both @ both
    bend = lifted.lifted_hessian(A, b, _lift(X, order), rank)
    direction = _lift(U, order).ravel()
    return {
        "rank_one_value": 2 * lifted.lifted_value(A, b, _lift(X, order), rank) == p - 2 * c + s,
        "permutation": _permutation_holds(X),
        "first_order": linear == 2 * int(np.sum((N + N.T) @ W * V)),
        "second_order": square == 2 * int(np.sum(N * (V @ V.T))) + int(cross @ cross),
        "unlifted": bool(quadratic == condition),
        "four_times": int(both @ both) == 4 * int(one @ one),
        "power_formula": int(direction @ bend @ direction)
        == int(lifted.terms(A, b, X, U).curvature(order)),
        "same_modes": _lemma_c6(draw, same=True),
        "inner_modes": _lemma_c6(draw, same=False),
    }


def _lift(X, order):
    return reduce(np.multiply.outer, [X.T.ravel()] * order)


def _coefficients(h):
    """Coefficients of t and t² of a quartic, from its values at -2, ..., 2."""
    low2, low, mid, high, high2 = (h(t) for t in range(-2, 3))
    return (
        (8 * (high - low) - (high2 - low2)) / 12,
        (16 * (high + low) - (high2 + low2) - 30 * mid) / 24,
    )


def _parts_of_lemma(A, b, w, D, rank):
    """Of Lemma C.8: the gradient (24), P(w), P(Δ), and the image of their cross terms."""
    order = w.ndim

    def kron(B, C):
        out = np.einsum("kij,lmn->klimjn", B, C)
        return out.reshape(len(B) * len(C), B.shape[1] * C.shape[1], -1)

    def columns(t):
        axes = (*range(1, 2 * order, 2), *range(0, 2 * order, 2))
        n = A.shape[1]
        return t.reshape((rank, n) * order).transpose(axes).reshape(n**order, -1)

    Al, W, V = reduce(kron, [A] * order), columns(w), columns(D)
    back = np.tensordot(b, A, axes=1)  # A* b̃
    N = np.tensordot(sensing.apply(Al, W @ W.T), Al, axes=1) - reduce(np.kron, [back] * order)
    return N, W, V, sensing.apply(Al, W @ V.T + V @ W.T)


def _permutation_holds(X):
    """(22) for l = 3, with the tensor P filled in as the paper says."""
    n, r = X.shape
    P = np.zeros((n, r, n * r), dtype=int)
    for i in range(n):
        for c in range(r):
            P[i, c, c * n + i] = 1
    left = np.einsum("iax,jby,kcz,xyz->iajbkc", P, P, P, _lift(X, 3))
    return bool((left == np.einsum("ia,jb,kc->iajbkc", X, X, X)).all())


def _lemma_c6(draw, *, same):
    """Whether ⟨A⊗B, C⊗D⟩_{2,4} is AC⊗BD, contracting modes 2, 4 with 2, 4 or with 1, 3."""
    A, B, C, D = (draw(2, 2) + np.array([[0, 3], [0, 0]]) for _ in range(4))
    rule = "ij,kl,mj,pl->imkp" if same else "ij,kl,jm,lp->imkp"
    return bool((np.einsum(rule, A, B, C, D) == np.einsum("im,kp->imkp", A @ C, B @ D)).all())


def _all(table: pd.DataFrame, *columns: str, symmetric: bool | None = None) -> bool:
    part = table if symmetric is None else table[table["symmetric"] == symmetric]
    return not part.empty and bool(part[list(columns)].all(axis=None))


def rank_one_value(table: pd.DataFrame) -> bool:
    """(12) at ``vec(X)^{⊗l}`` is the squared distance of l-th powers."""
    return _all(table, "rank_one_value")


def permutation(table: pd.DataFrame) -> bool:
    """(22) holds."""
    return _all(table, "permutation")


def lemma_c6_same_modes(table: pd.DataFrame) -> bool:
    """Lemma C.6, contracting the modes of the same number as Definition C.5 says."""
    return _all(table, "same_modes", "permutation")


def lemma_c6_inner_modes(table: pd.DataFrame) -> bool:
    """Lemma C.6, contracting modes 2 and 4 with modes 1 and 3."""
    return _all(table, "inner_modes", "permutation")


def lemma_c8(table: pd.DataFrame) -> bool:
    """(23a) and (23b), with (24), are the coefficients of t and t² of (12)."""
    return _all(table, "first_order", "second_order")


def unlifted_conditions(table: pd.DataFrame) -> bool:
    """(38) is the second derivative of (1)."""
    return _all(table, "unlifted")


def four_times_symmetric(table: pd.DataFrame) -> bool:
    """``||A(XU^T + UX^T)||² = 4 ||A(XU^T)||²`` for symmetric sensing matrices."""
    return _all(table, "four_times", symmetric=True)


def four_times_any(table: pd.DataFrame) -> bool:
    """The same for sensing matrices as they come."""
    return _all(table, "four_times", symmetric=False)


def power_formula(table: pd.DataFrame) -> bool:
    """The left side of (23b) along a rank-one direction is the sum of five powers."""
    return _all(table, "power_formula")


_GRID = {"order": [1, 3], "symmetric": [True, False]}

PROTOCOL = Protocol(
    trial=trial,
    exact=True,
    profiles={
        "smoke": Sweep({"instance": [1], "rank": [1, 2], **_GRID}),
        "quick": Sweep({"instance": [1, 2, 3], "rank": [1, 2], **_GRID}),
        "paper": Sweep({"instance": list(range(1, 11)), "rank": [1, 2], **_GRID}),
    },
)
