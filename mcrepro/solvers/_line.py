"""Line search for a `FactoredLoss`, which along a line is a quartic, up to the penalty."""

from __future__ import annotations

import numpy as np

# Sufficient decrease (Armijo): a step must win this share of what the slope promises.
_ARMIJO = 1e-4
_HALVINGS = 60


def change(loss, W, D, quartic, t):
    """``f(W + t D) - f(W)``; near a minimum the difference of the values drowns in rounding."""
    return t * np.polyval(quartic[:0:-1], t) + loss.penalty.change(W, t * D)


def descend(loss, point, D, *, relaxation=1.0, longest=np.inf):
    """The next measured point along a direction of descent; None where rounding leaves none.

    Parameters
    ----------
    loss : FactoredLoss
    point : tuple
        ``(W, value, gradient, residual)``.
    D : ndarray, shape (n, k)
        Its slope is negative, or zero with negative curvature.
    relaxation : float
        Share of the way to the first local minimiser that is tried first; halved until the
        objective has decreased by at least 1e-4 of what the slope promises.
    longest : float
        The largest step.
    """
    W, _, gradient, r = point
    slope = np.vdot(gradient, D)
    quartic = loss.along(W, D, r)
    t = min(relaxation * _first_minimiser(loss, W, D, slope, quartic), longest)
    for _ in range(_HALVINGS):
        won = change(loss, W, D, quartic, t)
        if won < 0 and won <= _ARMIJO * t * slope:
            trial = W + t * D
            return trial, *loss.measure(trial)
        t /= 2
    return None


def _first_minimiser(loss, W, D, slope, c):
    """First t > 0 at which f stops to decrease along D.

    The squared error, the quartic with coefficients `c`, is followed exactly, a penalty to second
    order.
    """
    bend = np.vdot(D, loss.penalty.hessian_product(W, D))
    derivative = np.array([4 * c[4], 3 * c[3], 2 * c[2] + bend, slope])
    largest = np.abs(derivative).max()
    roots = np.roots(derivative / largest) if largest else np.empty(0)
    real = roots.real[np.abs(roots.imag) <= 1e-8 * np.abs(roots)]
    positive = real[real > 0]
    # The derivative is negative at 0 and tends to +inf, unless f is linear along the line.
    return positive.min() if positive.size else 1 / (np.linalg.norm(D) or 1.0)
