"""Gauss-Newton on factors: what its variants share, and Marquardt's steps."""

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.linalg import svds

from mcrepro.solvers._given import pair
from mcrepro.solvers._loop import Iterate

# Marquardt's steps end after this many that took less than a hundredth off the squared residual
# and did not halve the gradient.
_STALLED = 12


class Run:
    """Data, residual and measurement."""

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


def marquardt(run, U, V, final=True):
    """Damped steps, balanced after each, until they bring no more."""
    e = run.residual(U, V)
    yield run.iterate(U, V, e, final)
    low = np.inf
    U, V = truncate(U, V, run.rank)
    scale = np.linalg.norm(U, 2) ** 2 or 1.0
    mu, ceiling, idle = max(0.01 * np.dot(e, e) / run.size**2, 1e-12) * scale, 1e4 * scale, 0
    while idle < _STALLED:
        now = np.dot(e, e)
        f = np.sqrt(now) / run.size
        # Accurate enough for quadratic convergence, but not beyond rtol.
        tol = min(0.1, max(f, 0.01 * run.rtol / f))
        try:
            A, B = run.system.damped(U, V, e, mu, tol)
        except np.linalg.LinAlgError:  # mu is below the rounding errors of a singular system.
            mu *= 5
            if mu > ceiling:
                break
            continue
        model = e - run.system.entries(U, B) - run.system.entries(A, V)
        e_new = model - run.system.entries(A, B)
        linear, new = np.dot(model, model), np.dot(e_new, e_new)
        if not new < now:
            mu *= 5
            if mu > ceiling:
                break
            continue
        gain = (now - new) / (now - linear) if linear < now else 1.0
        mu = mu / 8 if gain > 0.75 else 3 * mu if gain < 0.25 else mu
        U, V = truncate(U + A, V + B, run.rank)
        e = run.residual(U, V)
        point = run.iterate(U, V, e, final)
        yield point
        gradient = np.inf if point.gradient_norm is None else point.gradient_norm
        progress = now - new > 0.01 * now or gradient < 0.5 * low
        low, idle = min(low, gradient), 0 if progress else idle + 1


def best_last(points, max_iter):
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


def truncate(U, V, rank):
    """Balanced factors of the best rank-`rank` approximation of U V^T."""
    Q_u, R_u = np.linalg.qr(U)
    Q_v, R_v = np.linalg.qr(V)
    a, s, bt = np.linalg.svd(R_u @ R_v.T)
    root = np.sqrt(s[:rank])
    return Q_u @ (a[:, :rank] * root), Q_v @ (bt[:rank].T * root)


def given(start, problem, rank, exact):
    """Checked factors of at most `rank` columns, or of just as many."""
    U, V = pair(start, problem.shape, rank if exact else None)
    if U.shape[1] > rank:
        raise ValueError(f"start has {U.shape[1]} columns, more than rank={rank}")
    return U, V
