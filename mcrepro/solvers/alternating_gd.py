"""Alternating gradient descent: a step in U with V held, then one in V with U held.

Problem
    ``min f(U, V) = 1/2 sum over Omega of ((U V^T)_ij - M_ij)^2``, without a penalty.
Optimality
    ``grad f = 0``.
Deviations
    The baseline of the one-sided paper takes both gradients at one point and hands them to Adam
    with learning rate 0.1, for 200 epochs from a random start: ``step="adam", init="random",
    max_iter=200``. Its loss is divided by d^2, to which Adam's steps do not react (but for eps). Adam
    with a fixed rate ends in a cloud around the solution, so that is not the default. With one
    factor held f is quadratic, and the best step along a direction is known: the default takes it,
    along the gradient times ``(V^T V)^-1`` (of U), which undoes the condition of the other factor.
    No step increases f.
References
    J. Tanner, K. Wei, "Low rank matrix completion by alternating steepest descent methods", Applied
    and Computational Harmonic Analysis 40, 2016 (ASD, and scaled ASD).
    "One-sided matrix completion from ultra-sparse samples", arXiv 2601.12213 (baseline).
"""

import numpy as np

from mcrepro._checks import flag, integer, one_of, real
from mcrepro._factors import entries
from mcrepro.solvers import _start
from mcrepro.solvers._factored import FactoredLoss
from mcrepro.solvers._given import pair
from mcrepro.solvers._optimizers import adam
from mcrepro.solvers._registry import method

# Short of the minimum along the direction: exact steepest descent zigzags.
_RELAXATION = 0.9


@method(
    "alternating_gd",
    setting="rectangular",
    cost="O(m r + (n1 + n2) r^2)",
    source="hajek, baseline; Tanner and Wei 2016, Algorithm ScaledASD",
    citation="J. Tanner and K. Wei, Low rank matrix completion by alternating steepest descent "
    "methods, Appl. Comput. Harmon. Anal. 40 (2016) 417-429",
)
def alternating_gd(
    problem,
    rank,
    rng,
    loop,
    *,
    step="exact",
    scaled=True,
    lr=None,
    init="spectral",
    init_scale=None,
    start=None,
    max_iter=5000,
    rtol=1e-9,
    gtol=1e-8,
):
    """Complete by alternating gradient steps.

    Parameters
    ----------
    problem : Problem
        A symmetric one is solved like any other; the answer need not be symmetric.
    rank : int
        Columns of the factors.
    step : {"exact", "adam"}
        Nine tenths of the best step along each direction; or Adam on both factors.
    scaled : bool, default True
        Precondition the direction of one factor with the Gram matrix of the other; for "exact".
    lr : float, optional
        Learning rate of "adam", by default 0.1.
    init : {"spectral", "random"}
        As for "bm".
    init_scale : float, optional
        As for "bm".
    start : (array_like, array_like), optional
        Factors of shapes (n1, rank) and (n2, rank) to start from.
    max_iter : int, default 5000
        Steps in both factors.
    rtol : float, default 1e-9
        On ``||residual|| / ||data||``.
    gtol : float, default 1e-8
        On ``||grad f|| / (sqrt(2 f) ||(U, V)||)``.
    """
    one_of("step", step, ("exact", "adam"))
    flag("scaled", scaled)
    if lr is not None:
        if step != "adam":
            raise ValueError(f"lr={lr} has no meaning with step={step!r}")
        lr = real("lr", lr, 0, open_low=True)
    max_iter = integer("max_iter", max_iter, 0)
    rtol, gtol = real("rtol", rtol, 0), real("gtol", gtol, 0)
    # The factors are held, not stacked as one unknown: a symmetric problem is one with two factors.
    loss = FactoredLoss(problem, stacked=True)
    if start is None:
        W = _start.initial(loss, rank, rng, init, init_scale)
    else:
        W = np.vstack(pair(start, problem.shape, rank))
    if step == "adam":
        points = adam(loss, W, rng, gtol, lr=0.1 if lr is None else lr)
    else:
        points = _exact(loss, W, problem.shape[0], scaled)
    iterates = (loss.iterate(point) for point in points)
    return loop(iterates, max_iter=max_iter, rtol=rtol, gtol=gtol)


def _exact(loss, W, n1, scaled):
    rows, cols = slice(0, n1), slice(n1, None)
    while True:
        value, gradient, r = loss.measure(W)
        yield W, value, gradient, r
        if not gradient.any():
            return
        W = W.copy()
        _step(loss, W, rows, cols, gradient[rows], r, scaled)
        r = loss.residual(W)
        _step(loss, W, cols, rows, loss.spread(r, W)[cols], r, scaled)


def _step(loss, W, moved, held, gradient, r, scaled):
    """Move one block of W, in place, along the (scaled) gradient."""
    D = np.zeros_like(W)
    D[moved] = gradient
    if scaled:
        gram = W[held].T @ W[held]
        # A direction that the other factor lacks has no gradient either.
        D[moved] = gradient @ np.linalg.pinv(gram, rcond=1e-14, hermitian=True)
    change = entries(W, D, loss.a, loss.b) + entries(D, W, loss.a, loss.b)
    bend = np.dot(change, change)
    if bend > 0:
        W -= _RELAXATION * np.dot(r, change) / bend * D
