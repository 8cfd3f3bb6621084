"""Gauss-Newton matrix recovery: replace U V^T by its linearization, solve, repeat.

Step
    ``min over U~, V~ of ||P_Omega(U V~^T + U~ V^T) - P_Omega(M + alpha U V^T)||``, the solution of
    least norm; then ``U <- (1 - alpha)/2 U + U~``, and V alike. "setting" is alpha = 1, "averaging"
    0, "updating" -1. With ``A = U~ - (1 + alpha)/2 U`` the right side becomes the residual
    ``P_Omega(M - U V^T)``, so the three differ only in which of the solutions
    ``(A + U G, B - V G^T)`` they take.
Output
    The best rank-r approximation of the rank-2r matrix ``U V+^T + U+ V^T - U V^T`` (the linearized
    point) with the smallest residual.
Deviations
    "damped", the default, is ours. Its start is the outcome of Gaussian belief propagation, which
    near the information limit comes close to the truth where spectral starts, and least squares at
    increasing ranks, lead to spurious minima. Belief propagation sees the core only: rows and
    columns with no more than `rank` entries are peeled off first and fitted in the end. Then steps
    minimise ``||P_Omega(U B^T + A V^T) - e||^2 + mu ||(A, B)||^2``, e the residual, for balanced
    factors, ``U^T U = V^T V``, with mu adapted as by Marquardt. Should they stall, belief
    propagation is run again from random factors, at another temperature and damping; the smallest
    residual on the observed entries wins. The published variants start from the leading singular
    triples of the zero-filled data; with ``least_squares="lsqr"`` they solve as the published code
    does, without elimination.
References
    P. Zilber, B. Nadler, "GNMR: a provable one-line algorithm for low rank matrix recovery",
    SIAM Journal on Mathematics of Data Science 4, 2022.
    D. W. Marquardt, "An algorithm for least-squares estimation of nonlinear parameters", 1963.
    Of belief propagation: see `_belief_propagation`.
"""

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.linalg import svds

from mcrepro._checks import integer, one_of, real
from mcrepro.solvers._belief_propagation import sweeps
from mcrepro.solvers._least_squares import TangentLeastSquares
from mcrepro.solvers._loop import Iterate
from mcrepro.solvers._peeling import Core
from mcrepro.solvers._registry import method

_ALPHA = {"setting": 1, "averaging": 0, "updating": -1}
# (temperature, damping) of belief propagation, for one attempt after the other.
_ATTEMPTS = ((0.7, 0.3), (0.8, 0.5), (0.6, 0.5), (0.75, 0.6))
# Marquardt's steps end after this many that took less than a thousandth off the squared residual.
_STALLED = 12


