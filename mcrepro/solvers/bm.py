"""Burer-Monteiro: minimise the squared error on the observed entries over the factors themselves.

Problem
    ``min f(W) = 1/2 sum over Omega of ((U V^T)_ij - M_ij)^2 + penalty``, over U and V, or
    ``U = V = X`` for a symmetric problem (then ``X X^T`` is positive semidefinite, whatever the
    data are). There is no 1/p and no 1/m in front, as in eqs. (1.1) and (1.2) of the landscape
    paper; `weight` is measured against that.
Optimality
    ``grad f = 0``; at a minimiser also ``hess f`` positive semidefinite, which ``hessian=True``
    puts into the certificate. ``U V^T`` fixes the factors up to an invertible matrix (an orthogonal
    one for ``X X^T``), so a minimiser's Hessian has zero eigenvalues.
Deviations
    No term ``||U^T U - V^T V||^2`` is added: along gradient flow that difference does not change,
    and both starts make it small.
References
    S. Burer, R. D. C. Monteiro, "A nonlinear programming algorithm for solving semidefinite
    programs via low-rank factorization", Mathematical Programming 95, 2003.
    R. Ge, J. D. Lee, T. Ma, "Matrix completion has no spurious local minimum", NeurIPS 2016.
"""

import numpy as np
from scipy.sparse.linalg import LinearOperator, eigsh

from mcrepro._checks import integer, one_of, real
from mcrepro.solvers._factored import FactoredLoss, Ridge, RowNorm
from mcrepro.solvers._loop import Iterate
from mcrepro.solvers._optimizers import OPTIMIZERS
from mcrepro.solvers._registry import method


@method(
    "bm",
    setting="rectangular (U V^T), or symmetric positive semidefinite (X X^T)",
    cost="O(m r)",
    source="landscape, eqs. (1.1) and (1.2)",
    citation="S. Burer and R. D. C. Monteiro, A nonlinear programming algorithm for solving "
    "semidefinite programs via low-rank factorization, Math. Program. 95 (2003) 329-357",
)
def bm(
    problem,
    rank,
    rng,
    loop,
    *,
    optimizer="gd",
    step="safe",
    regularizer="none",
    weight=None,
    alpha=None,
    init="spectral",
    init_scale=None,
    start=None,
    hessian=False,
    max_iter=5000,
    rtol=1e-9,
    gtol=1e-8,
):
    """Complete by descent on the factors.

    Parameters
    ----------
    problem : Problem
        Shape (n1, n2).
    rank : int
        Columns of the factors; more than the rank of the truth is allowed.
    optimizer : {"gd"}
    step : "safe" or float
        "safe" never increases the objective; a positive number is used as it is, at every step, and
        ends in "diverged" where it is too long.
    regularizer : {"none", "ridge", "row_norm"}
        ``weight/2 (||U||_F^2 + ||V||_F^2)``, or ``weight * sum of (||row|| - alpha)_+^4`` over the
        rows of both factors. Over X alone for a symmetric problem.
    weight, alpha : float
        Positive; required by the regularizers that have them, refused by the others.
    init : {"spectral", "random"}
        Leading eigenpairs of the zero-filled data, rescaled by the observed share, with directions
        that the data do not show filled as by "random" at a hundredth of its scale; or independent
        normal entries.
    init_scale : float, optional
        Standard deviation of the random entries; by default such that the entries of the starting
        matrix have the root mean square of the observed ones.
    start : (array_like, array_like), optional
        Factors of shapes (n1, rank) and (n2, rank) to start from, in place of `init`. For a
        symmetric problem the two are equal.
    hessian : bool, default False
        Add "hessian_min" and "hessian_max", the extreme eigenvalues of the Hessian at the returned
        factors, to the certificate. By Lanczos; meant for small problems.
    max_iter : int, default 5000
    rtol : float, default 1e-9
        On ``||residual|| / ||data||``.
    gtol : float, default 1e-8
        On ``||grad f|| / (sqrt(2 f) ||W||_F)``, W both factors on top of each other.
    """
    one_of("optimizer", optimizer, OPTIMIZERS)
    if isinstance(step, str):
        one_of("step", step, ("safe",))
    else:
        step = real("step", step, 0, open_low=True)
    if not isinstance(hessian, bool):
        raise TypeError(f"hessian must be True or False, got {hessian!r}")
    max_iter = integer("max_iter", max_iter, 0)
    rtol, gtol = real("rtol", rtol, 0), real("gtol", gtol, 0)
    loss = FactoredLoss(problem, _penalty(regularizer, weight, alpha))
    if start is None:
        W = _initial(loss, rank, rng, init, init_scale)
    else:
        W = _given(start, problem, rank)

    points = OPTIMIZERS[optimizer](loss, W, step=step)
    outcome = loop(_iterates(loss, points), max_iter=max_iter, rtol=rtol, gtol=gtol)
    if hessian:
        outcome.certificate |= _hessian_extremes(loss, outcome.iterate, rng)
    return outcome


def _iterates(loss, points):
    for W, value, gradient, r in points:
        left, right = loss.factors(W)
        yield Iterate(
            left,
            right,
            objective=value,
            residual=np.linalg.norm(r) / loss.scale,
            gradient_norm=loss.optimality(value, gradient, W),
        )


