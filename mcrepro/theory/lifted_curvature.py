r"""Curvature of the lifted objective at a rank-one point, along a rank-one direction.

At ``w = vec(X)^{⊗l}`` and ``Δ = vec(U)^{⊗l}`` every tensor of the ε-MC paper's condition (23b) is an l-th
power, so that its left side is a sum of powers of five numbers:

    curvature = 2 a^l - 2 b^l + P^l + Q^l + 2 R^l,

    a = <A(X X^T), A(U U^T)>,      b = <b̃, A(U U^T)>,
    P = ||A(X U^T)||^2,            Q = ||A(U X^T)||^2,            R = <A(X U^T), A(U X^T)>.

It is the second derivative of ``1/2 ||A^{⊗l}(...) - b̃^{⊗l}||^2`` along Δ; order 1 is condition (38). Where X
is stationary and ``U = u q^T`` as in Theorem 3.1, ``b - a = G``.

Symmetric sensing matrices have P = Q = R, and the paper's proof writes C_2 for all three. The entries
E_ij of eq. (5) have P = Q for a symmetric mask, but another R. Replacing them by ``(E_ij + E_ji) / 2``
changes nothing in (1) or (38), where only the sum matters; in the lifted problem it replaces
``P^l + Q^l + 2 R^l`` by ``4 C^l`` with C their mean, which is smaller.
"""

from __future__ import annotations

from functools import reduce
from typing import NamedTuple

import numpy as np

from mcrepro._checks import integer
from mcrepro.theory.factored_sensing import apply

# A larger array than this is refused by `lifted_hessian`.
_LARGEST = 2**28


class Terms(NamedTuple):
    """The five numbers; see the module."""

    a: float
    b: float
    P: float
    Q: float
    R: float

    def curvature(self, order: int) -> float:
        """Left side of (23b) for an odd order."""
        a, b, P, Q, R = (v**order for v in self)
        return 2 * (a - b + R) + P + Q

    def proof_bound(self, order: int) -> float:
        """``-2 (b - a)^l + 4 P^l``, which eq. (43) puts above the curvature when P = Q = R."""
        return -2 * (self.b - self.a) ** order + 4 * self.P**order

    def smallest_order(self) -> float:
        """The smallest odd order with negative curvature; infinite where there is none.

        Orders up to 999 are tried. Above, the power of the largest number decides: none is negative
        unless b or -a exceeds P and Q, and then the sign is bisected, as if it changed once, which it
        does where a and R are not negative.
        """
        top = max(abs(v) for v in self)
        if top == 0:
            return np.inf
        scaled = Terms(*(v / top for v in self))
        for order in range(1, 1000, 2):
            if scaled.curvature(order) < -1e-15:
                return order
        if max(self.b, -self.a) <= max(self.P, self.Q):
            return np.inf
        low, high = 499, 1000  # halves of the orders: 2 k + 1
        while scaled.curvature(2 * high + 1) >= 0:
            low, high = high, 2 * high
            if high > 2**50:  # closer to a tie than floating point can tell
                return np.inf
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if scaled.curvature(2 * middle + 1) < 0 else (middle, high)
        return 2 * high + 1


def terms(A, b, X, U) -> Terms:
    """The five numbers for sensing matrices A, shape (m, n, n), data b, and X, U of shape (n, r)."""
    AUU, AXU, AUX = apply(A, U @ U.T), apply(A, X @ U.T), apply(A, U @ X.T)
    return Terms(
        float(apply(A, X @ X.T) @ AUU),
        float(b @ AUU),
        float(AXU @ AXU),
        float(AUX @ AUX),
        float(AXU @ AUX),
    )


def lifted_value(A, b, w, rank: int = 1) -> float:
    """``1/2 ||A^{⊗l}(W W^T) - b^{⊗l}||^2`` by the definition; see `lifted_hessian`."""
    s = _residual(*_lifted(A, b, w, rank))
    return float(s @ s) / 2


def lifted_gradient(A, b, w, rank: int = 1) -> np.ndarray:
    """Its gradient, of the shape of w."""
    Al, bl, W = _lifted(A, b, w, rank)
    s = _residual(Al, bl, W)
    N = np.tensordot(s, Al, axes=1)
    return _tensor((N + N.T) @ W, w.shape, rank)


def lifted_hessian(A, b, w, rank: int = 1) -> np.ndarray:
    """Its second derivative, shape (N, N) with ``N = (n r)^l``, for any sensing matrices.

    Parameters
    ----------
    A : ndarray, shape (m, n, n)
    b : ndarray, shape (m,)
    w : ndarray, shape (n * rank,) * l
        Every mode is a vec(X): columns stacked.
    rank : int, default 1

    Raises
    ------
    ValueError
        Where m^l n^{2l} numbers take more than 2 GiB: this is the definition, and only for checks.
    """
    Al, bl, W = _lifted(A, b, w, rank)
    s = _residual(Al, bl, W)
    N = np.tensordot(s, Al, axes=1)
    columns = np.stack([_columns(e, rank) for e in np.eye(w.size).reshape(-1, *w.shape)])
    J = np.einsum("kij,ic,pjc->kp", Al + Al.swapaxes(1, 2), W, columns, optimize=True)
    bend = np.einsum("pic,ij,qjc->pq", columns, N + N.T, columns, optimize=True)
    return bend + J.T @ J


def _lifted(A, b, w, rank):
    w = np.asarray(w)
    integer("rank", rank, 1)
    order = w.ndim
    if A.size**order > _LARGEST:
        raise ValueError(
            f"the dense form of order {order} needs {8 * A.size**order / 2**30:.3g} GiB for sensing "
            f"matrices of shape {A.shape}, more than the {8 * _LARGEST / 2**30:.3g} GiB allowed"
        )
    Al = reduce(_kron, [A] * order)
    return Al, reduce(np.kron, [np.asarray(b)] * order), _columns(w, rank)


def _residual(Al, bl, W):
    return np.tensordot(Al, W @ W.T, axes=([1, 2], [0, 1])) - bl


def _kron(A, B):
    """Of two families of matrices: every pair of members, in the order of np.kron."""
    both = np.einsum("kij,lmn->klimjn", A, B)
    k, l, i, m, j, n = both.shape
    return both.reshape(k * l, i * m, j * n)


def _columns(w, rank):
    """P(w): rows collect the first parts of the modes, columns the second ones."""
    order = w.ndim
    n = w.shape[0] // rank
    split = w.reshape((rank, n) * order)
    rows, cols = range(1, 2 * order, 2), range(0, 2 * order, 2)
    return split.transpose(*rows, *cols).reshape(n**order, rank**order)


def _tensor(W, shape, rank):
    """Inverse of `_columns`."""
    order, n = len(shape), shape[0] // rank
    split = W.reshape((n,) * order + (rank,) * order)
    return split.transpose(*(a for k in range(order) for a in (order + k, k))).reshape(shape)
