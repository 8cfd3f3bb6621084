"""Anderson's extrapolation of a fixed-point map."""

from __future__ import annotations

import numpy as np


class Anderson:
    """The affine combination of the last values g(x) whose steps ``g(x) - x`` nearly cancel.

    Parameters
    ----------
    memory : int
        Pairs (x, g(x)) that are looked back on, beside the last.
    """

    def __init__(self, memory):
        self.memory = memory
        self.forget()

    def forget(self):
        """Begin anew."""
        self.steps, self.values = [], []

    def __call__(self, x, gx):
        """The next x; None where there is no second pair to combine with."""
        self.steps = [*self.steps, (gx - x).ravel()][-self.memory - 1 :]
        self.values = [*self.values, gx.ravel()][-self.memory - 1 :]
        if len(self.steps) < 2:
            return None
        steps, values = np.array(self.steps), np.array(self.values)
        changes = steps[:-1] - steps[-1]
        G = changes @ changes.T
        weights = np.linalg.lstsq(G, changes @ steps[-1], rcond=1e-12)[0]
        return (values[-1] - weights @ (values[:-1] - values[-1])).reshape(x.shape)
