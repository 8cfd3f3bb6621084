"""The 2⁹ masks of a 3 × 3 matrix of ones, up to what the ε-MC problem (7) sees of them.

Only the shares S_ij (see `_surrogate`) matter, up to a permutation of the indices: 56 classes. Of
tied optima the one nearest to M* is kept, which is kind to Theorem 2.2.
"""

import functools
from itertools import permutations, product

import numpy as np

from mcrepro.theory import epsilon_mc as law

from ._surrogate import optima

N = 3
TIED = 1e-9  # values of f that differ by less are of one optimum


@functools.lru_cache(maxsize=4)
def classes(eps: float) -> list[dict]:
    """Return each class of masks with its optimum nearest to M*.

    Returns
    -------
    list of dict
        ``share`` (n, n); ``seen``; ``masks``: how many masks it stands for; ``value``: f(M†);
        ``error2``; ``d`` (n, n).
    """
    counts: dict[tuple[float, ...], int] = {}
    for bits in product((0, 1), repeat=N * N):
        mask = np.reshape(bits, (N, N))
        key = canonical((mask + mask.T) / 2)
        counts[key] = counts.get(key, 0) + 1
    shares = np.reshape(list(counts), (-1, N, N))
    truth = np.ones((N, N))
    values, products = optima(shares, truth, eps, 1, np.random.default_rng(2601))
    error2 = np.sum((products - truth) ** 2, axis=(2, 3))
    nearest = np.argmin(np.where(values <= values[:, :1] + TIED, error2, np.inf), axis=1)
    return [
        {
            "share": share,
            "seen": int(share.sum()),
            "masks": masks,
            "value": float(values[k, best]),
            "error2": float(error2[k, best]),
            "d": law.deviations(products[k, best], truth, eps),
        }
        for k, (share, masks, best) in enumerate(zip(shares, counts.values(), nearest, strict=True))
    ]


def canonical(share: np.ndarray) -> tuple[float, ...]:
    """Return the smallest of the matrices that differ by a permutation of the indices."""
    orders = (np.ix_(order, order) for order in permutations(range(len(share))))
    return min(tuple(share[order].ravel()) for order in orders)
