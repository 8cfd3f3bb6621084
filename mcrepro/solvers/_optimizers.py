"""First-order optimizers of a `FactoredLoss`, each a generator of measured points.

An optimizer yields ``(W, value, gradient, residual)``, all at W, and steps when it is resumed. One
that ends has no step left to take. ``OPTIMIZERS`` is all that a method needs to know of them.
"""

from __future__ import annotations

import numpy as np

# Sufficient decrease (Armijo): a step must win this share of what the slope promises.
_ARMIJO = 1e-4
_HALVINGS = 60
# Exact minimisation along the gradient makes steepest descent zigzag between two directions. Stopping
# a little short breaks that (M. Raydan, B. F. Svaiter, "Relaxed steepest descent and
# Cauchy-Barzilai-Borwein method", Computational Optimization and Applications 21, 2002).
_RELAXATION = 0.9


def gradient_descent(loss, W, *, step):
    """``W <- W - t grad f(W)``.

    Parameters
    ----------
    loss : FactoredLoss
    W : ndarray, shape (n, k)
        Start.
    step : "safe" or float
        "safe": along the ray f is a quartic, up to the penalty. Nine tenths of the way to its first
        local minimiser are tried, and halved until the objective has decreased by at least 1e-4 of
        what the slope promises: no step increases f. A number: that t at every step, whatever
        becomes of f.
    """
    point = (W, *loss.measure(W))
    while point is not None:
        yield point
        if step == "safe":
            point = _safe_step(loss, *point)
        else:
            W, _, gradient, _ = point
            W = W - step * gradient
            point = (W, *loss.measure(W))


def _safe_step(loss, W, _value, gradient, r):
    """The next measured point, with sufficient decrease; None where rounding leaves none."""
    slope = np.vdot(gradient, gradient)
    if slope == 0:
        return None
    quartic = loss.along(W, -gradient, r)
    t = _RELAXATION * _first_minimiser(loss, W, gradient, quartic)
    for _ in range(_HALVINGS):
        trial = W - t * gradient
        # Near a minimum f(trial) - f(W) drowns in rounding; without its constant the quartic does not.
        change = t * np.polyval(quartic[:0:-1], t) + loss.penalty.change(W, -t * gradient)
        if change <= -_ARMIJO * t * slope:
            return trial, *loss.measure(trial)
        t /= 2
    return None


def _first_minimiser(loss, W, gradient, c):
    """First t > 0 at which f stops to decrease along -gradient.

    The squared error, the quartic with coefficients `c`, is followed exactly, a penalty to second
    order.
    """
    slope = np.vdot(gradient, gradient)
    bend = np.vdot(gradient, loss.penalty.hessian_product(W, gradient))
    derivative = np.array([4 * c[4], 3 * c[3], 2 * c[2] + bend, -slope])
    roots = np.roots(derivative / np.abs(derivative).max())
    real = roots.real[np.abs(roots.imag) <= 1e-8 * np.abs(roots)]
    positive = real[real > 0]
    # The derivative is negative at 0 and tends to +inf, unless f is linear along the ray.
    return positive.min() if positive.size else 1 / np.sqrt(slope)


OPTIMIZERS = {"gd": gradient_descent}
