"""Two different matrices that show the same entries and have nearly the same T.

The rows of M = U Vᵀ are V u_k with u_k ~ N(0, I_r). Row k shows the coordinates S_k. Split
u_k = a + b with b in the null space of V_{S_k}: replacing u_k by a - b changes nothing that is
seen. Because a and b are independent and centred, UᵀU/n keeps its expectation, so that T moves by
O(n^{-1/2}) only, while M moves by a fixed fraction of its norm. Both matrices have rank r; no
method can tell them apart from the data.
"""

import numpy as np

from mcrepro.experiments import Protocol, Sweep

from ._shared import bernoulli_mask


def trial(seed: np.random.SeedSequence, *, n: int, d: int, rank: int, C: float) -> dict:
    """Build the pair of matrices and measure how far apart they are.

    Returns
    -------
    dict
        ``seen_change``: largest change of an observed entry; ``matrix_change`` and
        ``moment_change``: relative Frobenius distances of the two M and of the two T;
        ``undetermined_rows``: fraction of rows with fewer than r independent observations;
        ``empty_rows``: fraction of rows with none.
    """
    rng = np.random.default_rng(seed)
    right = rng.standard_normal((d, rank)) / np.sqrt(d)
    left = rng.standard_normal((n, rank))
    mask = bernoulli_mask(n, d, C / d, rng)
    twin, kept = mirror(left, right, mask)
    rows, cols = mask.nonzero()
    difference = np.einsum("kr,kr->k", (twin - left)[rows], right[cols])
    gram = right.T @ right
    moment, other = left.T @ left / n, twin.T @ twin / n
    return {
        "seen_change": float(np.abs(difference).max(initial=0.0)),
        "matrix_change": float(_norm(twin - left, gram) / _norm(left, gram)),
        "moment_change": float(
            np.linalg.norm(right @ (other - moment) @ right.T)
            / np.linalg.norm(right @ moment @ right.T)
        ),
        "undetermined_rows": float(np.mean(kept < rank)),
        "empty_rows": float(np.mean(kept == 0)),
    }


def mirror(left, right, mask):
    """Reflect each row's unseen part: u = a + b becomes a - b.

    Parameters
    ----------
    left, right : ndarray of shape (n, r) and (d, r)
        M = left @ right.T.
    mask : sparse array of shape (n, d)
        Ones where M is observed.

    Returns
    -------
    twin : ndarray of shape (n, r)
    kept : ndarray of shape (n,)
        How many dimensions of each row's factor the observations determine.
    """
    rank = right.shape[1]
    outer = (right[:, :, None] * right[:, None, :]).reshape(len(right), rank * rank)
    gram = (mask @ outer).reshape(-1, rank, rank)  # V_SᵀV_S for every row at once
    values, vectors = np.linalg.eigh(gram)
    determined = values > 1e-10 * np.maximum(values[:, -1:], 1e-300)
    determined &= values > 0
    coordinates = np.einsum("kij,ki->kj", vectors, left)
    twin = np.einsum("kij,kj->ki", vectors, np.where(determined, coordinates, -coordinates))
    return twin, determined.sum(axis=1)


def _norm(factor: np.ndarray, gram: np.ndarray) -> float:
    """Frobenius norm of factor @ Vᵀ, from VᵀV alone."""
    return float(np.sqrt(np.einsum("ki,ij,kj->", factor, gram, factor)))


_SHAPE = {"d": 200, "rank": 3, "C": 2.0}

PROTOCOL = Protocol(
    trial=trial,
    seed=2601,
    profiles={
        "smoke": Sweep({"n": [200, 800], "d": 50, "rank": 3, "C": 2.0}, trials=1),
        "quick": Sweep({"n": [500, 2000, 8000, 32000], **_SHAPE}, trials=20),
        "paper": Sweep({"n": [500, 2000, 8000, 32000], **_SHAPE}, trials=20),
    },
)
