"""Where the factored methods start: the spectrum of the data, or chance."""

from __future__ import annotations

import numpy as np

from mcrepro._checks import one_of, real


def initial(loss, rank, rng, init, init_scale):
    """W, shape (n, rank), for a `FactoredLoss`; `bm` documents the options."""
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
    eigenvalues, Q = leading_eigenpairs(lambda X: loss.spread(loss.values, X), loss.n, rank, rng)
    factor = (0.5 if loss.symmetric else 2.0) / loss.problem.density
    floor = 1e-12 * max(eigenvalues[0], 0.0)
    return Q * np.sqrt(np.where(eigenvalues > floor, factor * eigenvalues, 0.0))


def leading_eigenpairs(apply, n, rank, rng, sweeps=12):
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
