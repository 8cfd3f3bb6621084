"""Extreme eigenvalues of the Hessian of a `FactoredLoss`."""

from __future__ import annotations

import numpy as np
from scipy.sparse.linalg import LinearOperator, eigsh

_DENSE = 400


def lowest(loss, W, r, rng):
    """The lowest eigenvalue, its vector (of the shape of W) and the highest eigenvalue.

    Dense up to 400 unknowns, by Lanczos beyond; meant for small problems.
    """
    size = W.size

    def product(d):
        return loss.hessian_product(W, d.reshape(W.shape), r).ravel()

    if size <= _DENSE:
        H = np.column_stack([product(e) for e in np.eye(size)])
        eigenvalues, vectors = np.linalg.eigh((H + H.T) / 2)
        return float(eigenvalues[0]), vectors[:, 0].reshape(W.shape), float(eigenvalues[-1])
    H = LinearOperator((size, size), matvec=product, dtype=np.float64)
    v0 = rng.standard_normal(size)
    top = float(eigsh(H, 1, which="LA", v0=v0, tol=1e-6, return_eigenvectors=False)[0])
    # The gauge makes the low end a cluster of zeros, to which Lanczos cannot converge relatively;
    # shifted by the top it is an ordinary large eigenvalue.
    shift = max(top, 0.0)
    shifted = LinearOperator((size, size), matvec=lambda d: shift * d - product(d), dtype=float)
    low, vector = eigsh(shifted, 1, which="LA", v0=v0, tol=1e-10)
    return shift - float(low[0]), vector[:, 0].reshape(W.shape), top
