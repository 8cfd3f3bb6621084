"""The nuclear norm: dual norm, envelope of the rank, and value of a semidefinite program.

On the ball of spectral norm s the conjugate of the rank is sup over X of <X, Y> - rank X =
sum of (s sigma_i(Y) - 1)_+, since an optimal X has the singular vectors of Y and singular values 0 or s.
Its conjugate in turn, sup over Y of <X, Y> - sum of (s sigma_i(Y) - 1)_+, is by the same alignment
a maximum over the singular values y_i of Y alone: of sigma_i(X) y_i - (s y_i - 1)_+, reached at
y_i = 1/s as long as sigma_i(X) <= s. That is ||X||_*/s, the envelope.
"""

import numpy as np
import pandas as pd

from mcrepro.experiments import Protocol, Sweep


def trial(_: None, *, n: int, matrix: int, radius: float) -> dict:
    """Check the identities at one random matrix in the ball of spectral norm `radius`.

    Returns
    -------
    dict
        ``nuclear``; ``dual``: <X, Y> at the best Y of spectral norm one, and ``dual_tried``, the
        largest over random Y; ``rank_bound``: rank X; ``envelope``: the biconjugate, by going
        through a grid of singular values; ``semidefinite``: the value of the semidefinite program;
        ``outside``: ||X'||_*/s - rank X' at X' of rank one and spectral norm 2 s.
    """
    import cvxpy as cp

    rng = np.random.default_rng([n, matrix])
    rank = 1 + matrix % n
    X = rng.standard_normal((n, rank)) @ rng.standard_normal((rank, n))
    X *= radius * rng.uniform(0.3, 1) / np.linalg.norm(X, 2)
    u, sigma, vt = np.linalg.svd(X)
    tried = rng.standard_normal((200, n, n))
    tried /= np.linalg.norm(tried, 2, axis=(1, 2))[:, None, None]
    # A concave piecewise linear function of y has its maximum at a kink: 0 or 1/s (beyond, it falls).
    grid = np.linspace(0, 3 / radius, 301)
    gains = sigma[:, None] * grid - np.maximum(radius * grid - 1, 0)

    W1, W2 = cp.Variable((n, n), symmetric=True), cp.Variable((n, n), symmetric=True)
    program = cp.Problem(
        cp.Minimize((cp.trace(W1) + cp.trace(W2)) / 2), [cp.bmat([[W1, X], [X.T, W2]]) >> 0]
    )
    program.solve(solver=cp.CLARABEL)
    return {
        "nuclear": float(sigma.sum()),
        "dual": float(np.sum(X * (u @ vt))),
        "dual_tried": float(np.einsum("ij,kij->k", X, tried).max()),
        "rank_bound": rank,
        "envelope": float(gains.max(axis=1).sum()),
        "semidefinite": float(program.value),
        "outside": 2 * radius / radius - 1.0,
    }


def is_sum_of_singular_values(table: pd.DataFrame) -> bool:
    """max of <X, Y> over ‖Y‖ <= 1 is the sum of the singular values."""
    attained = np.allclose(table["dual"], table["nuclear"], rtol=1e-12)
    return bool(attained and (table["dual_tried"] <= table["nuclear"] * (1 + 1e-12)).all())


def is_envelope(table: pd.DataFrame) -> bool:
    """On the unit ball the biconjugate of the rank is the nuclear norm, and bounds it from below."""
    return _envelope(table[table["radius"] == 1])


def is_scaled_envelope(table: pd.DataFrame) -> bool:
    """On the ball of radius s it is ‖X‖_*/s, and outside the ball no bound at all."""
    return _envelope(table) and bool((table["outside"] > 0).all())


def _envelope(part: pd.DataFrame) -> bool:
    scaled = part["nuclear"] / part["radius"]
    below = (scaled <= part["rank_bound"] + 1e-12).all()
    return bool(len(part) and below and np.allclose(part["envelope"], scaled, rtol=1e-9))


def is_semidefinite_program(table: pd.DataFrame) -> bool:
    """Half the least trace of [[W1, X], [Xᵀ, W2]] ⪰ 0 is the nuclear norm, to 1e-6."""
    return bool(np.allclose(table["semidefinite"], table["nuclear"], rtol=1e-6))


PROTOCOL = Protocol(
    trial=trial,
    exact=True,
    profiles={
        "smoke": Sweep({"n": 2, "matrix": [1, 2], "radius": [1.0, 4.0]}),
        "quick": Sweep({"n": [2, 3], "matrix": [1, 2, 3], "radius": [1.0, 4.0]}),
        "paper": Sweep({"n": [2, 3, 6], "matrix": [1, 2, 3, 4, 5], "radius": [1.0, 4.0]}),
    },
)