def _penalty(regularizer, weight, alpha):
    one_of("regularizer", regularizer, ("none", "ridge", "row_norm"))
    wanted = {"none": (), "ridge": ("weight",), "row_norm": ("weight", "alpha")}[regularizer]
    given = {"weight": weight, "alpha": alpha}
    for name, value in given.items():
        if value is not None and name not in wanted:
            raise ValueError(f"{name}={value} has no meaning with regularizer={regularizer!r}")
        if name in wanted:
            if value is None:
                raise ValueError(f"regularizer={regularizer!r} needs {name}, a positive number")
            given[name] = real(name, value, 0, open_low=True)
    if regularizer == "none":
        return Ridge(0.0)
    if regularizer == "ridge":
        return Ridge(given["weight"])
    return RowNorm(given["weight"], given["alpha"])


def _given(start, problem, rank):
    if not isinstance(start, tuple | list) or len(start) != 2:
        raise TypeError(
            f"start must be a pair (left, right) of factors, got {type(start).__name__}"
        )
    left, right = (np.asarray(factor, dtype=np.float64) for factor in start)
    for name, factor, n in (("left", left, problem.shape[0]), ("right", right, problem.shape[1])):
        if factor.shape != (n, rank):
            raise ValueError(f"start: {name} must have shape {(n, rank)}, got {factor.shape}")
        if not np.isfinite(factor).all():
            raise ValueError(f"start: {name} must be finite")
    if not problem.symmetric:
        return np.vstack([left, right])
    if not np.array_equal(left, right):
        raise ValueError("start: left and right must be equal for a symmetric problem")
    return left.copy()


def _initial(loss, rank, rng, init, init_scale):
    one_of("init", init, ("spectral", "random"))
    if init_scale is None:
        typical = loss.scale / np.sqrt(len(loss.values))
        init_scale = np.sqrt(typical / np.sqrt(rank))
    else:
        init_scale = real("init_scale", init_scale, 0, open_low=True)
    noise = init_scale * rng.standard_normal((loss.n, rank))
    if init == "random":
        return noise
    W = _spectral(loss, rank, rng)
    missing = ~W.any(axis=0)
    W[:, missing] = 0.01 * noise[:, missing]
    return W


def _spectral(loss, rank, rng):
    """Leading part of the zero-filled data; a zero column for every eigenvalue that is not positive.

    A = S + S^T with S the data at (a, b). For independent observations with share p it is on
    average ``2 p M`` in the symmetric case and ``p [[0, M], [M^T, 0]]``, with eigenvalues p sigma
    and eigenvectors ``[u; v] / sqrt(2)``, in the rectangular one.
    """
    eigenvalues, Q = _leading(lambda X: loss.spread(loss.values, X), loss.n, rank, rng)
    factor = (0.5 if loss.problem.symmetric else 2.0) / loss.problem.density
    floor = 1e-12 * max(eigenvalues[0], 0.0)
    return Q * np.sqrt(np.where(eigenvalues > floor, factor * eigenvalues, 0.0))


def _leading(apply, n, rank, rng, sweeps=12):
    """The largest eigenvalues and their vectors of a symmetric operator, by subspace iteration.

    A start needs no more accuracy than that, and unlike ARPACK, which restarts from random vectors
    of its own, the outcome depends on `rng` alone. The block holds twice the rank because
    eigenvalues of both signs compete: the rectangular A has a -sigma for every sigma.
    """
    width = min(n, 2 * rank + 10)
    Q = np.linalg.qr(rng.standard_normal((n, width)))[0]
    for _ in range(sweeps):
        Q = np.linalg.qr(apply(Q))[0]
    eigenvalues, small = np.linalg.eigh(Q.T @ apply(Q))
    return eigenvalues[::-1][:rank], Q @ small[:, ::-1][:, :rank]


def _hessian_extremes(loss, iterate, rng):
    """Extreme eigenvalues of the Hessian of f at a point."""
    symmetric = loss.problem.symmetric
    W = iterate.left if symmetric else np.vstack([iterate.left, iterate.right])
    r, size = loss.residual(W), W.size

    def product(d):
        return loss.hessian_product(W, d.reshape(W.shape), r).ravel()

    if size <= 400:
        H = np.column_stack([product(e) for e in np.eye(size)])
        eigenvalues = np.linalg.eigvalsh((H + H.T) / 2)
        return {"hessian_min": float(eigenvalues[0]), "hessian_max": float(eigenvalues[-1])}
    H = LinearOperator((size, size), matvec=product, dtype=np.float64)
    v0 = rng.standard_normal(size)
    top = float(eigsh(H, 1, which="LA", v0=v0, tol=1e-6, return_eigenvectors=False)[0])
    # The gauge makes the low end a cluster of zeros, to which Lanczos cannot converge relatively;
    # shifted by the top it is an ordinary large eigenvalue.
    shift = max(top, 0.0)
    shifted = LinearOperator((size, size), matvec=lambda d: shift * d - product(d), dtype=float)
    low = float(eigsh(shifted, 1, which="LA", v0=v0, tol=1e-10, return_eigenvectors=False)[0])
    return {"hessian_min": shift - low, "hessian_max": top}
