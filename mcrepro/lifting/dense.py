"""The lifted objective as eq. (12) writes it, with the whole residual formed: the reference.

The residual has n^{2l} entries: 16.8 million for n = 16 and l = 3, 10^12 for n = 100.
"""

from __future__ import annotations

from functools import reduce

import numpy as np

_LARGEST = 2**31


class DenseObjective:
    """Value and gradient of a ``LiftedObjective`` by the definition.

    Parameters
    ----------
    lifted : LiftedObjective
        Small: three arrays of ``n**(2 * order)`` numbers are needed.

    Raises
    ------
    ValueError
        If one of them takes more than 2 GiB.
    """

    def __init__(self, lifted):
        size = 8 * lifted.n ** (2 * lifted.order)
        if size > _LARGEST:
            raise ValueError(
                f"the dense form needs arrays of {size / 2**30:.3g} GiB for n={lifted.n} and order "
                f"{lifted.order}, more than the {_LARGEST / 2**30:.3g} GiB allowed"
            )
        self.lifted = lifted
        #: ``D^{⊗l}`` and ``B^{⊗l}``, shape (n**l, n**l)
        self.weights, self.data = (
            reduce(np.kron, [A] * lifted.order) for A in (lifted.weights, lifted.data)
        )

    def value(self, w):
        """h(w) at one tensor."""
        _, residual = self._residual(w)
        return float(self.lifted.factor * np.vdot(residual, residual))

    def gradient(self, w):
        """grad h(w) at one tensor, of its shape."""
        W, residual = self._residual(w)
        residual *= self.weights
        out = 2 * self.lifted.factor * (residual @ W + residual.T @ W)
        return self.lifted.tensor(out.T[None])[0]

    def _residual(self, w):
        """W, shape (n**l, r**l), and ``D^{⊗l} ∘ (W W^T) - B^{⊗l}``."""
        W, single = self.lifted.columns(w)
        if not single:
            raise ValueError(f"w must have shape {self.lifted.shape}, got {np.shape(w)}")
        W = W[0].T
        residual = W @ W.T
        residual *= self.weights
        residual -= self.data
        return W, residual
