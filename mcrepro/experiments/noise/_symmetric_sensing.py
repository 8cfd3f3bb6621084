"""The lifted objective with the sensing matrices of the authors' earlier program.

There ``A_ij = (E_ij + E_ji) / 2`` in place of the E_ij of eq. (5). On rank-one ``w = x^{⊗l}`` both
measure the same. In general the measurement at entries (i_1 j_1), ..., (i_l j_l) becomes the mean of
``w_I w_J`` over the 2^l ways to exchange i_k and j_k, and the two objectives have different gradients
away from rank one.

Only observed entries count here, ε = 0: at ε = 5e-5 the others' share of the gradient is below the
1e-8 that Adam adds to its denominator.
"""

from itertools import product

import numpy as np
from scipy.sparse import csr_array

from mcrepro.lifting.rank_one import leading_component, residual

from ._solve import Solved


class SymmetricSensing:
    """``h(w) = sum over observed l-tuples of (mean of w_I w_J - product of data)^2``.

    Parameters
    ----------
    problem : Problem
        Symmetric; a mask may be one-way.
    order : int, default 3
    """

    def __init__(self, problem, order=3):
        self.n, self.order = problem.shape[0], order
        m = problem.n_observed
        tuples = np.array(list(product(range(m), repeat=order)))
        self.data = problem.values[tuples].prod(axis=1)
        ends = np.stack([problem.rows[tuples], problem.cols[tuples]])
        # Exchanging all pairs at once swaps I and J: half of the ways are enough.
        ways = np.array([(0, *rest) for rest in product((0, 1), repeat=order - 1)])
        place = np.arange(order)
        strides = self.n ** np.arange(order - 1, -1, -1)
        self._I = [self._reader((ends[w, :, place].T * strides).sum(axis=1)) for w in ways]
        self._J = [self._reader((ends[1 - w, :, place].T * strides).sum(axis=1)) for w in ways]

    def _reader(self, index):
        """The matrix that reads the entries `index` off a flattened w."""
        shape = (len(index), self.n**self.order)
        return csr_array((np.ones(len(index)), index, np.arange(len(index) + 1)), shape=shape)

    def value_and_gradient(self, w):
        """h and its gradient for columns w, shape (n^l, trials)."""
        parts = [(I, J, I @ w, J @ w) for I, J in zip(self._I, self._J, strict=True)]
        residual = sum(a * b for _, _, a, b in parts) / len(parts) - self.data[:, None]
        share = 2 * residual / len(parts)
        gradient = sum(I.T @ (share * b) + J.T @ (share * a) for I, J, a, b in parts)
        return np.sum(residual**2, axis=0), gradient


def adam(problem, x0, *, order=3, scale=1e-4, step=0.02, max_iter=1000, vtol=1e-5):
    """The earlier program's run from ``scale * x0^{⊗l}``: Adam until h < vtol.

    Parameters
    ----------
    problem : Problem
    x0 : ndarray, shape (trials, n)

    Returns
    -------
    Solved
    """
    objective = SymmetricSensing(problem, order)
    w = x0
    for _ in range(order - 1):
        w = (w[:, :, None] * x0[:, None, :]).reshape(len(x0), -1)
    w = scale * w.T
    mean, square = np.zeros_like(w), np.zeros_like(w)
    done = np.zeros(len(x0), dtype=bool)
    for k in range(1, max_iter + 1):
        value, g = objective.value_and_gradient(w)
        done |= value < vtol
        if done.all():
            break
        mean = 0.9 * mean + 0.1 * g
        square = 0.999 * square + 0.001 * g**2
        move = step * (mean / (1 - 0.9**k)) / (np.sqrt(square / (1 - 0.999**k)) + 1e-8)
        w = w - np.where(done, 0.0, move)
    tensors = w.T.reshape(len(x0), *(problem.shape[0],) * order)
    size, v = leading_component(tensors, order)
    X = (np.sign(size) * np.abs(size) ** (1 / order))[:, None] * v
    return Solved(
        X[:, :, None] * X[:, None, :],
        done,
        np.full(len(x0), k),
        residual(tensors, order, size, v),
        np.sign(X),
        value,
    )