@method(
    "gnmr",
    setting="rectangular (U V^T)",
    cost="O(m r) for each inner iteration; O(sum k_j^2 r^2 + n^3 r^3) direct, n = min(n1, n2)",
    source="Zilber and Nadler 2022, Algorithm 3 (matrix completion)",
    citation="P. Zilber and B. Nadler, GNMR: a provable one-line algorithm for low rank matrix "
    "recovery, SIAM J. Math. Data Sci. 4 (2022) 909-934",
)
def gnmr(
    problem,
    rank,
    rng,
    loop,
    *,
    variant="damped",
    least_squares="auto",
    inner_iter=2000,
    start=None,
    restarts=3,
    identifiability=False,
    max_iter=1000,
    rtol=1e-13,
    gtol=1e-9,
):
    """Complete by Gauss-Newton steps.

    Parameters
    ----------
    problem : Problem
        Shape (n1, n2).
    rank : int
    variant : {"damped", "setting", "averaging", "updating"}
        The last three are the paper's.
    least_squares : {"auto", "direct", "cg", "lsqr"}
        Eliminate the longer factor and factorize or iterate, or LSQR on the whole. The published
        runs have variant="setting", least_squares="lsqr", inner_iter=2000, max_iter=100.
    inner_iter : int, default 2000
        Most inner iterations a step.
    start : (array_like, array_like), optional
        Factors of shapes (n1, k) and (n2, k). The paper's variants need k = rank; for "damped" k
        may be less, and what is missing is taken from the residual.
    restarts : int, default 3
        Further attempts of "damped" after one that stalled, at most 5.
    identifiability : bool, default False
        Add "sigma_min" to the certificate: the smallest singular value of ``xi -> P_Omega(xi) /
        sqrt(density)`` over tangent directions at the answer, up to a factor of order one. At 0 the
        data leave the completion open even where they fit exactly. Dense: min(n1, n2) r unknowns.
    max_iter : int, default 1000
        Steps and sweeps that lowered the residual, over all attempts.
    rtol : float, default 1e-13
        On ``||residual|| / ||data||``.
    gtol : float, default 1e-9
        On ``||grad|| / (||residual|| ||(U, V)||_F)``; not measured in belief propagation.
    """
    one_of("variant", variant, ("damped", *_ALPHA))
    one_of("least_squares", least_squares, ("auto", "direct", "cg", "lsqr"))
    inner_iter, max_iter = integer("inner_iter", inner_iter, 1), integer("max_iter", max_iter, 0)
    if not isinstance(identifiability, bool):
        raise TypeError(f"identifiability must be True or False, got {identifiability!r}")
    restarts = integer("restarts", restarts, 0, len(_ATTEMPTS) - 1)
    rtol, gtol = real("rtol", rtol, 0), real("gtol", gtol, 0)
    run = _Run(problem, rank, rng, TangentLeastSquares(problem, least_squares, inner_iter), rtol)
    if start is not None:
        start = _given(start, problem, rank, exact=variant != "damped")
    if variant == "damped":
        points = run.damped(start, restarts)
    else:
        points = run.published(start, _ALPHA[variant])
    outcome = loop(
        _best_last(points, max_iter),
        max_iter=max_iter,
        rtol=rtol,
        gtol=gtol,
        patience=max_iter + 1,
    )
    if identifiability:
        point = outcome.iterate
        sigma = run.system.smallest_singular_value(point.left, point.right)
        outcome.certificate["sigma_min"] = sigma
    return outcome


