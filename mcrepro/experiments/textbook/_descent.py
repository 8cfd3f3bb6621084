"""Gradient descent on the factors of many small matrices at once."""

from typing import NamedTuple

import numpy as np


class Ends(NamedTuple):
    """Where descent ended: X (b, n1, n2), relative residuals (b,) on seen entries, iterations (b,)."""

    X: np.ndarray
    residual: np.ndarray
    iterations: np.ndarray


def descend(M, seen, U, V, *, ridge=0.0, max_iter=2000, tol=1e-6, gtol=1e-5) -> Ends:
    """Minimize 1/2 ||seen (U V^T - M)||² + ridge σ_1/2 (||U||² + ||V||²), a batch of problems.

    Nesterov's momentum; a step that would raise the objective is not taken: momentum is dropped, and
    if there was none the step is halved. Otherwise it grows by a twentieth.

    Parameters
    ----------
    M, seen : (b, n1, n2) arrays
    U, V : (b, n1, r) and (b, n2, r) arrays
        Starts.
    ridge : float, default 0.0
        Relative to the spectral norm σ_1 of the seen entries.
    max_iter : int, default 2000
    tol : float, default 1e-6
        On the relative residual.
    gtol : float, default 1e-5
        On the norm of the gradient over sqrt(2 f) times that of the factors.
    """
    M = np.where(seen, M, 0.0)
    scale = np.linalg.norm(M, axis=(1, 2))
    ridges = ridge * np.linalg.norm(M, 2, axis=(1, 2)) if ridge else np.zeros(len(M))

    def residual(u, v, k):
        R = u @ v.transpose(0, 2, 1)
        R *= seen[k]
        R -= M[k]
        return R

    def value(R, u, v, k):
        return 0.5 * (_square(R) + ridges[k] * (_square(u) + _square(v)))

    U, V = U.copy(), V.copy()
    old_U, old_V = U.copy(), V.copy()
    everything = np.arange(len(M))
    R = residual(U, V, everything)
    f = value(R, U, V, everything)
    left = np.sqrt(_square(R)) / scale
    step, t = 0.5 / (_square(U) + _square(V) + scale), np.ones(len(M))
    iterations, active = np.zeros(len(M), int), np.ones(len(M), bool)
    for _ in range(max_iter):
        k = np.flatnonzero(active)
        if len(k) == 0:
            break
        ahead = (1 + np.sqrt(1 + 4 * t[k] ** 2)) / 2
        momentum = ((t[k] - 1) / ahead)[:, None, None]
        u, v = U[k] + momentum * (U[k] - old_U[k]), V[k] + momentum * (V[k] - old_V[k])
        R = residual(u, v, k)
        s, w = step[k][:, None, None], ridges[k][:, None, None]
        gu, gv = R @ v + w * u, R.transpose(0, 2, 1) @ u + w * v
        new_u, new_v = u - s * gu, v - s * gv
        R = residual(new_u, new_v, k)
        new = value(R, new_u, new_v, k)
        good = new <= f[k]
        g, bad = k[good], k[~good]
        old_U[g], old_V[g], U[g], V[g] = U[g], V[g], new_u[good], new_v[good]
        f[g], t[g], left[g] = new[good], ahead[good], np.sqrt(_square(R[good])) / scale[g]
        step[g] *= 1.05
        step[bad] *= np.where(t[bad] == 1, 0.5, 1.0)
        t[bad], old_U[bad], old_V[bad] = 1.0, U[bad], V[bad]
        iterations[k] += 1
        size = np.sqrt(2 * f[k] * (_square(U[k]) + _square(V[k])))
        active[k] = (left[k] > tol) & (np.sqrt(_square(gu) + _square(gv)) > gtol * size)
    return Ends(U @ V.transpose(0, 2, 1), left, iterations)


def random_start(rng, shape, rank, rms):
    """Return normal factors, (b, n1, rank) and (b, n2, rank), whose products have entries of size `rms`."""
    b, n1, n2 = shape
    spread = np.sqrt(rms / np.sqrt(rank))[:, None, None]
    return spread * rng.standard_normal((b, n1, rank)), spread * rng.standard_normal((b, n2, rank))


def spectral_start(M, seen, rank):
    """Return balanced factors of the leading part of the seen entries over their share."""
    share = seen.mean(axis=(1, 2))[:, None, None]
    u, s, vt = np.linalg.svd(np.where(seen, M, 0.0) / share, full_matrices=False)
    root = np.sqrt(s[:, None, :rank])
    return u[:, :, :rank] * root, vt[:, :rank].transpose(0, 2, 1) * root


def _square(A):
    return np.einsum("bij,bij->b", A, A)
