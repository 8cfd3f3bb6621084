"""First-order optimizers of a `FactoredLoss`, each a generator of measured points.

An optimizer yields ``(W, value, gradient, residual)``, all at W, and steps when it is resumed. One
that ends has no step left to take. ``OPTIMIZERS`` is all that a method needs to know of them.
"""

from __future__ import annotations

import numpy as np

# Sufficient decrease (Armijo): a step must win this share of what the slope promises.
_ARMIJO = 1e-4
_HALVINGS = 60


def gradient_descent(loss, W, *, step):
    """``W <- W - t grad f(W)``.

    Parameters
    ----------
    loss : FactoredLoss
    W : ndarray, shape (n, k)
        Start.
    step : "safe" or float
        "safe": along the ray f is a quartic, up to the penalty. Its first local minimiser is tried,
        and halved until the objective has decreased by at least 1e-4 of what the slope promises: no
        step increases f. A number: that t at every step, whatever becomes of f.
    """
    value, gradient, r = loss.measure(W)
    while True:
        yield W, value, gradient, r
        if step == "safe":
            t = _safe_step(loss, W, value, gradient, r)
            if t is None:
                return
        else:
            t = step
        W = W - t * gradient
        value, gradient, r = loss.measure(W)


def _safe_step(loss, W, value, gradient, r):
    """A step that decreases f sufficiently, or None if rounding leaves none."""
    slope = np.vdot(gradient, gradient)
    if slope == 0:
        return None
    t = _first_minimiser(loss, W, gradient, r)
    for _ in range(_HALVINGS):
        if loss.value(W - t * gradient) <= value - _ARMIJO * t * slope:
            return t
        t /= 2
    return None


def _first_minimiser(loss, W, gradient, r):
    """First t > 0 at which the smooth part of f stops to decrease along -gradient."""
    c = loss.along(W, -gradient, r)
    slope = -np.vdot(gradient, gradient)
    # The slope at 0 is that of the whole f; a penalty bends the curve as it does at W.
    bend = np.vdot(gradient, loss.penalty.hessian_product(W, gradient))
    cubic = np.array([4 * c[4], 3 * c[3], 2 * c[2] + bend, slope])
    cubic /= np.abs(cubic).max()
    roots = np.roots(cubic)
    positive = roots.real[(np.abs(roots.imag) <= 1e-8 * np.abs(roots)) & (roots.real > 0)]
    return positive.min() if positive.size else 1.0 / np.sqrt(-slope)


OPTIMIZERS = {"gd": gradient_descent}
