"""Least squares of every row of one factor against the other, compiled.

For row i with the entries j in its part of the pattern, targets y and weights s,

    minimise over p  1/2 sum s_j (<p, x_j> + c_j - y_j)^2 + ridge_i / 2 ||p||^2,  ||p|| <= radius,

where x_j is row j of the other factor. With biases the last coordinate of a row is its bias: the
row of the other factor then enters with x_j's last coordinate 1 and its own bias as c_j, else 0.
"""

import math

import numpy as np
from numba import njit

# Damping of the step, as a share of the Gram matrix: it keeps rows with fewer entries than unknowns
# solvable and, since it acts on the step, leaves the point where the gradient vanishes unchanged.
_DAMPING = 1e-13
_NEWTON = 50


@njit(cache=True, nogil=True, fastmath={"reassoc", "contract"})
def sweep(indptr, index, target, weights, P, Q, ridge, biased, radius):
    """Minimise over every row of P.

    Parameters
    ----------
    indptr, index : ndarray of int, shapes (n + 1,) and (m,)
        Row i has the entries ``index[indptr[i]:indptr[i + 1]]``.
    target : ndarray, shape (m,)
    weights : ndarray, shape (m,) or (0,)
        Empty for equal weights.
    P, Q : ndarray, shapes (n, k) and (n', k)
    ridge : ndarray, shape (n,)
    biased : bool
    radius : float
        Infinity for none.

    Returns
    -------
    new : ndarray, shape (n, k)
        The minimisers.
    gradient : ndarray, shape (n, k)
        At `P`, without the bound.
    fit, square : ndarray, shape (n,)
        Half the weighted and the whole unweighted sum of squared differences of each row, at `P`.
    """
    n, k = P.shape
    new, gradient = P.copy(), np.zeros((n, k))
    fit, square = np.zeros(n), np.zeros(n)
    gram, factor = np.empty((k, k)), np.empty((k, k))
    x, step = np.empty(k), np.empty(k)
    for i in range(n):
        gram[:] = 0.0
        for e in range(indptr[i], indptr[i + 1]):
            j = index[e]
            difference = -target[e]
            for a in range(k):
                x[a] = Q[j, a]
            if biased:
                difference += x[k - 1]
                x[k - 1] = 1.0
            for a in range(k):
                difference += P[i, a] * x[a]
            square[i] += difference * difference
            s = weights[e] if weights.size else 1.0
            fit[i] += 0.5 * s * difference * difference
            for a in range(k):
                sx = s * x[a]
                gradient[i, a] += sx * difference
                for b in range(a + 1):
                    gram[a, b] += sx * x[b]
        trace = 0.0
        for a in range(k):
            gradient[i, a] += ridge[i] * P[i, a]
            trace += gram[a, a]
        if trace + ridge[i] == 0.0:
            continue
        for a in range(k):
            gram[a, a] += ridge[i] + _DAMPING * trace
        # The step, not the minimiser, is solved for: its rounding shrinks with the gradient.
        _cholesky(gram, factor)
        _solve(factor, gradient[i], step)
        size = 0.0
        for a in range(k):
            new[i, a] = P[i, a] - step[a]
            size += new[i, a] ** 2
        if size > radius * radius:
            _bounded(gram, gradient[i], P[i], radius, new[i], factor)
    return new, gradient, fit, square


@njit(cache=True, nogil=True)
def _cholesky(gram, factor):
    k = len(gram)
    for a in range(k):
        for b in range(a + 1):
            t = gram[a, b]
            for c in range(b):
                t -= factor[a, c] * factor[b, c]
            # Rounding may leave a hair below zero where the damping is all there is.
            factor[a, b] = math.sqrt(max(t, 1e-300)) if a == b else t / factor[b, b]


@njit(cache=True, nogil=True)
def _forward(factor, right, out):
    for a in range(len(right)):
        t = right[a]
        for c in range(a):
            t -= factor[a, c] * out[c]
        out[a] = t / factor[a, a]


@njit(cache=True, nogil=True)
def _solve(factor, right, out):
    _forward(factor, right, out)
    for a in range(len(right) - 1, -1, -1):
        t = out[a]
        for c in range(a + 1, len(right)):
            t -= factor[c, a] * out[c]
        out[a] = t / factor[a, a]


@njit(cache=True, nogil=True)
def _bounded(gram, gradient, p, radius, new, factor):
    """The minimiser on the sphere, by Newton's method on ``1 / radius - 1 / ||new(shift)||``.

    J. J. Moré and D. C. Sorensen, "Computing a trust region step", SIAM J. Sci. Stat. Comput. 4,
    1983. From the left, where new is too long, it converges monotonically.
    """
    k = len(p)
    right, shifted, w = np.empty(k), np.empty((k, k)), np.empty(k)
    for a in range(k):
        right[a] = -gradient[a]
        for b in range(k):
            right[a] += (gram[a, b] if b <= a else gram[b, a]) * p[b]
    shift, norm = 0.0, 0.0
    for _ in range(_NEWTON):
        for a in range(k):
            for b in range(a + 1):
                shifted[a, b] = gram[a, b]
            shifted[a, a] += shift
        _cholesky(shifted, factor)
        _solve(factor, right, new)
        norm = math.sqrt(np.sum(new * new))
        if norm <= radius * (1 + 1e-14):
            break
        _forward(factor, new, w)
        shift += norm * norm / np.sum(w * w) * (norm - radius) / radius
    for a in range(k):
        new[a] *= radius / norm
