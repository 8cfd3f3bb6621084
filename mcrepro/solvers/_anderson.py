"""Anderson's extrapolation of fixed-point iterations, compiled."""

from __future__ import annotations

import numpy as np
from numba import njit


class Anderson:
    """The extrapolation of a fixed-point map g from its last few points and values.

    Parameters
    ----------
    memory : int
        How many pairs (x, g(x)) are looked back on.
    """

    def __init__(self, memory: int):
        self.memory = memory
        self.forget()

    def forget(self) -> None:
        """Begin anew."""
        self.count = 0

    def __call__(self, x: np.ndarray, gx: np.ndarray) -> np.ndarray | None:
        """The affine combination of the values whose steps ``g(x) - x`` nearly cancel.

        None where there is no second pair to combine with.
        """
        if self.count == 0:
            self.steps = np.empty((self.memory + 1, x.size))
            self.values = np.empty_like(self.steps)
        last = self.count % (self.memory + 1)
        self.count += 1
        self.values[last] = gx.ravel()
        np.subtract(self.values[last], x.ravel(), out=self.steps[last])
        if self.count == 1:
            return None
        known = min(self.count, self.memory + 1)
        return _combined(self.steps[:known], self.values[:known], last).reshape(x.shape)


@njit(cache=True, nogil=True)
def _combined(steps, values, last):
    changes = steps - steps[last]
    gram = np.dot(changes, changes.T)
    # Damped, and so solvable, also in the row of the last pair, which is zero.
    damping = 1e-13 * np.trace(gram)
    for k in range(len(gram)):
        gram[k, k] += damping if damping > 0.0 else 1.0
    weights = -np.linalg.solve(gram, np.dot(changes, steps[last]))
    weights[last] = 1.0 - (np.sum(weights) - weights[last])
    return np.dot(weights, values)