class _Run:
    """What all variants share: data, residual, measurement."""

    def __init__(self, problem, rank, rng, system, rtol):
        self.problem, self.rank, self.system, self.rtol = problem, rank, system, rtol
        self.rng, self.v0 = rng, rng.standard_normal(min(problem.shape))
        self.b = problem.values.astype(np.float64)
        self.size = np.linalg.norm(self.b) or 1.0

    def residual(self, U, V):
        return self.b - self.system.entries(U, V)

    def iterate(self, U, V, e, final=True):
        gradient = None
        if final:
            A, B = self.system.adjoint(U, V, e)
            size = np.hypot(np.linalg.norm(A), np.linalg.norm(B))
            scale = np.linalg.norm(e) * np.hypot(np.linalg.norm(U), np.linalg.norm(V))
            gradient = size / scale if size else 0.0
        return Iterate(
            U,
            V,
            0.5 * np.dot(e, e),
            residual=np.linalg.norm(e) / self.size,
            gradient_norm=gradient,
            inner=self.system.inner,
        )

    def leading(self, e, k):
        """Leading k singular triples of the matrix with the values e on Omega."""
        p = self.problem
        E = csr_array((e, (p.rows, p.cols)), shape=p.shape)
        if k < min(p.shape):
            u, s, vt = svds(E, k, v0=self.v0)
        else:
            u, s, vt = np.linalg.svd(E.toarray(), full_matrices=False)
        order = np.argsort(-s)
        return u[:, order], s[order], vt[order].T

    def published(self, start, alpha):
        """The paper's iteration, each point beside its linearized output."""
        U, V = start or self.leading(self.b, self.rank)[::2]
        yield self.iterate(U, V, self.residual(U, V))
        c, f = (1 + alpha) / 2, 1.0
        while True:
            # M + alpha U V^T on Omega; the tolerance follows the residual once that is below 1e-5.
            rhs = self.b + alpha * self.system.entries(U, V)
            tol = min(1e-15, f**2) if f < 1e-5 else 1e-15
            U_, V_ = self.system.least_norm(U, V, rhs, tol)
            U_next, V_next = (1 - c) * U + U_, (1 - c) * V + V_
            # U V+^T + U+ V^T - U V^T as a product of two factors with 2r columns.
            X, Y = _truncate(np.hstack([U, U_next]), np.hstack([V_next - V, V]), self.rank)
            e = self.residual(X, Y)
            f = float(np.linalg.norm(e) / self.size)
            yield self.iterate(X, Y, e)
            U, V = U_next, V_next

    def damped(self, start, restarts):
        """Marquardt's steps from `start`; if there is none, or they stall, from beliefs."""
        if start is not None:
            U, V = start
            if U.shape[1] < self.rank:
                u, s, v = self.leading(self.residual(U, V), self.rank - U.shape[1])
                U, V = np.hstack([U, u * np.sqrt(s)]), np.hstack([V, v * np.sqrt(s)])
            yield from self._marquardt(U, V)
        for attempt in range(restarts + 1):
            U, V = yield from self._propagate(attempt)
            yield from self._marquardt(U, V)

    def _propagate(self, attempt):
        """Belief propagation on the core; returns its best factors with the peeled rows fitted."""
        U, V = (np.zeros((n, self.rank)) for n in self.problem.shape)
        yield self.iterate(U, V, self.b, final=False)
        core = Core(self.problem, self.rank)
        best, options = np.inf, _ATTEMPTS[attempt]
        for X, Y, f in sweeps(*core.entries(self.b), self.rank, self.rng, *options, attempt == 0):
            if f < best:
                best, U, V = f, *core.embed(X, Y)
                yield self.iterate(U, V, self.residual(U, V), final=False)
        return core.extend(U, V, self.b)

    def _marquardt(self, U, V):
        """Damped steps, balanced after each, until they bring no more."""
        e = self.residual(U, V)
        yield self.iterate(U, V, e)
        U, V = _truncate(U, V, self.rank)
        scale = np.linalg.norm(U, 2) ** 2 or 1.0
        mu, ceiling, idle = max(0.01 * np.dot(e, e) / self.size**2, 1e-12) * scale, 1e4 * scale, 0
        while idle < _STALLED:
            now = np.dot(e, e)
            f = np.sqrt(now) / self.size
            # Accurate enough for quadratic convergence, but not beyond rtol.
            tol = min(0.1, max(f, 0.01 * self.rtol / f))
            try:
                A, B = self.system.damped(U, V, e, mu, tol)
            except np.linalg.LinAlgError:  # mu is below the rounding errors of a singular system.
                mu *= 5
                continue
            model = e - self.system.entries(U, B) - self.system.entries(A, V)
            e_new = model - self.system.entries(A, B)
            linear, new = np.dot(model, model), np.dot(e_new, e_new)
            if not new < now:
                mu *= 5
                if mu > ceiling:
                    break
                continue
            gain = (now - new) / (now - linear) if linear < now else 1.0
            mu = mu / 8 if gain > 0.75 else 3 * mu if gain < 0.25 else mu
            U, V = _truncate(U + A, V + B, self.rank)
            e = self.residual(U, V)
            yield self.iterate(U, V, e)
            idle = idle + 1 if now - new < 1e-3 * now else 0


def _best_last(points, max_iter):
    """Pass points on; should the last not be the best, end with the best."""
    best = None
    for n, point in enumerate(points):
        if best is None or not best.objective <= point.objective:
            best = point
        if n >= max_iter:
            point = best
        yield point
    if best is not point:
        yield best


def _truncate(U, V, rank):
    """Balanced factors of the best rank-`rank` approximation of U V^T."""
    Q_u, R_u = np.linalg.qr(U)
    Q_v, R_v = np.linalg.qr(V)
    a, s, bt = np.linalg.svd(R_u @ R_v.T)
    root = np.sqrt(s[:rank])
    return Q_u @ (a[:, :rank] * root), Q_v @ (bt[:rank].T * root)


def _given(start, problem, rank, exact):
    if not isinstance(start, tuple | list) or len(start) != 2:
        raise TypeError(
            f"start must be a pair (left, right) of factors, got {type(start).__name__}"
        )
    U, V = (np.array(factor, dtype=np.float64) for factor in start)
    k = U.shape[1] if U.ndim == 2 else -1
    if U.shape != (problem.shape[0], k) or V.shape != (problem.shape[1], k) or k > rank:
        raise ValueError(
            f"start must have shapes ({problem.shape[0]}, k) and ({problem.shape[1]}, k) with k at "
            f"most rank={rank}, got {U.shape} and {V.shape}"
        )
    if exact and k != rank:
        raise ValueError(f"start must have rank={rank} columns for this variant, got {k}")
    if not (np.isfinite(U).all() and np.isfinite(V).all()):
        raise ValueError("start must be finite")
    return U, V
