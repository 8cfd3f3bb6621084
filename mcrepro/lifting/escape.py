"""Leaving a second-order point of ε-MC through tensors of two terms.

Problem
    X is a point where descent on ``||D ∘ (XX^T) - B||^2`` ends. Theorem 3.1 of the ε-MC paper looks
    for a matrix U such that the lifted objective h falls from ``vec(X)^{⊗l}`` along
    ``vec(U)^{⊗l}``. Here that is done without tensors: U minimises the ratio of
    ``FewTerms.escape_ratio``, the step is the exact minimiser of the quartic
    ``t -> h(vec(X)^{⊗l} + t vec(U)^{⊗l})``, h falls further by L-BFGS on both terms, and the matrix
    that the two stand for is a new start for descent on X.
Optimality
    A ratio below 1 proves that ``vec(X)^{⊗l}`` is a strict saddle. A ratio of at least 1 only says
    that none of the starts found a way down: the ratio is not convex.
Deviations
    The theorem's U is ``u q^T``, u the eigenvector of the lowest eigenvalue of the gradient and q
    the right singular vector of the smallest singular value of X (``direction="theorem"``).
References
    ε-MC paper ("noise"), Theorem 3.1 and Section 5.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from scipy.optimize import minimize
from scipy.sparse.linalg import LinearOperator, eigsh

from mcrepro._checks import generator, integer, one_of
from mcrepro._factors import entries

# By how much h / h(0) has to fall to count: this share of it, and more than its rounding errors.
_SHARE, _ROUNDING = 1e-9, 1e-13
# What L-BFGS is told where a function is not finite; its line search then takes a shorter step.
_TURN_BACK = 1e10


@dataclass(frozen=True, eq=False)
class Escape:
    """What an attempt to leave a point came to.

    Attributes
    ----------
    ratio : float
        ``FewTerms.escape_ratio`` at `direction`; below 1 the point is a strict saddle of h.
    direction : ndarray, shape (n, r)
        U, of norm 1.
    step : float
        t, which may be negative.
    values : (float, float, float)
        h / h(0) at the point, after the step, and after descent on two terms.
    X : ndarray, shape (n, r), or None
        Where to go on; None if the step did not lead down.
    n_ratio, n_gradient : int
        Evaluations of the ratio and of h, with their gradients.
    """

    ratio: float
    direction: np.ndarray
    step: float
    values: tuple[float, float, float]
    X: np.ndarray | None
    n_ratio: int
    n_gradient: int


def escape(terms, X, *, direction="best", starts=3, seed=0, max_iter=200):
    """Try to leave X downwards.

    Parameters
    ----------
    terms : FewTerms
        Its order is that of the lifting.
    X : array_like, shape (n, r)
        A stationary point of ε-MC. At any other the ratio does not decide.
    direction : {"best", "theorem"}
        U of the smallest ratio found, or that of Theorem 3.1.
    starts : int, default 3
        Random starts of the search for the best U.
    seed : int, SeedSequence or Generator, default 0
    max_iter : int, default 200
        Of the descent on two terms; the search for U takes at most 100 steps a start.

    Returns
    -------
    Escape
    """
    one_of("direction", direction, ("best", "theorem"))
    max_iter = integer("max_iter", max_iter, 0)
    X = np.asarray(X, dtype=np.float64)
    n_ratio = n_gradient = 0
    if direction == "best":
        U, ratio, n_ratio = best_direction(terms, X, starts=starts, seed=seed)
    else:
        U = theorem_direction(terms, X, seed=seed)
        ratio = terms.escape_ratio(X, U)[0]
    quartic = terms.line(X[None], U[None])
    step = lowest_point(quartic)
    begin, along = quartic[0], np.polyval(quartic[::-1], step)
    if not along < begin - max(_SHARE * begin, _ROUNDING):
        return Escape(ratio, U, step, (float(begin),) * 3, None, n_ratio, n_gradient)
    pair = np.stack([X, np.sign(step) * np.abs(step) ** (1 / terms.order) * U])
    pair, end, n_gradient = descend(terms, pair, max_iter=max_iter)
    values = (float(begin), float(along), end)
    return Escape(ratio, U, step, values, terms.extract(pair), n_ratio, n_gradient)


def best_direction(terms, X, *, starts=3, seed=0, max_iter=100):
    """U of the smallest ratio found, from random starts by L-BFGS.

    Returns
    -------
    U : ndarray, shape (n, r)
        Of norm 1.
    ratio : float
    n_ratio : int
        Evaluations.
    """
    starts, rng = integer("starts", starts, 1), generator(seed)
    X = np.asarray(X, dtype=np.float64)

    def ratio(u):
        value, gradient = terms.escape_ratio(X, u.reshape(X.shape))
        # Infinite where <B, UU^T> <= 0.
        return (value, gradient.ravel()) if np.isfinite(value) else (_TURN_BACK, np.zeros(u.size))

    U, lowest, count = X, np.inf, 0
    for _ in range(starts):
        u = _usable_start(terms, X, rng)
        found = minimize(ratio, u, jac=True, method="L-BFGS-B", options={"maxiter": max_iter})
        count += found.nfev
        if found.fun < lowest:
            U, lowest = found.x.reshape(X.shape), float(found.fun)
    return U / np.linalg.norm(U), lowest, count


def theorem_direction(terms, X, seed=0):
    """``u q^T`` of the proof of Theorem 3.1, shape (n, r), of norm 1."""
    X = np.asarray(X, dtype=np.float64)
    problem, n, weight = terms.problem, terms.n, terms.epsilon**2
    residual = (1 - weight) * entries(X, X, problem.rows, problem.cols) - problem.values
    A = sp.csr_array((residual, (problem.rows, problem.cols)), shape=(n, n))
    A = (A + A.T) / 2

    def gradient(v):
        return A @ v + weight * (X @ (X.T @ v))

    if n <= 64:
        u = np.linalg.eigh(gradient(np.eye(n)))[1][:, :1]
    else:
        operator = LinearOperator((n, n), matvec=gradient, dtype=np.float64)
        u = eigsh(operator, 1, which="SA", v0=generator(seed).standard_normal(n))[1]
    return u @ np.linalg.svd(X)[2][-1:]


def lowest_point(quartic):
    """The real t where a quartic, coefficients lowest power first, is smallest."""
    slope = np.asarray(quartic)[1:] * [1, 2, 3, 4]
    size = np.abs(slope).max()
    if size == 0:
        return 0.0
    roots = np.roots(slope[::-1] / size)
    real = roots.real[np.abs(roots.imag) <= 1e-8 * np.abs(roots)]
    candidates = np.append(real, 0.0)
    return float(candidates[np.polyval(quartic[::-1], candidates).argmin()])


def descend(terms, X, *, max_iter=200):
    """L-BFGS on the terms X, shape (k, n, r): the terms, h / h(0) there, and the evaluations."""
    X = np.asarray(X, dtype=np.float64)

    def function(x):
        # A first step may go so far that powers overflow.
        with np.errstate(over="ignore", invalid="ignore"):
            value, gradient = terms.value_and_gradient(x.reshape(X.shape))
        finite = np.isfinite(value) and np.isfinite(gradient).all()
        return (value, gradient.ravel()) if finite else (_TURN_BACK, np.zeros(x.size))

    options = {"maxiter": max_iter, "ftol": 1e-12, "gtol": 1e-9}
    found = minimize(function, X.ravel(), jac=True, method="L-BFGS-B", options=options)
    return found.x.reshape(X.shape), float(found.fun), found.nfev


def _usable_start(terms, X, rng):
    """A random direction, turned by two power steps towards <B, UU^T> > 0."""
    problem = terms.problem
    B = sp.csr_array((problem.values, (problem.rows, problem.cols)), shape=(terms.n, terms.n))
    U = rng.standard_normal(X.shape)
    for _ in range(2):
        U = (B + B.T) @ U
        U /= np.linalg.norm(U)
    return U.ravel()
