"""Value, gradient, curvature and lines of the lifted objective, on arrays.

See ``mcrepro.lifting.objective`` for the notation. Everything here has an axis of trials in front,
and the columns of W as its last axis.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from mcrepro.lifting._kronecker import apply_power
from mcrepro.lifting._pairs import Pairs


@dataclass(slots=True)
class Point:
    """Tensors and what was measured at them, one row a trial.

    Attributes
    ----------
    W, gradient : ndarray, shape (trials, r**l, n**l)
        The columns of W as the last axis, and the gradient in the same arrangement.
    value : ndarray, shape (trials,)
    Qp : ndarray, shape (trials, pairs, n**l)
        ``Q p_CC'`` for all pairs of columns C <= C'.
    HW : ndarray, shape (trials, r**l, n**l)
    """

    W: np.ndarray
    value: np.ndarray
    gradient: np.ndarray
    Qp: np.ndarray
    HW: np.ndarray

    def take(self, index) -> Point:
        """The trials `index`."""
        return Point(*(getattr(self, field.name)[index] for field in fields(self)))


@dataclass(slots=True)
class Line:
    """h along ``W + t D``: a quartic in t for every trial.

    Attributes
    ----------
    coefficients : ndarray, shape (trials, 5)
        Lowest power first. The differences ``h(t) - h(0)`` that they give do not cancel.
    """

    algebra: Algebra
    start: Point
    D: np.ndarray
    Qb: np.ndarray
    Qc: np.ndarray
    HD: np.ndarray
    coefficients: np.ndarray

    def at(self, t) -> Point:
        """The point at parameters t, shape (trials,), without a further product with Q or H."""
        t = t[:, None, None]
        Qp = t * self.Qc
        Qp += self.Qb
        Qp *= t
        Qp += self.start.Qp
        start = self.start
        return self.algebra.point(start.W + t * self.D, Qp, start.HW + t * self.HD)


class Algebra:
    """h for one D and one B.

    Parameters
    ----------
    weights, data : ndarray, shape (n, n)
        D and B.
    order, rank : int
    factor : float
    """

    def __init__(self, weights, data, order, rank, factor):
        self.order = order
        self.factor = factor
        self.pairs = Pairs(rank**order)
        K, G = weights**2, weights * data
        # Kronecker powers commute with transposition, so a symmetric mask has Q = K, H = G.
        self._Q = (K,) if np.array_equal(K, K.T) else (K, K.T)
        self._H = (G,) if np.array_equal(G, G.T) else (G, G.T)
        self._constant = np.linalg.norm(data) ** (2 * order)
        #: ``h(0)``
        self.value_at_zero = factor * self._constant
        #: ``4 factor ||H||``, the largest curvature at 0 in absolute value (an upper bound if H != G)
        self.curvature_at_zero = 4 * factor * np.linalg.norm(G, 2) ** order

    def measure(self, W):
        """The point at W."""
        return self.point(W, self.Q(self.pairs.products(W, W)), self.H(W))

    def point(self, W, Qp, HW):
        """The point at W, given its products with Q and H."""
        gradient = self.pairs.spread(Qp, W)
        value = self.factor * (dot(W, gradient) - 2 * dot(W, HW) + self._constant)
        gradient -= HW
        gradient *= 4 * self.factor
        return Point(W, value, gradient, Qp, HW)

    def line(self, point, D):
        """h along D from a point."""
        pairs = self.pairs
        # W + t D has the products p + t b + t^2 c.
        b, c = pairs.products(point.W, D), pairs.products(D, D)
        b *= 2
        Qb, Qc, HD = self.Q(b), self.Q(c), self.H(D)
        bend = pairs.inner(b, Qb) + 2 * pairs.inner(c, point.Qp) - 2 * dot(D, HD)
        coefficients = [
            point.value,
            dot(point.gradient, D),
            self.factor * bend,
            self.factor * 2 * pairs.inner(c, Qb),
            self.factor * pairs.inner(c, Qc),
        ]
        return Line(self, point, D, Qb, Qc, HD, np.stack(coefficients, axis=1))

    def curve(self, point, D):
        """The second derivative at a point, applied to D."""
        pairs = self.pairs
        Qb = self.Q(2 * pairs.products(point.W, D))
        out = pairs.spread(point.Qp, D) + pairs.spread(Qb, point.W) - self.H(D)
        return 4 * self.factor * out

    def optimality(self, point):
        """``LiftedObjective.gradient_norm`` at a point, shape (trials,)."""
        size = norm(point.gradient)
        # The value is a difference of numbers as large as ||B||^{2l}: below its rounding it is not
        # known, and could be negative.
        floor = np.finfo(float).eps * self._constant
        residual = np.sqrt(np.maximum(point.value / self.factor, floor))
        scale = 2 * self.factor * residual * norm(point.W)
        return np.divide(size, scale, out=np.zeros(len(size)), where=size > 0)

    def Q(self, p):
        """Q times the last axis of p."""
        return self._symmetric_part(self._Q, p)

    def H(self, W):
        """H times the last axis of W."""
        return self._symmetric_part(self._H, W)

    def _symmetric_part(self, matrices, T):
        out = apply_power(matrices[0], T, self.order)
        if len(matrices) == 2:
            out += apply_power(matrices[1], T, self.order)
            out /= 2
        return out


def dot(U, V):
    """Inner product of every trial, shape (trials,)."""
    return np.vecdot(U.reshape(len(U), -1), V.reshape(len(V), -1))


def norm(U):
    """Euclidean norm of every trial, shape (trials,)."""
    return np.sqrt(dot(U, U))
