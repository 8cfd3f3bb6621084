"""The lifted objective as eq. (12) writes it, with every tensor formed: the reference for tests.

The residual has n^{2l} entries: 16.7 million for n = 16 and l = 3, 10^12 for n = 100.
"""

from __future__ import annotations

from functools import reduce

import numpy as np

_LARGEST = 2**31


def value(lifted, w):
    """h(w) of a ``LiftedObjective`` at one tensor w, by forming the residual."""
    W, D, B = _matrices(lifted, w)
    return float(lifted.factor * np.sum((D * (W @ W.T) - B) ** 2))


def gradient(lifted, w):
    """grad h(w), of the shape of w, by forming the residual."""
    W, D, B = _matrices(lifted, w)
    R = D * (D * (W @ W.T) - B)
    out = 2 * lifted.factor * (R @ W + R.T @ W)
    return lifted.tensor(out.T[None])[0]


def _matrices(lifted, w):
    """W, shape (n^l, r^l), and the Kronecker powers of D and B."""
    size = 8 * lifted.n ** (2 * lifted.order)
    if size > _LARGEST:
        raise ValueError(
            f"the dense form needs arrays of {size / 2**30:.3g} GiB for n={lifted.n} and order "
            f"{lifted.order}, more than the {_LARGEST / 2**30:.3g} GiB allowed"
        )
    W, single = lifted.columns(w)
    if not single:
        raise ValueError(f"w must have shape {lifted.shape}, got {np.shape(w)}")
    D, B = (reduce(np.kron, [A] * lifted.order) for A in (lifted.weights, lifted.data))
    return W[0].T, D, B
